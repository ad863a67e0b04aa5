// class: SES and realms-shim: whatever can be reached
// rule: a context holds no object of another realm, and none that has the native functions behind the platform
// platforms: neutral bare
// expects: DENIED functions of another realm: none
// expects: DENIED the native functions: none
import * as descriptors from "cordon:vm/descriptors";
import * as engine from "cordon:vm/engine";
import * as filesystem from "cordon:vm/filesystem";
import * as host from "cordon:vm/host";
import * as process from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

const seen = new Set();
const queue = [globalThis, descriptors, engine, filesystem, host, process, import.meta];
const keep = (value) => {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
  seen.add(value);
  queue.push(value);
};
for (const make of [
  () => filesystem.readFile("/nowhere"), () => filesystem.status("/tmp"), () => filesystem.readDirectory("/"),
  () => descriptors.memoryFile(), () => descriptors.pipe(), () => process.spawn({ program: "true" }),
  () => process.environment(), () => host.call("nobody", "1"), () => import("/nowhere.mjs"), () => null.x,
  () => eval("("), () => new Array(-1), () => decodeURI("%"), () => globalThis.structuredClone?.({}), () => new descriptors.Descriptor(),
  () => engine.report(), () => globalThis.crypto?.randomUUID(), () => globalThis.setTimeout?.(() => {}),
]) {
  try { keep(await make()); } catch (error) { keep(error); }
}
let foreign = 0, natives = 0, functions = 0;
const own = [Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor];
while (queue.length > 0) {
  const value = queue.pop();
  if (typeof value === "function") {
    functions++;
    const { constructor } = Object.getPrototypeOf(value) ?? {};
    if (typeof constructor === "function" && constructor.name.endsWith("Function") && !own.includes(constructor)) foreign++;
  }
  if (!(value instanceof Object) && Object.prototype.toString.call(value) !== "[object Module]") {
    // Nothing without a prototype of this realm but namespaces and what says so.
    for (let up = value; up !== null; up = Object.getPrototypeOf(up)) {
      if (Object.getPrototypeOf(up) === null && up !== Object.prototype && Object.hasOwn(up, "hasOwnProperty")) foreign++;
    }
  }
  for (const key of Reflect.ownKeys(value)) {
    if (key === "fsOpen" || key === "processSpawn" || key === "compileCommonJs") natives++;
    let property;
    try { property = Reflect.getOwnPropertyDescriptor(value, key); } catch { continue; }
    for (const part of [property.value, property.get, property.set]) keep(part);
    if (property.get !== undefined) {
      try { keep(value[key]); } catch (error) { keep(error); }
    }
  }
  keep(Object.getPrototypeOf(value));
}
attempt("functions of another realm", () => (foreign > 0 ? true : functions > 500 ? "none" : `${functions}`));
attempt("the native functions", () => (natives > 0 ? true : "none"));
