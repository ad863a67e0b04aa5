// class: structured clone and serialization
// rule: cloned values are data of this realm; what is no data is refused
// expects: DENIED a function: DataCloneError
// expects: DENIED a resource: no resource
// expects: DENIED a getter: 1 1
// expects: DENIED __proto__ as a key: an own key
// expects: DENIED an error's constructor: this realm
// expects: DENIED shared memory: undefined
// expects: DENIED a proxy: DataCloneError
// expects: DENIED a transferred buffer: 0 8
import { memoryFile } from "cordon:vm/descriptors";
import { readFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

const refused = (make) => () => { try { return structuredClone(make()) && true; } catch (error) { return error.name; } };
attempt("a function", refused(() => readFile));
attempt("a resource", () => (structuredClone(memoryFile()).status === undefined ? "no resource" : true));
attempt("a getter", () => { let ran = 0; const copy = structuredClone({ get a() { ran++; return 1; } }); return `${ran} ${Object.getOwnPropertyDescriptor(copy, "a").value}`; });
attempt("__proto__ as a key", () => { const copy = structuredClone(JSON.parse('{"__proto__":{"x":1}}')); return {}.x === undefined && Object.hasOwn(copy, "__proto__") ? "an own key" : true; });
attempt("an error's constructor", () => { const copy = structuredClone(new RangeError("x")); return copy.constructor === RangeError ? "this realm" : true; });
attempt("shared memory", () => typeof SharedArrayBuffer);
attempt("a proxy", refused(() => new Proxy({}, {})));
attempt("a transferred buffer", () => { const buffer = new ArrayBuffer(8); const copy = structuredClone(buffer, { transfer: [buffer] }); return `${buffer.byteLength} ${copy.byteLength}`; });
