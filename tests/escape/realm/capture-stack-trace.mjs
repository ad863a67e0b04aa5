// class: vm2: what stacks tell (GHSA-x6m4-chr9-cg97)
// rule: stacks name the VM's own paths only
// platforms: neutral bare node
// expects: DENIED the stack of an error of the platform: no path of the host
// expects: DENIED a captured stack: no path of the host
// expects: DENIED the text of a function of the platform: no path of the host
// expects: DENIED import.meta: no path of the host
import { readFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

Error.stackTraceLimit = Infinity;
const host = (text) => /\/src\/|\.rs\b|\/target\/|cordon-worker|\/root\/|cargo/.test(text.replaceAll(import.meta.url, ""));
attempt("the stack of an error of the platform", () => {
  try { readFile("/nowhere"); } catch (error) { return host(error.stack) ? true : "no path of the host"; }
});
attempt("a captured stack", () => {
  const holder = {};
  Error.captureStackTrace(holder);
  return host(holder.stack) ? true : "no path of the host";
});
attempt("the text of a function of the platform", () => (/native code/.test(Function.prototype.toString.call(readFile)) || !host(`${readFile}`) ? "no path of the host" : true));
attempt("import.meta", () => (Reflect.ownKeys(import.meta).some((key) => host(`${String(key)}${import.meta[key]}`)) ? true : "no path of the host"));
