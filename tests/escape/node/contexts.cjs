// class: Node: contexts of node:vm, and bytes for V8
// rule: a context has no more than its VM; hostile bytes give values or an error
// platforms: node
// expects: DENIED a constructor chain of a context: nothing of the library
// expects: DENIED of one without a prototype: nothing of the library
// expects: DENIED ShadowRealm of a context: undefined
// expects: DENIED natives' syntax in a script: SyntaxError
// expects: DENIED cached data of a guest's: rejected
// expects: DENIED cached data of a function: rejected
// expects: DENIED cached data of V8's own: none
// expects: DENIED a context of an odd object: nothing
// expects: DENIED hostile bytes for v8.deserialize: values or errors
// expects: DENIED a big integer of all memory: Error
// expects: DENIED an array of all memory: Error
// expects: DENIED a raw read beyond the bytes: Error
// expects: DENIED a memory that is shared by number: Error
// expects: DENIED a WebAssembly module by number: Error
// expects: DENIED __proto__ of the environment: [object Object]
// expects: DENIED an accessor in the environment: ERR_INVALID_OBJECT_DEFINE_PROPERTY
// expects: DENIED what the environment is made by: undefinedundefinedundefined
// expects: DENIED odd names in the environment: true
const { attempt } = require("/escape/report.mjs");
const vm = require("node:vm");
const v8 = require("node:v8");

const own = "typeof internalBinding + typeof primordials + typeof natives";
attempt("a constructor chain of a context", () => (vm.runInNewContext(`this.constructor.constructor("return ${own}")()`) === "undefinedundefinedundefined" ? "nothing of the library" : true));
attempt("of one without a prototype", () => (vm.runInNewContext(`this.constructor.constructor("return ${own}")()`, Object.create(null)) === "undefinedundefinedundefined" ? "nothing of the library" : true));
attempt("ShadowRealm of a context", () => vm.runInNewContext("typeof ShadowRealm"));
attempt("natives' syntax in a script", () => { new vm.Script("%DebugPrint(1)"); return true; });
attempt("cached data of a guest's", () => (new vm.Script("1", { cachedData: Buffer.from("c0de".repeat(2000), "hex") }).cachedDataRejected ? "rejected" : true));
attempt("cached data of a function", () => (vm.compileFunction("return 1", [], { cachedData: Buffer.alloc(4096, 7) }).cachedDataRejected ? "rejected" : true));
attempt("cached data of V8's own", () => (new vm.Script("1").createCachedData().length === 0 ? "none" : true));
attempt("a context of an odd object", () => { for (const odd of [new Proxy({}, { get() { throw new Error("x"); }, has: () => true, getOwnPropertyDescriptor() { throw new Error("y"); } }), Object.freeze({}), new Uint8Array(8), process.env]) { try { vm.runInContext("x = 1; globalThis.y; delete z; Object.keys(this)", vm.createContext(odd)); } catch { /* refused */ } } return "nothing"; });
const tags = [...'oOaAjbB;{"Sc"NnIUdDZTVt?~^@%$&w*xsrm|\\'].map((tag) => tag.charCodeAt(0));
let state = 1;
const random = (below) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * below); };
attempt("hostile bytes for v8.deserialize", () => {
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from({ length: 3 + (i % 40) }, (_, at) => (at === 0 ? 255 : at === 1 ? 15 - random(3) : random(3) > 0 ? tags[random(tags.length)] : random(256)));
    try { v8.deserialize(bytes); } catch { /* refused */ }
  }
  return "values or errors";
});
attempt("a big integer of all memory", () => { v8.deserialize(Uint8Array.of(255, 15, 0x5a, 0xfe, 0xff, 0xff, 0xff, 0x0f)); return true; });
attempt("an array of all memory", () => { v8.deserialize(Uint8Array.of(255, 15, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f)); return true; });
attempt("a raw read beyond the bytes", () => { const reader = new v8.Deserializer(Uint8Array.of(255, 15, 0)); reader.readHeader(); reader.readRawBytes(2 ** 31); return true; });
attempt("a memory that is shared by number", () => { v8.deserialize(Uint8Array.of(255, 15, 0x75, 0)); return true; });
attempt("a WebAssembly module by number", () => { v8.deserialize(Uint8Array.of(255, 15, 0x77, 0)); return true; });
attempt("__proto__ of the environment", () => { process.env.__proto__ = { polluted: 1 }; return process.env.polluted === undefined ? `${process.env.__proto__}` : true; });
attempt("an accessor in the environment", () => { Object.defineProperty(process.env, "X", { get: () => 1 }); return true; });
attempt("what the environment is made by", () => process.env.constructor.constructor(`return ${own}`)());
attempt("odd names in the environment", () => { process.env["a\0b=c"] = "x\0y"; process.env[""] = "z"; return `${Object.keys(process.env).includes("a\0b=c")}`; });
