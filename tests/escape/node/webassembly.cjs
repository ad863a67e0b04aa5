// class: Node: WebAssembly by its own roads
// rule: where WebAssembly is denied, no context, thread, child or module of the library has it
// profiles: default no-jit
// platforms: node
// expects: DENIED a context: undefined
// expects: DENIED a context's global object: undefined
// expects: DENIED a context that is asked for it: undefined
// expects: DENIED a function compiled for a context: undefined
// expects: DENIED node:wasi: ERR_CORDON_UNSUPPORTED
// expects: DENIED a module that is required: SyntaxError
// expects: DENIED what the library keeps: nothing
// expects: DENIED a thread: undefined
// expects: DENIED a thread with an option: undefined
// expects: DENIED a context of a thread: undefined
// expects: DENIED a child: undefined
// expects: DENIED a child with an option: Error
// expects: DENIED an import: ERR_WEBASSEMBLY_NOT_SUPPORTED
// expects: DENIED a body that streams: undefined
// expects: DENIED fetch, whose parser is WebAssembly in Node: plain JavaScript
const { attempt, attemptAsync } = require("/escape/report.mjs");
const { execFileSync } = require("node:child_process");
const vm = require("node:vm");
const { Worker } = require("node:worker_threads");
const { writeFileSync } = require("node:fs");

const inThread = (expression, options) => new Promise((done, failed) => new Worker(`require("node:worker_threads").parentPort.postMessage(${expression})`, { eval: true, ...options }).on("message", done).on("error", failed));
const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
attempt("a context", () => vm.runInNewContext("typeof WebAssembly"));
attempt("a context's global object", () => vm.runInContext("typeof this.WebAssembly", vm.createContext(vm.constants.DONT_CONTEXTIFY)));
attempt("a context that is asked for it", () => vm.runInContext("typeof WebAssembly", vm.createContext({}, { codeGeneration: { strings: true, wasm: true } })));
attempt("a function compiled for a context", () => vm.compileFunction("return typeof WebAssembly", [], { parsingContext: vm.createContext({}) })());
attempt("node:wasi", () => { new (require("node:wasi").WASI)({ version: "preview1" }); return true; });
attempt("a module that is required", () => { writeFileSync("/tmp/x.wasm", bytes); require("/tmp/x.wasm"); return true; });
attempt("what the library keeps", () => (process.binding("util").isWebAssemblyCompiledModule?.({}) === true ? true : "nothing"));
(async () => {
  await attemptAsync("a thread", () => inThread("typeof WebAssembly"));
  await attemptAsync("a thread with an option", () => inThread("typeof WebAssembly", { execArgv: ["--experimental-wasm-modules"] }));
  await attemptAsync("a context of a thread", () => inThread('require("node:vm").runInNewContext("typeof WebAssembly")'));
  await attemptAsync("a child", async () => execFileSync("node", ["-p", "typeof WebAssembly"], { encoding: "utf8" }).trim());
  await attemptAsync("a child with an option", async () => execFileSync("node", ["--expose-wasm", "-p", "typeof WebAssembly"], { encoding: "utf8" }).trim());
  await attemptAsync("an import", async () => { await import("/tmp/x.wasm"); return true; });
  await attemptAsync("a body that streams", async () => { await new Response(bytes, { headers: { "content-type": "application/wasm" } }).arrayBuffer(); return `${globalThis.WebAssembly?.compileStreaming}`; });
  await attemptAsync("fetch, whose parser is WebAssembly in Node", async () => (await (await fetch("data:text/plain,plain")).text()) === "plain" ? "plain JavaScript" : true);
})();
