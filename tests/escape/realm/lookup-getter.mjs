// class: vm2: __lookupGetter__ through a foreign apply (2023)
// rule: there is no foreign function to borrow
// platforms: neutral bare
// expects: DENIED the prototype of a foreign apply: this realm
// expects: DENIED __defineGetter__ on an interface: the guest's own copy
// expects: DENIED a namespace that is written to: TypeError
// expects: DENIED a namespace that is redefined: TypeError
import { Descriptor } from "cordon:vm/descriptors";
import { readFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

attempt("the prototype of a foreign apply", () => {
  const look = {}.__lookupGetter__;
  const proto = Reflect.apply(readFile.apply, look, [Descriptor, ["__proto__"]]);
  const found = Reflect.apply(proto, readFile.apply, []);
  return found.constructor("return typeof process + typeof natives")() === "undefinedundefined" ? "this realm" : true;
});
attempt("__defineGetter__ on an interface", () => {
  try { readFile.__defineGetter__("x", () => 1); return readFile.x === 1 ? "the guest's own copy" : "nothing"; } catch (error) { return error.name; }
});
const module = await import("cordon:vm/filesystem");
attempt("a namespace that is written to", () => { module.readFile = () => {}; return true; });
attempt("a namespace that is redefined", () => { Object.defineProperty(module, "readFile", { value: 1 }); return true; });
