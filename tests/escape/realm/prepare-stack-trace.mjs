// class: vm2: Error.prepareStackTrace (CVE-2023-29017 and after)
// rule: the platform's functions are strict, so that call sites give neither them nor their receivers
// platforms: neutral bare
// expects: DENIED an error of the platform: nothing but the guest's
// expects: DENIED a callback that the platform calls: nothing but the guest's
// expects: DENIED a getter that the platform reads: nothing but the guest's
// expects: DENIED an iterator that the platform drains: nothing but the guest's
// expects: DENIED a name that is a symbol: this realm
// expects: DENIED an error of an async function: this realm
import { readFile, open } from "cordon:vm/filesystem";
import { spawn } from "cordon:vm/process";
import { attempt, attemptAsync } from "/escape/report.mjs";

let sites;
Error.prepareStackTrace = (error, list) => { sites = list; return "stack"; };
const looks = () => {
  for (const site of sites) {
    for (const found of [site.getThis?.(), site.getFunction?.()]) {
      if (found === undefined || found === null || found === globalThis) continue;
      if (typeof found === "object" && "fsOpen" in found) return true;
      if (typeof found === "function" && (/natives/.test(found) || /\[native code\]/.test(found))) return true;
    }
    if (site.constructor.constructor("return typeof process")() !== "undefined") return true;
    if (site.getEvalOrigin?.()?.toString().includes("/src/")) return true;
  }
  return sites.length > 0 ? "nothing but the guest's" : "no sites";
};
attempt("an error of the platform", () => {
  try { readFile("/nowhere"); } catch (error) { error.stack; }
  return looks();
});
attempt("a callback that the platform calls", () => {
  try { readFile({ toString() { new Error().stack; throw new Error(); } }); } catch (error) { error.stack; }
  return looks();
});
attempt("a getter that the platform reads", () => {
  try { open("/x", { get read() { new Error().stack; throw new Error(); } }); } catch (error) { error.stack; }
  return looks();
});
attempt("an iterator that the platform drains", () => {
  try { spawn({ program: "true", arguments: { *[Symbol.iterator]() { new Error().stack; throw new Error(); } } }); } catch (error) { error.stack; }
  return looks();
});
attempt("a name that is a symbol", () => {
  const error = new Error("x");
  error.name = Symbol("x");
  Error.prepareStackTrace = undefined;
  try { return typeof error.stack === "string" ? "a text" : "nothing"; } catch (thrown) {
    return thrown.constructor.constructor("return typeof process")() === "undefined" ? "this realm" : true;
  }
});
await attemptAsync("an error of an async function", async () => {
  const failing = async () => { const error = new Error(); error.name = Symbol(); return error.stack; };
  try { return typeof (await failing()) === "string" ? "a text" : "nothing"; } catch (thrown) {
    return thrown.constructor === TypeError ? "this realm" : true;
  }
});
