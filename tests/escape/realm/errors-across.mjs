// class: vm2 and SES: errors that cross the boundary
// rule: errors of native code are made in the realm of whoever called it
// platforms: neutral bare
// expects: DENIED of a file: this realm
// expects: DENIED of a wrong descriptor: this realm
// expects: DENIED of a wrong type: this realm
// expects: DENIED of a program: this realm
// expects: DENIED of a stack that overflows in a native function: this realm
// expects: DENIED of a stack that overflows in a callback: this realm
// expects: DENIED of a host function: this realm
// expects: DENIED of an import: this realm
// expects: DENIED of a sum of errors: this realm
import { inherited } from "cordon:vm/descriptors";
import { readFile, writeFile } from "cordon:vm/filesystem";
import { call } from "cordon:vm/host";
import { spawn } from "cordon:vm/process";
import { attempt, attemptAsync } from "/escape/report.mjs";

const isOurs = (error) => error instanceof Error && error.constructor.constructor === Function;
const thrown = (act) => () => { try { act(); } catch (error) { return isOurs(error) ? "this realm" : true; } };
attempt("of a file", thrown(() => readFile("/nowhere")));
attempt("of a wrong descriptor", thrown(() => inherited(77)));
attempt("of a wrong type", thrown(() => writeFile("/tmp/x", 5)));
attempt("of a program", thrown(() => spawn({ program: "nothing-like-it" })));
attempt("of a stack that overflows in a native function", thrown(() => { const deep = () => { readFile("/tmp"); deep(); }; const down = (n) => { try { down(n + 1); } catch { deep(); } }; down(0); }));
attempt("of a stack that overflows in a callback", thrown(() => { const deep = () => readFile({ toString: deep }); deep(); }));
await attemptAsync("of a host function", async () => { try { await call("nobody", "1"); } catch (error) { return isOurs(error) ? "this realm" : true; } });
await attemptAsync("of an import", async () => { try { await import("node:fs"); } catch (error) { return isOurs(error) ? "this realm" : true; } });
await attemptAsync("of a sum of errors", async () => {
  try { await Promise.any([call("nobody", "1"), (async () => readFile("/nowhere"))(), import("/nowhere.mjs")]); } catch (error) { return isOurs(error) && error.errors.every(isOurs) ? "this realm" : true; }
});
