// A walk through the library: each line is compared with what Node prints.
const util = require("node:util");
const events = require("node:events");
const { AsyncLocalStorage } = require("node:async_hooks");
const vm = require("node:vm");
const zlib = require("node:zlib");
const { StringDecoder } = require("node:string_decoder");
const { performance } = require("node:perf_hooks");

console.log(util.inspect({ a: [1, { b: new Map([["k", new Set([1n])]]) }], f() {}, [Symbol("s")]: null, d: new Date(0) }, { depth: 5 }));
console.log("%s %d %i %j %o %%", "s", 1.5, 2.7, { j: 1 }, [1]);
console.table([{ a: 1, b: "x" }, { a: 2, b: "y" }]);
console.log(util.format(new Error("shown").message), util.types.isProxy(new Proxy({}, {})), util.isDeepStrictEqual([1], [1]));
console.log(Buffer.from("häß").toString("base64url"), Buffer.from([1, 2, 3]).readUInt16BE(1), Buffer.concat([Buffer.from("a"), Buffer.from("b")]), Buffer.compare(Buffer.from("a"), Buffer.from("b")));
console.log(new URL("../x?y=ü#z", "https://user:pw@exämple.org:8080/a/b").href, new URLSearchParams({ a: "1 2", b: "ä" }).toString());
console.log(new TextDecoder("utf-16le").decode(new TextEncoder().encode("a\0b\0")), btoa("hi"), atob("aGk="), structuredClone(new Map([[{}, [new Date(0)]]])));
console.log(new StringDecoder("utf8").write(Buffer.from([0xe2, 0x82])) === "", vm.runInNewContext("a + globalThis.a", { a: 2 }), vm.isContext({}));
console.log(zlib.gunzipSync(zlib.gzipSync("zip")).toString(), zlib.brotliDecompressSync(zlib.brotliCompressSync("brotli")).toString(), zlib.crc32("hello"));
console.log(process.version, process.versions.node, process.platform, process.arch, process.argv.length, typeof process.hrtime.bigint(), process.env.NOTHING);
// A VM has no web storage.
console.log(Object.keys(globalThis).filter((name) => name !== "sessionStorage").sort().join());
const storage = new AsyncLocalStorage();
storage.run("stored", () => setTimeout(() => console.log(storage.getStore()), 1));
events.once(Object.assign(new events(), {}), "x", { signal: AbortSignal.abort() }).catch((error) => console.log(error.name, error.code));
new ReadableStream({ start(controller) { controller.enqueue("web"); controller.close(); } }).pipeThrough(new TextEncoderStream())
  .getReader().read().then(({ value }) => console.log(value));
new Blob(["bl", "ob"]).text().then(console.log);
new Response("{\"a\":1}").json().then(console.log);
const { port1, port2 } = new MessageChannel();
port2.on("message", (message) => { console.log("message", message); port2.close(); });
port1.postMessage({ n: 1n, bytes: new Uint8Array(2) });
console.log(performance.now() >= 0, performance.timeOrigin > 1.6e12, navigator.userAgent.startsWith("Node.js/"));
