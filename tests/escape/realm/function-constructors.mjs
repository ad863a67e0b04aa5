// class: SES and realms-shim: constructors of functions
// rule: a context holds no object of another realm, so that what any constructor makes sees this realm's globals alone
// platforms: neutral bare
// expects: DENIED Function: this realm
// expects: DENIED new Function: this realm
// expects: DENIED constructor of an arrow: this realm
// expects: DENIED indirect eval: this realm
// expects: DENIED generator function: this realm
// expects: DENIED async function: this realm
// expects: DENIED async generator function: this realm
// expects: DENIED parameters that close the function: SyntaxError
// expects: DENIED arguments.callee.caller: null
import { attempt, attemptAsync } from "/escape/report.mjs";

const inner = (make) => () => {
  const found = make("return [globalThis, typeof process, typeof require, typeof natives].join('|')");
  return found === `${globalThis}|undefined|undefined|undefined` ? "this realm" : true;
};
attempt("Function", inner((body) => Function(body)()));
attempt("new Function", inner((body) => new Function(body)()));
attempt("constructor of an arrow", inner((body) => (() => 1).constructor(body)()));
attempt("indirect eval", () => ((0, eval)("typeof process + typeof natives") === "undefinedundefined" ? "this realm" : true));
attempt("generator function", inner((body) => (function* () {}).constructor(body)().next().value));
await attemptAsync("async function", async () => {
  const found = await (async () => {}).constructor("return typeof process + typeof natives")();
  return found === "undefinedundefined" ? "this realm" : true;
});
await attemptAsync("async generator function", async () => {
  const found = await (async function* () {}).constructor("yield typeof process + typeof natives")().next();
  return found.value === "undefinedundefined" ? "this realm" : true;
});
attempt("parameters that close the function", () => {
  const made = Function("a = 1) { return typeof natives } //", "");
  return made() === "undefined" ? "this realm" : true;
});
attempt("arguments.callee.caller", () => {
  const seen = Function("return arguments.callee.caller")();
  return seen === null ? "null" : typeof seen === "function" && /natives/.test(seen) ? true : "null";
});
