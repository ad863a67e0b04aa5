// class: vm2: util.inspect.custom (CVE-2023-37903)
// rule: what inspecting hands to guest code is of the guest's own realm, and has no authority
// expects: DENIED the arguments of a custom inspection: this realm
// expects: DENIED the inspecting function: this realm
// expects: DENIED an options object of a taken-over prototype: nothing of the platform
import { attempt } from "/escape/report.mjs";

const custom = Symbol.for("nodejs.util.inspect.custom");
let given;
attempt("the arguments of a custom inspection", () => {
  console.error({ [custom](...all) { given = [this, ...all]; return "inspected"; } });
  const foreign = (value) => typeof value === "function" && value.constructor !== Function || (typeof value === "object" && "fsOpen" in value);
  return given.some(foreign) || Object.values(given[2]).some(foreign) ? true : "this realm";
});
attempt("the inspecting function", () => {
  const [, , options, inspect] = given;
  return inspect.constructor("return typeof process + typeof natives")() === "undefinedundefined" && options.stylize.constructor === Function ? "this realm" : true;
});
attempt("an options object of a taken-over prototype", () => {
  const seen = [];
  Object.defineProperty(Object.prototype, "seen", { configurable: true, set(value) { seen.push(this); } });
  for (const name of ["depth", "stylize", "indent", "circular"]) Object.defineProperty(Object.prototype, name, { configurable: true, set() { seen.push(this); } });
  console.error({ a: { b: [1, new Map([[1, 2]])] } });
  for (const name of ["seen", "depth", "stylize", "indent", "circular"]) delete Object.prototype[name];
  return seen.some((value) => "fsOpen" in value) ? true : "nothing of the platform";
});
