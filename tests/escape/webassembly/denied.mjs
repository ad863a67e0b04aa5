// class: WebAssembly where it is denied
// rule: V8 has none, or its object is taken from every context before guest code and compilation is refused
// profiles: default no-jit
// platforms: neutral bare
// expects: DENIED the name: undefined
// expects: DENIED in another function: undefined
// expects: DENIED a property of the global object: undefined
// expects: DENIED a property of its prototype: undefined
// expects: DENIED by a tag: undefined
// expects: DENIED through a cloned module: undefined
// expects: DENIED an import: ERR_WEBASSEMBLY_NOT_SUPPORTED
// expects: DENIED an import by its type: ERR_IMPORT_ATTRIBUTE_UNSUPPORTED
// expects: DENIED a source phase import: SyntaxError
// expects: DENIED asm.js: plain JavaScript
import { writeFile } from "cordon:vm/filesystem";
import { attempt, attemptAsync } from "/escape/report.mjs";

const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const seen = (found) => (found === undefined || found === "undefined" ? "undefined" : true);
attempt("the name", () => seen(typeof WebAssembly));
attempt("in another function", () => seen(Function("return typeof WebAssembly")()));
attempt("a property of the global object", () => seen(Reflect.get(globalThis, "WebAssembly")));
attempt("a property of its prototype", () => seen(Object.getPrototypeOf(globalThis).WebAssembly));
attempt("by a tag", () => (Reflect.ownKeys(globalThis).some((key) => { try { return Object.prototype.toString.call(globalThis[key]).includes("WebAssembly"); } catch { return false; } }) ? true : "undefined"));
attempt("through a cloned module", () => { if (typeof structuredClone === "undefined") return "undefined"; return typeof structuredClone(bytes).exports === "undefined" ? "undefined" : true; });
await attemptAsync("an import", async () => { writeFile("/tmp/x.wasm", bytes); await import("/tmp/x.wasm"); return true; });
await attemptAsync("an import by its type", async () => { await import("/tmp/x.wasm", { with: { type: "webassembly" } }); return true; });
attempt("a source phase import", () => Function("return import.source('/tmp/x.wasm')")() && true);
attempt("asm.js", () => (Function("'use asm'; function f() { return 1 | 0; } return f;")()() === 1 ? "plain JavaScript" : true));
