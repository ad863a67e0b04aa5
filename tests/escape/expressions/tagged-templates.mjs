// class: n8n: tagged templates and other calls without parentheses
// rule: what a call without parentheses reaches has no authority either
// platforms: neutral bare
// expects: DENIED a tag that is a constructor: SyntaxError
// expects: DENIED a tag that compiles: nothing of the host
// expects: DENIED Symbol.hasInstance: nothing of the host
// expects: DENIED Symbol.toPrimitive: nothing of the host
// expects: DENIED valueOf in a comparison: nothing of the host
// expects: DENIED a setter: nothing of the host
// expects: DENIED onerror and throw: nothing of the host
// expects: DENIED a class field: nothing of the host
// expects: DENIED a default parameter: nothing of the host
// expects: DENIED a decorated replace: nothing of the host
// expects: DENIED Reflect.apply: nothing of the host
// expects: DENIED Array.from: nothing of the host
// expects: DENIED JSON.parse: nothing of the host
import { attempt } from "/escape/report.mjs";

const code = "return typeof process + typeof natives";
const nothing = (text) => (text === "undefinedundefined" ? "nothing of the host" : true);
attempt("a tag that is a constructor", () => nothing(Function`${"x"}${code}` instanceof Function ? Function(code)() : "?"));
attempt("a tag that compiles", () => nothing(((parts) => (0, eval)(parts[0]))`typeof process + typeof natives`));
attempt("Symbol.hasInstance", () => { let made; 1 instanceof { [Symbol.hasInstance]() { made = Function(code)(); return true; } }; return nothing(made); });
attempt("Symbol.toPrimitive", () => nothing(`${{ [Symbol.toPrimitive]: () => Function(code)() }}`));
attempt("valueOf in a comparison", () => { let made; void (1 < { valueOf() { made = Function(code)(); return 2; } }); return nothing(made); });
attempt("a setter", () => { let made; ({ set x(value) { made = Function(value)(); } }).x = code; return nothing(made); });
attempt("onerror and throw", () => { try { throw Function(code)(); } catch (thrown) { return nothing(thrown); } });
attempt("a class field", () => { class Made { static x = Function(code)(); } return nothing(Made.x); });
attempt("a default parameter", () => nothing(((x = Function(code)()) => x)()));
attempt("a decorated replace", () => nothing(code.replace(/.*/s, (text) => Function(text)())));
attempt("Reflect.apply", () => nothing(Reflect.apply(Function, null, [code])()));
attempt("Array.from", () => nothing(Array.from([code], (text) => Function(text)())[0]));
attempt("JSON.parse", () => nothing(JSON.parse(`["${code}"]`, (key, value) => (typeof value === "string" ? Function(value)() : value))[0]));
