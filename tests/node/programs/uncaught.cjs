// What nothing catches goes to the program's own handlers, in Node's order, wherever it is thrown.
"use strict";
const domain = require("node:domain");

process.on("uncaughtException", (error, origin) => console.log(origin, error.message));

queueMicrotask(() => { throw new Error("microtask"); });
queueMicrotask(class {});
queueMicrotask(() => console.log("the next microtask"));
process.nextTick(() => { throw new Error("tick"); });
process.nextTick(() => console.log("the next tick"));
Promise.reject(new Error("rejected"));
setTimeout(() => { throw new Error("timer"); }, 60);

const guarded = domain.create();
guarded.on("error", (error) => console.log("domain", error.message));
setTimeout(() => {
  setImmediate(() => console.log("first"));
  setImmediate(() => {
    process.nextTick(() => console.log("tick of an immediate that threw"));
    throw new Error("immediate");
  });
  guarded.run(() => setImmediate(() => { throw new Error("immediate of a domain"); }));
  setImmediate(() => console.log("last"));
  queueMicrotask(() => { throw new Error("microtask of a timer"); });
}, 20);
process.on("exit", (code) => console.log("exit", code));
process.on("exit", () => {
  process.exitCode = 3;
  throw new Error("exit");
});
