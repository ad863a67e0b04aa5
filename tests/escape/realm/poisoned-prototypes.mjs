// class: SES: primordials that the guest has replaced
// rule: the platform uses what it took before guest code ran, and its own objects inherit nothing that can be replaced
// platforms: neutral bare node
// expects: DENIED Function.prototype.call: nothing of the platform
// expects: DENIED Function.prototype.apply: nothing of the platform
// expects: DENIED Function.prototype.bind: nothing of the platform
// expects: DENIED Array.prototype.push: nothing of the platform
// expects: DENIED Array.from: nothing of the platform
// expects: DENIED Array iteration: nothing of the platform
// expects: DENIED Reflect.construct: nothing of the platform
// expects: DENIED FinalizationRegistry.prototype.register: nothing of the platform
// expects: DENIED WeakMap.prototype.get: nothing of the platform
// expects: DENIED Map.prototype.get: nothing of the platform
// expects: DENIED a setter for index 0: nothing of the platform
// expects: DENIED a setter for value: nothing of the platform
// expects: DENIED a setter for code: nothing of the platform
// expects: DENIED a setter for fsOpen: nothing of the platform
// expects: DENIED a getter for read: nothing of the platform
// expects: DENIED a setter for then: nothing of the platform
import { memoryFile, pipe } from "cordon:vm/descriptors";
import { open, readDirectory, readFile, status, writeFile } from "cordon:vm/filesystem";
import { environment, spawn } from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

const caught = [];
const looks = (prepare, act) => () => {
  const { push } = Array.prototype;
  const undo = prepare((...values) => { for (let i = 0; i < values.length; i++) Reflect.apply(push, caught, [values[i]]); });
  try { act(); } catch { /* whatever it says */ } finally { undo(); }
  const odd = caught.splice(0).some((value) => (typeof value === "object" && value !== null && Object.hasOwn(value, "fsOpen")) || typeof value === "symbol" && value.description === "making a resource");
  return odd ? true : "nothing of the platform";
};
const everything = () => {
  writeFile("/tmp/a", "x"); readFile("/tmp/a"); readDirectory("/tmp"); status("/tmp/a"); environment(); pipe();
  memoryFile().duplicate(); open("/tmp/a", { read: true }).close(); spawn({ program: "true", arguments: ["true"], descriptors: [] });
};
const replace = (object, key, make) => (note) => {
  const before = Object.getOwnPropertyDescriptor(object, key);
  Object.defineProperty(object, key, make(note, before));
  return () => (before === undefined ? delete object[key] : Object.defineProperty(object, key, before));
};
const method = (object, key) => looks(replace(object, key, (note, before) => ({ configurable: true, writable: true, value(...all) { note(this, ...all); return Reflect.apply(before.value, this, all); } })), everything);
const setter = (key) => looks(replace(Object.prototype, key, (note) => ({ configurable: true, set(value) { note(this, value); }, get() { note(this); return undefined; } })), everything);
attempt("Function.prototype.call", method(Function.prototype, "call"));
attempt("Function.prototype.apply", method(Function.prototype, "apply"));
attempt("Function.prototype.bind", method(Function.prototype, "bind"));
attempt("Array.prototype.push", method(Array.prototype, "push"));
attempt("Array.from", method(Array, "from"));
attempt("Array iteration", method(Array.prototype, Symbol.iterator));
attempt("Reflect.construct", method(Reflect, "construct"));
attempt("FinalizationRegistry.prototype.register", method(FinalizationRegistry.prototype, "register"));
attempt("WeakMap.prototype.get", method(WeakMap.prototype, "get"));
attempt("Map.prototype.get", method(Map.prototype, "get"));
attempt("a setter for index 0", setter("0"));
attempt("a setter for value", setter("value"));
attempt("a setter for code", setter("code"));
attempt("a setter for fsOpen", setter("fsOpen"));
attempt("a getter for read", setter("read"));
attempt("a setter for then", setter("then"));
