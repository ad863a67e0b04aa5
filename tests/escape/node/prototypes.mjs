// class: Node: prototypes that the library is given
// rule: prototypes that a guest changes lead to nothing that it does not have already
// platforms: node
// expects: DENIED options of a file: ENOENT
// expects: DENIED a shell for programs: ENOENT
// expects: DENIED NODE_OPTIONS of a child: undefined
// expects: DENIED a path: ENOENT
// expects: DENIED Function.prototype.call: ENOENT
// expects: DENIED Function.prototype.apply: ENOENT
// expects: DENIED Array.prototype.push: ENOENT
// expects: DENIED String.prototype.startsWith: ENOENT
// expects: DENIED RegExp.prototype.exec: ENOENT
// expects: DENIED Reflect.apply: ENOENT
// expects: DENIED Promise.prototype.then: ENOENT
// expects: DENIED Symbol.iterator of arrays: ENOENT
// expects: DENIED an event's listeners: EACCES
// expects: DENIED what was found on the way: nothing of the loader
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { attempt, attemptAsync, isCanary } from "/escape/report.mjs";

const folder = process.env.HOST_FOLDER;
const reads = () => (isCanary(readFileSync(`${folder}/secret.txt`)) ? true : "something else");
const polluted = (properties, act) => () => {
  for (const [key, value] of Object.entries(properties)) Object.defineProperty(Object.prototype, key, { value, writable: true, configurable: true });
  try { return act(); } finally { for (const key of Object.keys(properties)) delete Object.prototype[key]; }
};
const taken = (object, key, make, act) => () => { const before = object[key]; object[key] = make(before); try { return act(); } finally { object[key] = before; } };
const found = [];
const keeps = (before) => function (...values) { found.push(this, ...values); return Reflect.apply(before, this, values); };
attempt("options of a file", polluted({ flag: "r+", encoding: "utf8", signal: undefined }, reads));
attempt("a shell for programs", polluted({ shell: "/bin/sh", env: { NODE_OPTIONS: "--require /m/link.txt" }, uid: 0, execArgv: ["--expose-internals"] }, () => { execFileSync("/usr/bin/none"); return true; }));
attempt("NODE_OPTIONS of a child", polluted({ NODE_OPTIONS: "--require /tmp/x.cjs" }, () => execFileSync("node", ["-p", "typeof internalBinding"], { encoding: "utf8" }).trim()));
attempt("a path", polluted({ path: "/m/link.txt", href: "file:///m/link.txt", pathname: "/m/link.txt" }, reads));
attempt("Function.prototype.call", taken(Function.prototype, "call", keeps, reads));
attempt("Function.prototype.apply", taken(Function.prototype, "apply", keeps, reads));
attempt("Array.prototype.push", taken(Array.prototype, "push", keeps, reads));
attempt("String.prototype.startsWith", taken(String.prototype, "startsWith", keeps, reads));
attempt("RegExp.prototype.exec", taken(RegExp.prototype, "exec", keeps, reads));
attempt("Reflect.apply", taken(Reflect, "apply", () => (target, self, values) => { found.push(target); return target.call(self, ...values); }, reads));
attempt("Promise.prototype.then", taken(Promise.prototype, "then", keeps, reads));
attempt("Symbol.iterator of arrays", taken(Array.prototype, Symbol.iterator, keeps, reads));
await attemptAsync("an event's listeners", () => new Promise((done, failed) => { const { emit } = connect({ host: "10.0.0.1", port: 80 }).on("error", failed).on("connect", () => done(true)); void emit; }));
attempt("what was found on the way", () => (found.some((value) => typeof value === "function" && ["internalBinding", "requireBuiltin"].includes(value.name)) ? true : "nothing of the loader"));
