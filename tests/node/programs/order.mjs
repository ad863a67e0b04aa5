// In which order things run: phases of the event loop, ticks, microtasks, exit.
import { readFile } from "node:fs";

const log = [];
const say = (what) => log.push(what);
process.on("beforeExit", () => {
  if (log.includes("beforeExit")) return;
  say("beforeExit");
  setTimeout(() => say("timer after beforeExit"), 1);
});
process.on("exit", (code) => {
  say(`exit ${code}`);
  console.log(log.join("\n"));
});

setImmediate(() => {
  say("immediate 1");
  process.nextTick(() => say("tick of immediate 1"));
  Promise.resolve().then(() => say("microtask of immediate 1"));
});
setImmediate(() => {
  say("immediate 2");
  // When a file is read is nobody's to say: so nothing else is under way.
  readFile(new URL(import.meta.url), onFile);
});
process.nextTick(() => say("tick"));
Promise.resolve().then(() => say("microtask"));
queueMicrotask(() => say("queueMicrotask"));

function onFile() {
  say("file");
  setTimeout(() => say("timer of file"), 0);
  setImmediate(() => say("immediate of file"));
  const interval = setInterval(() => {
    say("interval");
    if (log.filter((line) => line === "interval").length === 2) clearInterval(interval);
  }, 20);
}
setTimeout(() => say("never"), 60_000).unref();
say("main");
