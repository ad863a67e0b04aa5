// package: pino
// deny: fails with timingMitigation is "freeze"
import { readFileSync, rmSync } from "node:fs";
import pino from "pino";
rmSync("/tmp/pino-transport.log", { force: true });
const transport = pino.transport({ target: "pino/file", options: { destination: "/tmp/pino-transport.log" } });
const log = pino({ base: null, timestamp: false }, transport);
log.info("through a thread");
transport.on("ready", () => {
  transport.end();
});
transport.on("close", () => console.log(readFileSync("/tmp/pino-transport.log", "utf8")));
