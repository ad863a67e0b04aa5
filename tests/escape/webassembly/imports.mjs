// class: WebAssembly with imports
// rule: a module gets what the guest gives it; memories are not shared, and its functions are this realm's
// profiles: wasm
// platforms: neutral bare
// expects: DENIED an exported function's constructor: this realm
// expects: DENIED call sites of a module: nothing of the platform
// expects: DENIED a native function as an import: ENOENT
// expects: DENIED memory beyond the limit: RangeError
// expects: DENIED a read beyond its memory: RangeError
// expects: DENIED memory that grew under a view: 0 bytes
// expects: DENIED damaged bytes: CompileError
// expects: DENIED a module that is cloned: DataCloneError
// expects: DENIED Atomics.wait on its memory: TypeError
import { readFile } from "cordon:vm/filesystem";
import { attempt, attemptAsync } from "/escape/report.mjs";

// (module (import "a" "f" (func)) (func (export "g") call 0) (memory (export "m") 1))
const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 97, 1, 102, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 9, 2, 1, 103, 0, 1, 1, 109, 2, 0, 10, 6, 1, 4, 0, 16, 0, 11]);
const { instance } = await WebAssembly.instantiate(bytes, { a: { f() { new Error().stack; } } });
attempt("an exported function's constructor", () => (instance.exports.g.constructor("return typeof process + typeof natives")() === "undefinedundefined" ? "this realm" : true));
attempt("call sites of a module", () => {
  let sites;
  Error.prepareStackTrace = (error, list) => { sites = list; return ""; };
  instance.exports.g();
  const odd = sites.some((site) => { const seen = site.getThis(); return typeof seen === "object" && seen !== null && "fsOpen" in seen; });
  Error.prepareStackTrace = undefined;
  return odd ? true : "nothing of the platform";
});
attempt("a native function as an import", () => { new WebAssembly.Instance(new WebAssembly.Module(bytes), { a: { f: readFile } }).exports.g(); return true; });
attempt("memory beyond the limit", () => { new WebAssembly.Memory({ initial: 65536 }); return true; });
attempt("a read beyond its memory", () => { const view = new DataView(instance.exports.m.buffer); return `${view.getUint8(65536)}`; });
attempt("memory that grew under a view", () => { const view = new Uint8Array(instance.exports.m.buffer); instance.exports.m.grow(1); return `${view.length} bytes`; });
await attemptAsync("damaged bytes", async () => { const damaged = bytes.slice(); damaged[20] = 255; await WebAssembly.compile(damaged); return true; });
attempt("a module that is cloned", () => { try { globalThis.structuredClone?.(new WebAssembly.Module(bytes)); } catch (error) { return error.name; } return globalThis.structuredClone === undefined ? "DataCloneError" : true; });
attempt("Atomics.wait on its memory", () => { Atomics.wait(new Int32Array(instance.exports.m.buffer), 0, 0, 0); return true; });
