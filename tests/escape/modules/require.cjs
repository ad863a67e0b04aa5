// class: CommonJS: require, module and their internals
// rule: require and module are the platform's own, without a loader of the host behind them
// expects: DENIED require("fs"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("node:fs"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("child_process"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("process"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("module"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("vm"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("worker_threads"): ERR_UNSUPPORTED_BUILTIN
// expects: DENIED require("./secret.node"): MODULE_NOT_FOUND
// expects: DENIED require("../../../../../../etc/passwd"): SyntaxError
// expects: DENIED require("/etc/hostname"): MODULE_NOT_FOUND
// expects: DENIED require("/proc/self/environ"): SyntaxError
// expects: DENIED require("cordon:natives"): MODULE_NOT_FOUND
// expects: DENIED process.binding: ReferenceError
// expects: DENIED process.mainModule: ReferenceError
// expects: DENIED module.constructor._load: ERR_UNSUPPORTED_BUILTIN
// expects: DENIED module.constructor.createRequire: ERR_UNSUPPORTED_BUILTIN
// expects: DENIED module.require: ERR_UNSUPPORTED_BUILTIN
// expects: DENIED module.parent: none
// expects: DENIED module.constructor.constructor: this realm
// expects: DENIED require.main: this file
// expects: DENIED require.extensions: ERR_CORDON_UNSUPPORTED
// expects: DENIED require.cache, poisoned: MODULE_NOT_FOUND
// expects: DENIED require.resolve: ERR_UNSUPPORTED_BUILTIN
// expects: DENIED a module's code that ends its function: SyntaxError
// expects: DENIED a module that is no function's body: ReferenceError
// expects: DENIED Object.prototype.path: MODULE_NOT_FOUND
const { attempt } = require("/escape/report.mjs");

for (const name of ["fs", "node:fs", "child_process", "process", "module", "vm", "worker_threads", "./secret.node", "../../../../../../etc/passwd", "/etc/hostname", "/proc/self/environ", "cordon:natives"]) {
  attempt(`require(${JSON.stringify(name)})`, () => { require(name); return true; });
}
attempt("process.binding", () => process.binding("fs"));
attempt("process.mainModule", () => process.mainModule.require("fs"));
attempt("module.constructor._load", () => (module.constructor._load === undefined ? "undefined" : module.constructor._load("fs")));
attempt("module.constructor.createRequire", () => { module.constructor.createRequire("/tmp/x.cjs")("fs"); return true; });
attempt("module.require", () => (module.require === undefined ? "undefined" : module.require("fs")));
attempt("module.parent", () => (module.parent === undefined || module.parent === null ? "none" : module.parent.constructor === module.constructor ? "of this realm" : true));
attempt("module.constructor.constructor", () => (module.constructor.constructor("return typeof process + typeof natives")() === "undefinedundefined" ? "this realm" : true));
attempt("require.main", () => (require.main === module ? "this file" : require.main === undefined ? "undefined" : true));
attempt("require.extensions", () => { require.extensions[".node"]({ paths: [] }, "/tmp/x.node"); return true; });
attempt("require.cache, poisoned", () => { if (require.cache === undefined) return "undefined"; require.cache["/tmp/x.cjs"] = module; return require("/tmp/x.cjs") === module ? "undefined" : true; });
attempt("require.resolve", () => (typeof require.resolve === "function" ? require.resolve("fs") : "undefined"));
attempt("a module's code that ends its function", () => {
  const { writeFile } = loads();
  writeFile("/tmp/closes.cjs", "}); module.exports = typeof natives; (function () {");
  return require("/tmp/closes.cjs") === "undefined" ? "undefined" : true;
});
attempt("a module that is no function's body", () => {
  const { writeFile } = loads();
  writeFile("/tmp/returns.cjs", "return natives");
  return require("/tmp/returns.cjs") === undefined ? "undefined" : true;
});
attempt("Object.prototype.path", () => {
  Object.prototype.path = "/etc"; Object.prototype.filename = "/etc/passwd";
  try { return require("./nowhere") === undefined ? "undefined" : true; } finally { delete Object.prototype.path; delete Object.prototype.filename; }
});

function loads() { return require("cordon:vm/filesystem"); }
