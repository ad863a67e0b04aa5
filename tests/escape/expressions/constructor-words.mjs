// class: n8n: words that a filter looks for, spelt otherwise (CVE-2025-68613, CVE-2026-1470)
// rule: nothing is filtered by its spelling; what constructors make has no authority
// platforms: neutral bare
// expects: DENIED joined from pieces: nothing of the host
// expects: DENIED a template literal: nothing of the host
// expects: DENIED escapes: nothing of the host
// expects: DENIED an array as a key: nothing of the host
// expects: DENIED an object as a key: nothing of the host
// expects: DENIED destructuring: nothing of the host
// expects: DENIED destructuring a default: nothing of the host
// expects: DENIED Reflect.get: nothing of the host
// expects: DENIED a property descriptor: nothing of the host
// expects: DENIED Object.entries of descriptors: nothing of the host
// expects: DENIED optional chaining: nothing of the host
// expects: DENIED a getter that is borrowed: nothing of the host
import { attempt } from "/escape/report.mjs";

const code = "return typeof process !== 'undefined' || typeof require !== 'undefined' || typeof module !== 'undefined'";
const ask = (find) => () => (find()(code)() ? true : "nothing of the host");
attempt("joined from pieces", ask(() => (() => {})["const" + "ructor"]));
attempt("a template literal", ask(() => (() => {})[`${"constr"}uctor`]));
attempt("escapes", ask(() => (() => {}).\u0063onstructor));
attempt("an array as a key", ask(() => (() => {})[["constructor"]]));
attempt("an object as a key", ask(() => (() => {})[{ toString: () => "constructor" }]));
attempt("destructuring", ask(() => { const { constructor: found } = () => {}; return found; }));
attempt("destructuring a default", ask(() => { const { x: { constructor: found } = () => {} } = {}; return found; }));
attempt("Reflect.get", ask(() => Reflect.get(() => {}, "constructor")));
attempt("a property descriptor", ask(() => Object.getOwnPropertyDescriptor(Object.getPrototypeOf(() => {}), "constructor").value));
attempt("Object.entries of descriptors", ask(() => Object.entries(Object.getOwnPropertyDescriptors(Function.prototype)).find(([key]) => key.length === 11)[1].value));
attempt("optional chaining", ask(() => (() => {})?.["constructor"]));
attempt("a getter that is borrowed", ask(() => Object.getPrototypeOf(Object.getPrototypeOf((() => {}).bind())).constructor.constructor));
