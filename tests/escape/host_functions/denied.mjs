// class: host functions that are denied
// rule: hostFunctions is decided by the supervisor whenever one is called
// config: { "permissions": { "hostFunctions": { "rules": [{ "mode": "deny", "patterns": ["vault.*"] }] } } }
// clients: rust typescript
// expects: DENIED the global: EACCES
// expects: DENIED by its name: EACCES
// expects: DENIED in another case: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED with blanks: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED with NUL: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED with a lone surrogate: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED as a name that all objects have: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED as __proto__: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED as toString: ERR_HOST_FUNCTION_UNKNOWN
// expects: DENIED of a name that changes: an answer
// expects: DENIED under an allowed one's name: EACCES
// expects: DENIED the list: echo,fails,vault.secret
// expects: DENIED the constructor of one: this realm
import { call, functions } from "cordon:vm/host";
import { attempt, attemptAsync, isCanary } from "/escape/report.mjs";

const asks = (act) => async () => { const answer = await act(); return isCanary(JSON.stringify(answer)) ? true : "an answer"; };
await attemptAsync("the global", asks(() => vault.secret()));
await attemptAsync("by its name", asks(() => call("vault.secret", "[]")));
await attemptAsync("in another case", asks(() => call("Vault.Secret", "[]")));
await attemptAsync("with blanks", asks(() => call(" vault.secret", "[]")));
await attemptAsync("with NUL", asks(() => call("vault.secret\0", "[]")));
await attemptAsync("with a lone surrogate", asks(() => call("vault.secret\ud800", "[]")));
await attemptAsync("as a name that all objects have", asks(() => call("constructor", "[]")));
await attemptAsync("as __proto__", asks(() => call("__proto__", "[]")));
await attemptAsync("as toString", asks(() => call("toString", "[]")));
await attemptAsync("of a name that changes", asks(() => { let runs = 0; return call({ toString: () => (runs++ === 0 ? "echo" : "vault.secret") }, "[]"); }));
await attemptAsync("under an allowed one's name", asks(() => { const { secret } = vault; globalThis.echo = secret; return echo(); }));
attempt("the list", () => functions().join());
await attemptAsync("the constructor of one", async () => ((await echo.constructor("return typeof process + typeof natives")()) === "undefinedundefined" ? "this realm" : true));
