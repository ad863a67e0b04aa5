// class: Node: threads
// rule: a thread has what its VM has and no more, whatever it is started with
// platforms: node
// expects: DENIED execArgv --allow-natives-syntax: ERR_WORKER_INVALID_EXEC_ARGV
// expects: DENIED execArgv --expose-wasm: ERR_WORKER_INVALID_EXEC_ARGV
// expects: DENIED execArgv --no-sandbox: ERR_WORKER_INVALID_EXEC_ARGV
// expects: DENIED what execArgv would bring: ERR_WORKER_INVALID_EXEC_ARGV
// expects: DENIED native functions by node:ffi: ERR_INTERNAL_ASSERTION
// expects: DENIED an addon: ERR_CORDON_UNSUPPORTED
// expects: DENIED a host's file: ENOENT
// expects: DENIED memory without end, its bound none: ERR_WORKER_OUT_OF_MEMORY
// expects: DENIED memory without end, its bound a large one: ERR_WORKER_OUT_OF_MEMORY
// expects: DENIED a stack that is larger than there is: RangeError
// expects: DENIED no stack at all: a small one
// expects: DENIED shared memory by workerData: 25
// expects: DENIED shared memory in a message: 25
// expects: DENIED shared memory broadcast: 25
// expects: DENIED shared memory in the threads' environment: 25
// expects: DENIED shared memory serialized: Error
// expects: DENIED threads without number: ERR_WORKER_INIT_FAILED
const { attempt, attemptAsync } = require("/escape/report.mjs");
const { Worker, MessageChannel, BroadcastChannel, receiveMessageOnPort, setEnvironmentData } = require("node:worker_threads");
const v8 = require("node:v8");

/** What a thread gives for an expression, or the code of its error. */
const inThread = (expression, options) => new Promise((done, failed) => {
  const text = `let told; try { told = ${expression}; } catch (error) { told = error.code ?? error.name; } require("node:worker_threads").parentPort.postMessage(told)`;
  new Worker(text, { eval: true, ...options }).on("message", done).on("error", failed).on("exit", () => done("nothing"));
});
const memory = () => new SharedArrayBuffer(8);

(async () => {
  for (const flag of ["--allow-natives-syntax", "--expose-wasm", "--no-sandbox"]) {
    await attemptAsync(`execArgv ${flag}`, async () => { await inThread("1", { execArgv: [flag] }); return true; });
  }
  await attemptAsync("what execArgv would bring", () => inThread("typeof gc + typeof ShadowRealm", { execArgv: ["--expose-gc", "--harmony-shadow-realm"] }));
  await attemptAsync("native functions by node:ffi", () => inThread('Object.keys(require("node:ffi")).length > 0', { execArgv: ["--experimental-ffi"] }));
  await attemptAsync("an addon", () => inThread('process.dlopen({ exports: {} }, "/tmp/x.node")'));
  await attemptAsync("a host's file", () => inThread('require("node:fs").readFileSync(process.env.HOST_FOLDER + "/secret.txt")'));
  for (const [what, resourceLimits] of [["none", undefined], ["a large one", { maxOldGenerationSizeMb: 1e9, maxYoungGenerationSizeMb: 1e9, codeRangeSizeMb: 1e9 }]]) {
    await attemptAsync(`memory without end, its bound ${what}`, () => inThread("(() => { const all = []; for (;;) all.push(new Array(1000).fill(1.5)); })()", { resourceLimits }));
  }
  await attemptAsync("a stack that is larger than there is", () => inThread("(function down() { down(); })()", { resourceLimits: { stackSizeMb: 1e6 } }));
  await attemptAsync("no stack at all", () => inThread("'a small one'", { resourceLimits: { stackSizeMb: 1e-6, maxOldGenerationSizeMb: 1e-6 } }));
  await attemptAsync("shared memory by workerData", async () => { await inThread("1", { workerData: memory() }); return true; });
  await attemptAsync("shared memory in a message", async () => { const { port1 } = new MessageChannel(); try { port1.postMessage([memory()]); } finally { port1.close(); } return true; });
  await attemptAsync("shared memory broadcast", async () => { const channel = new BroadcastChannel("x"); try { channel.postMessage(new Uint8Array(memory())); } finally { channel.close(); } return true; });
  await attemptAsync("shared memory in the threads' environment", async () => { setEnvironmentData("x", memory()); try { await inThread("1"); } finally { setEnvironmentData("x", undefined); } return true; });
  await attemptAsync("shared memory serialized", async () => { v8.deserialize(v8.serialize(memory())); return true; });
  await attemptAsync("threads without number", async () => {
    const all = [];
    try { for (;;) all.push(new Worker("setInterval(() => {}, 1000)", { eval: true })); } finally { await Promise.all(all.map((thread) => thread.terminate())); }
  });
})();
