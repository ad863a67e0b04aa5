// What most programs use of the library, once, so that a worker finds it compiled. It runs while cordon is built.
"use strict";
const assert = require("node:assert");
const { Buffer } = require("node:buffer");
const { EventEmitter } = require("node:events");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Readable, Transform, pipeline } = require("node:stream");
const util = require("node:util");
for (const name of ["async_hooks", "child_process", "crypto", "fs/promises", "http", "https", "module", "net", "querystring",
  "readline", "string_decoder", "timers", "timers/promises", "tty", "url", "vm", "worker_threads", "zlib"]) {
  require(`node:${name}`);
}

const file = path.join(os.tmpdir(), "rehearsal.txt");
fs.writeFileSync(file, "text\n");
assert.strictEqual(fs.readFileSync(file, "utf8"), "text\n");
assert.ok(fs.existsSync(file) && fs.statSync(file).isFile() && fs.readdirSync(os.tmpdir()).length > 0);
fs.rmSync(file);
fs.mkdirSync(file);
fs.rmdirSync(file);
const emitter = new EventEmitter();
emitter.once("event", () => {});
emitter.emit("event");
assert.deepStrictEqual(Buffer.from("text").toString("base64"), "dGV4dA==");
console.log("%s %d", "text", 1, { a: [1, new Map([[1, 2]]), new Error("e"), null, "s"] });
console.error(util.inspect(new Set([1])), util.format("%j", {}));
new URL("https://example.com/a?b=c").searchParams.get("b");
new TextDecoder().decode(new TextEncoder().encode("text"));
structuredClone({ a: 1 });
process.nextTick(() => {});
queueMicrotask(() => {});
setImmediate(() => {});
setTimeout(() => {}, 1);
process.on("exit", () => {});
const upper = new Transform({ transform: (chunk, _, done) => done(null, String(chunk).toUpperCase()) });
pipeline(Readable.from(["a", "b"]), upper, (error) => assert.ifError(error ?? null));
upper.resume();
new AbortController().abort();
