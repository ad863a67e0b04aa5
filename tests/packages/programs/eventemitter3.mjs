// package: eventemitter3
import EventEmitter from "eventemitter3";
const emitter = new EventEmitter();
const context = { name: "ctx" };
emitter
  .on(
    "a",
    function (...args) {
      console.log(this.name, args);
    },
    context,
  )
  .once("a", () => console.log("once"));
console.log(
  emitter.emit("a", 1, 2),
  emitter.emit("a"),
  emitter.emit("b"),
  emitter.listenerCount("a"),
  emitter.eventNames(),
);
emitter.removeAllListeners();
console.log(emitter.eventNames(), EventEmitter.EventEmitter === EventEmitter);
