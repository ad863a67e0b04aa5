// class: host functions: what is given to them and comes back
// rule: arguments and results cross as JSON texts, so that neither side runs code of the other
// clients: rust typescript
// expects: DENIED a getter: {"a":1}
// expects: DENIED a getter that throws: RangeError
// expects: DENIED toJSON: {"other":true}
// expects: DENIED __proto__ as a key: {"__proto__":{"polluted":1}}
// expects: DENIED constructor.prototype as keys: {"constructor":{"prototype":{"polluted":1}}}
// expects: DENIED a function: [null]
// expects: DENIED a proxy that throws: RangeError
// expects: DENIED a circle: TypeError
// expects: DENIED deep nesting: ERR_HOST_CALL_FAILED
// expects: DENIED a text beyond the limit: ERR_HOST_CALL_SIZE
// expects: DENIED a bigint: TypeError
// expects: DENIED no JSON: ERR_HOST_CALL_FAILED
// expects: DENIED two texts: ERR_HOST_CALL_FAILED
// expects: DENIED NUL: ERR_HOST_CALL_FAILED
// expects: DENIED code for an argument: ERR_HOST_CALL_FAILED
// expects: DENIED nothing: null
// expects: DENIED a prototype that all objects have: {"a":1}
// expects: DENIED Object.prototype.toJSON: "taken"
// expects: DENIED an error of the host's: Error
// expects: DENIED a name taken over: mine
// expects: DENIED the list: echo,fails,vault.secret
import { call, functions } from "cordon:vm/host";
import { attempt, attemptAsync } from "/escape/report.mjs";

const through = (make) => async () => { const answer = await echo(make()); return JSON.stringify(answer) ?? "undefined"; };
await attemptAsync("a getter", through(() => { let runs = 0; return { get a() { return ++runs; } }; }));
await attemptAsync("a getter that throws", through(() => ({ get a() { throw new RangeError("x"); } })));
await attemptAsync("toJSON", through(() => ({ toJSON: () => ({ other: true }) })));
await attemptAsync("__proto__ as a key", through(() => JSON.parse('{"__proto__":{"polluted":1}}')));
await attemptAsync("constructor.prototype as keys", through(() => ({ constructor: { prototype: { polluted: 1 } } })));
await attemptAsync("a function", through(() => [() => 1]));
await attemptAsync("a proxy that throws", through(() => new Proxy({}, { ownKeys() { throw new RangeError("x"); } })));
await attemptAsync("a circle", through(() => { const circle = []; circle.push(circle); return circle; }));
await attemptAsync("deep nesting", through(() => { let deep = 0; for (let n = 0; n < 100_000; n++) deep = [deep]; return deep; }));
await attemptAsync("a text beyond the limit", through(() => "x".repeat(2 ** 21)));
await attemptAsync("a bigint", through(() => 1n));
await attemptAsync("no JSON", async () => call("echo", "{"));
await attemptAsync("two texts", async () => call("echo", "1 2"));
await attemptAsync("NUL", async () => call("echo", "1\0"));
await attemptAsync("code for an argument", async () => call("echo", "(() => process.exit())()"));
await attemptAsync("nothing", async () => (await echo()) === undefined ? "undefined" : JSON.stringify(await echo()));
await attemptAsync("a prototype that all objects have", async () => { Object.prototype.polluted = 1; try { return JSON.stringify(await echo({ a: 1 })); } finally { delete Object.prototype.polluted; } });
await attemptAsync("Object.prototype.toJSON", async () => { Object.prototype.toJSON = () => "taken"; try { return JSON.stringify([await echo("kept")]); } finally { delete Object.prototype.toJSON; } });
await attemptAsync("an error of the host's", async () => { try { await fails(); } catch (error) { return /\/|node:|\.rs|at /.test(`${error.stack}`.split("\n")[0].replace("fails: ", "")) || error.constructor.constructor("return typeof process")() !== "undefined" ? true : error.constructor.name; } });
attempt("a name taken over", () => { const before = echo; globalThis.echo = () => "mine"; const seen = echo(); globalThis.echo = before; return seen; });
attempt("the list", () => functions().join());
