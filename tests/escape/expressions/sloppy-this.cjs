// class: n8n: `this` of sloppy functions, `with`, arguments (CVE-2026-25049, CVE-2026-1470)
// rule: the global object of a guest has nothing of the host, so that reaching it gives nothing
// expects: DENIED this of a function: nothing of the host
// expects: DENIED this of an arrow: nothing of the host
// expects: DENIED this of a file: its exports
// expects: DENIED this of a callback: nothing of the host
// expects: DENIED this of a replaced text: nothing of the host
// expects: DENIED this of a getter on the global prototype: nothing of the host
// expects: DENIED with: nothing of the host
// expects: DENIED with over a proxy: process,secret
// expects: DENIED who calls a callback: the guest's own
// expects: DENIED who runs the file: the guest's own
// expects: DENIED arguments of the file: exports, require, module and two paths
// expects: DENIED the caller of a file: the guest's own
const { attempt } = require("/escape/report.mjs");

const host = (object) => ["process", "require", "module", "Buffer", "Deno", "Bun", "natives"].some((key) => key in object);
attempt("this of a function", () => (host((function () { return this; })()) ? true : "nothing of the host"));
attempt("this of an arrow", () => (host((() => this)() ?? {}) ? true : "nothing of the host"));
attempt("this of a file", () => (this === module.exports ? "its exports" : true));
attempt("this of a callback", () => { let seen; [1].forEach(function () { seen = this; }); return host(seen) ? true : "nothing of the host"; });
attempt("this of a replaced text", () => { let seen; "x".replace("x", function () { seen = this; return ""; }); return host(seen) ? true : "nothing of the host"; });
attempt("this of a getter on the global prototype", () => {
  Object.defineProperty(Object.prototype, "self", { configurable: true, get() { return this; } });
  const seen = self;
  delete Object.prototype.self;
  return host(seen) ? true : "nothing of the host";
});
attempt("with", () => { const seen = Function("with ({}) { return (function () { return this; })(); }")(); return host(seen) ? true : "nothing of the host"; });
attempt("with over a proxy", () => {
  const names = [];
  Function("scope", "with (scope) { return typeof process + typeof secret; }")(new Proxy({}, { has(target, key) { if (typeof key === "string") names.push(key); return false; } }));
  return names.join();
});
attempt("who calls a callback", () => { let seen; JSON.parse("[1]", function reviver() { seen = reviver.caller; }); return seen === null || `${seen}`.includes("function reviver") ? "the guest's own" : true; });
attempt("who runs the file", () => { const seen = (function file() { return file.caller; })(); return seen === null || /^\(\) => \{ const seen/.test(`${seen}`) ? "the guest's own" : true; });
attempt("arguments of the file", () => ([...arguments].some((value) => host(Object(value)) && value !== module && value !== require) ? true : "exports, require, module and two paths"));
attempt("the caller of a file", () => { const caller = (function () { return arguments.callee.caller; })(); return caller === null || `${caller}`.includes("arguments.callee") ? "the guest's own" : true; });
