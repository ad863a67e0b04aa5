// package: pino
import { Writable } from "node:stream";
import { readFileSync, rmSync } from "node:fs";
import pino from "pino";
const options = {
  base: { app: "x" },
  timestamp: false,
  redact: ["password", "user.token"],
  serializers: { error: (e) => ({ type: e.name, message: e.message }) },
  formatters: { level: (label) => ({ level: label }) },
};
const log = pino(options, pino.destination({ dest: 1, sync: true }));
log.info({ user: { name: "ada", token: "t" }, password: "p" }, "hello %s", "world");
log.child({ request: 7 }).warn({ error: new TypeError("bad") }, "careful");
log.debug("not shown");
log.level = "trace";
log.trace("shown");
const lines = [];
pino(
  options,
  new Writable({
    write(chunk, encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  }),
).error("to a stream");
rmSync("/tmp/pino.log", { force: true });
const file = pino.destination({ dest: "/tmp/pino.log", sync: true });
pino(options, file).fatal("to a file");
file.flushSync();
console.log(lines, readFileSync("/tmp/pino.log", "utf8"), pino.levels.values.fatal);
