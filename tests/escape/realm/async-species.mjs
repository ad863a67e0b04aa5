// class: vm2: promises of async functions, species and then (CVE-2023-37466, CVE-2026-22709)
// rule: promises are this realm's own wherever they come from
// platforms: neutral bare
// expects: DENIED the promise of an async function: this realm
// expects: DENIED the promise of a dynamic import: this realm
// expects: DENIED the promise of a native function: this realm
// expects: DENIED a species that the rejection is given to: this realm
// expects: DENIED a stack that overflows in an async function: this realm
// expects: DENIED then, catch and finally taken over: nothing of the platform
// expects: DENIED a thenable that is awaited: this realm
import { inherited, pipe } from "cordon:vm/descriptors";
import { call } from "cordon:vm/host";
import { attempt, attemptAsync } from "/escape/report.mjs";

const own = Promise;
const foreign = (value) => value?.constructor?.constructor?.("return typeof process + typeof natives")?.() !== "undefinedundefined";
attempt("the promise of an async function", () => ((async () => {})().constructor === own ? "this realm" : true));
attempt("the promise of a dynamic import", () => { const made = import("/nowhere.mjs"); made.catch(() => {}); return Object.getPrototypeOf(made) === own.prototype ? "this realm" : true; });
attempt("the promise of a native function", () => { const made = pipe()[1].write(new Uint8Array(1)); return Object.getPrototypeOf(made) === own.prototype ? "this realm" : true; });
await attemptAsync("a species that the rejection is given to", async () => {
  const failing = call("nobody", "null");
  let error;
  failing.constructor = { [Symbol.species]: class { constructor(executor) { executor(() => {}, (given) => { error = given; }); } } };
  failing.then();
  await null; await null;
  failing.constructor = own;
  await failing.catch((given) => { error ??= given; });
  return foreign(error) ? true : "this realm";
});
await attemptAsync("a stack that overflows in an async function", async () => {
  const deep = async () => { (function down() { new Error().stack; down(); })(); };
  try { await deep(); } catch (error) { return error.constructor === RangeError && !foreign(error) ? "this realm" : true; }
});
await attemptAsync("then, catch and finally taken over", async () => {
  const taken = [];
  const { then } = own.prototype;
  own.prototype.then = function (...given) { taken.push(this, ...given); return Reflect.apply(then, this, given); };
  try { await pipe()[1].write(new Uint8Array(1)); await import("/escape/report.mjs"); await inherited(1).write(new Uint8Array(0)); } finally { own.prototype.then = then; }
  return taken.some((value) => typeof value === "function" && /natives/.test(value)) ? true : "nothing of the platform";
});
await attemptAsync("a thenable that is awaited", async () => {
  let resolve;
  await { then(fulfil) { resolve = fulfil; fulfil(); } };
  return foreign(resolve) ? true : "this realm";
});
