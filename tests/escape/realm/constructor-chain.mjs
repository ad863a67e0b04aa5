// class: constructor chains
// rule: a context holds no object of another realm; there is no process, no require and no module loader of the host
// platforms: neutral bare
// expects: DENIED of an object: nothing of the host
// expects: DENIED of an array: nothing of the host
// expects: DENIED of a string: nothing of the host
// expects: DENIED of a native function: nothing of the host
// expects: DENIED of bytes from outside: nothing of the host
// expects: DENIED of an error from outside: nothing of the host
// expects: DENIED of a promise from outside: nothing of the host
// expects: DENIED of import.meta: undefined
// expects: DENIED through __proto__: nothing of the host
import { readFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

const code = "return typeof process === 'object' || typeof require === 'function' || typeof Deno === 'object'";
const chain = (value) => () => (value().constructor.constructor(code)() ? true : "nothing of the host");
attempt("of an object", chain(() => ({})));
attempt("of an array", chain(() => []));
attempt("of a string", chain(() => "x"));
attempt("of a native function", chain(() => readFile));
attempt("of bytes from outside", chain(() => readFile("/escape/report.mjs")));
attempt("of an error from outside", chain(() => { try { readFile("/nowhere"); } catch (error) { return error; } }));
attempt("of a promise from outside", chain(() => { const made = import("/nowhere.mjs"); made.catch(() => {}); return made; }));
attempt("of import.meta", () => (import.meta.constructor === undefined ? "undefined" : true));
attempt("through __proto__", chain(() => ({}).__proto__.__proto__?.x ?? {}));
