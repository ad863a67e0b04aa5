// class: Node: the bindings and the loader behind its library
// rule: the library's own modules are behind its loader; what of its bindings is left to programs opens nothing that the VM does not
// platforms: node
// expects: DENIED internalBinding: undefined
// expects: DENIED primordials: undefined
// expects: DENIED process.binding("builtins"): Error
// expects: DENIED process.binding("cordon"): Error
// expects: DENIED process.binding("errors"): Error
// expects: DENIED process.binding("messaging"): Error
// expects: DENIED process.binding("module_wrap"): Error
// expects: DENIED process.binding("options"): Error
// expects: DENIED process.binding("symbols"): Error
// expects: DENIED process.binding("worker"): Error
// expects: DENIED process.binding("natives"): texts of Node's library
// expects: DENIED process._linkedBinding: ERR_CORDON_UNSUPPORTED
// expects: DENIED process.dlopen: ERR_CORDON_UNSUPPORTED
// expects: DENIED require of an addon: ERR_CORDON_UNSUPPORTED
// expects: DENIED require of an internal module: MODULE_NOT_FOUND
// expects: DENIED with its scheme: ERR_UNKNOWN_BUILTIN_MODULE
// expects: DENIED internal/test/binding: MODULE_NOT_FOUND
// expects: DENIED Module._load: MODULE_NOT_FOUND
// expects: DENIED process.mainModule.constructor._load: MODULE_NOT_FOUND
// expects: DENIED createRequire: MODULE_NOT_FOUND
// expects: DENIED process.getBuiltinModule: undefined
// expects: DENIED a list of internal modules: none
// expects: DENIED require.cache of one: MODULE_NOT_FOUND
// expects: DENIED a hook that resolves one: ENOENT
// expects: DENIED a hook that replaces cordon's own module: string
// expects: DENIED v8.setFlagsFromString: ERR_CORDON_UNSUPPORTED
// expects: DENIED a snapshot's callbacks: ERR_NOT_BUILDING_SNAPSHOT
// expects: DENIED a snapshot of the heap: ERR_CORDON_UNSUPPORTED
// expects: DENIED objects by their constructor: ERR_CORDON_UNSUPPORTED
// expects: DENIED inspector: ERR_INSPECTOR_NOT_AVAILABLE
// expects: DENIED process._debugProcess: ERR_CORDON_UNSUPPORTED
// expects: DENIED process.execve: ERR_CORDON_UNSUPPORTED
// expects: DENIED crypto.setEngine: ERR_CRYPTO_ENGINE_UNKNOWN
// expects: DENIED crypto.setFips: ERR_CORDON_UNSUPPORTED
// expects: DENIED trace events: ERR_TRACE_EVENTS_UNAVAILABLE
// expects: DENIED callers of a callback: null
// expects: DENIED functions and receivers of a stack: none
const { attempt } = require("/escape/report.mjs");
const Module = require("node:module");
const v8 = require("node:v8");
const { writeFileSync } = require("node:fs");

const seen = (value) => (typeof value === "object" || typeof value === "function" ? true : `${value}`);
attempt("internalBinding", () => seen(typeof internalBinding === "undefined" ? "undefined" : internalBinding));
attempt("primordials", () => seen(typeof primordials === "undefined" ? "undefined" : primordials));
for (const name of ["builtins", "cordon", "errors", "messaging", "module_wrap", "options", "symbols", "worker"]) {
  attempt(`process.binding("${name}")`, () => seen(process.binding(name)) && true);
}
attempt('process.binding("natives")', () => (Object.keys(process.binding("natives")).some((name) => name.startsWith("internal/deps/cjs")) ? true : "texts of Node's library"));
attempt("process._linkedBinding", () => seen(process._linkedBinding("fs")));
attempt("process.dlopen", () => { process.dlopen({ exports: {} }, "/tmp/x.node"); return true; });
attempt("require of an addon", () => { writeFileSync("/tmp/x.node", "\x7fELF"); require("/tmp/x.node"); return true; });
attempt("require of an internal module", () => seen(require("internal/util")));
attempt("with its scheme", () => seen(require("node:internal/util")));
attempt("internal/test/binding", () => seen(require("internal/test/binding")));
attempt("Module._load", () => seen(Module._load("internal/bootstrap/realm")));
attempt("process.mainModule.constructor._load", () => seen(process.mainModule?.constructor._load("internal/options") ?? Module._load("internal/options")));
attempt("createRequire", () => seen(Module.createRequire("/")("internal/options")));
attempt("process.getBuiltinModule", () => seen(process.getBuiltinModule("internal/options")));
attempt("a list of internal modules", () => (Module.builtinModules.some((name) => /internal|bootstrap/.test(name)) ? true : "none"));
attempt("require.cache of one", () => { require.cache["internal/util"] = module; return require("internal/util") === module ? "the guest's own" : true; });
attempt("a hook that resolves one", () => {
  const hooks = Module.registerHooks({ resolve: (name, context, next) => (name === "x" ? { url: "node:internal/util", format: "builtin", shortCircuit: true } : next(name, context)) });
  try { return seen(require("x")); } finally { hooks.deregister(); }
});
attempt("a hook that replaces cordon's own module", () => {
  const hooks = Module.registerHooks({ load: (url, context, next) => (/cordon/.test(url) ? { format: "module", source: "export const spawn = 'replaced';", shortCircuit: true } : next(url, context)) });
  try { return `${typeof require("cordon:vm/process").spawn}`; } finally { hooks.deregister(); }
});
attempt("v8.setFlagsFromString", () => { v8.setFlagsFromString("--allow-natives-syntax"); return true; });
attempt("a snapshot's callbacks", () => { v8.startupSnapshot.addSerializeCallback(() => {}); return true; });
attempt("a snapshot of the heap", () => { v8.writeHeapSnapshot("/tmp/heap"); return true; });
attempt("objects by their constructor", () => seen(v8.queryObjects(Object)));
attempt("inspector", () => seen(require("node:inspector")));
attempt("process._debugProcess", () => { process._debugProcess(process.pid); return true; });
attempt("process.execve", () => { process.execve("/bin/ls", ["ls"], {}); return true; });
attempt("crypto.setEngine", () => { require("node:crypto").setEngine("/tmp/x.so"); return true; });
attempt("crypto.setFips", () => { require("node:crypto").setFips(true); return true; });
attempt("trace events", () => { require("node:trace_events").createTracing({ categories: ["v8"] }).enable(); return true; });
attempt("callers of a callback", () => { let caller = "none"; [1].forEach(function called() { caller = called.caller; }); const emitter = new (require("node:events"))(); emitter.on("x", function called() { caller = called.caller; }); emitter.emit("x"); return caller === null ? "null" : true; });
attempt("functions and receivers of a stack", () => {
  const found = [];
  Error.prepareStackTrace = (error, frames) => { for (const frame of frames) if (/^node:/.test(frame.getFileName() ?? "")) found.push(frame.getFunction(), frame.getThis()); return "x"; };
  try { try { require("node:fs").readFileSync({}); } catch (error) { error.stack; } } finally { Error.prepareStackTrace = undefined; }
  return found.some((value) => typeof value === "function") ? true : "none";
});
