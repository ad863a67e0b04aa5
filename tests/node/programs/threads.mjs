// Threads: messages both ways, what is transferred and what is copied, errors, exit codes, threads of threads.
import { once } from "node:events";
import {
  BroadcastChannel, MessageChannel, Worker, isMainThread, markAsUntransferable, parentPort, receiveMessageOnPort,
  setEnvironmentData, threadId,
} from "node:worker_threads";

console.log(isMainThread, threadId);

/** The exit code; an error before does not count. */
const exit = (worker) => new Promise((resolve) => worker.once("exit", resolve));

const url = new URL("thread.mjs", import.meta.url);
const run = (job, options = {}) => new Worker(url, { ...options, workerData: { job } });

setEnvironmentData("known", { to: "all" });
{
  const worker = run("echo", { argv: ["one", "two"], env: { NAME: "value" }, name: "echo" });
  const { port1, port2 } = new MessageChannel();
  const buffer = new ArrayBuffer(8);
  new Uint8Array(buffer)[7] = 42;
  worker.on("online", () => console.log("online", worker.threadId));
  worker.postMessage({ buffer, port: port2, map: new Map([["a", new Date(0)]]), error: new RangeError("sent") }, [buffer, port2]);
  console.log("left behind:", buffer.byteLength);
  const [[through], [from]] = await Promise.all([once(port1, "message"), once(worker, "message")]);
  console.log("through the port:", through);
  console.log("from the thread:", from);
  port1.close();
  worker.postMessage("end");
  console.log("exit", await exit(worker), worker.threadId);
}
for (const job of ["throw", "reject", "exit", "error-without-form", "exit-late"]) {
  const worker = run(job);
  worker.on("error", (error) => console.log(job, "error:", error instanceof Error, error?.name, error?.message, error?.code));
  console.log(job, "exit", await exit(worker));
}
{
  const worker = run("loop");
  await once(worker, "message");
  console.log("terminated:", await worker.terminate());
}
{
  const channel = new BroadcastChannel("all");
  const heard = [];
  const done = new Promise((resolve) => {
    channel.onmessage = ({ data }) => heard.push(data) === 2 && resolve();
  });
  const worker = run("nested");
  await Promise.all([done, exit(worker)]);
  channel.close();
  console.log("broadcast:", heard.sort());
}
{
  const worker = run("output", { stdout: true, stderr: true, stdin: true });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) worker[name].setEncoding("utf8").on("data", (text) => { texts[name] += text; });
  worker.stdin.end("given");
  await exit(worker);
  console.log("output:", texts);
}
{
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(1);
  port1.postMessage({ two: 2 });
  console.log(receiveMessageOnPort(port2), receiveMessageOnPort(port2), receiveMessageOnPort(port2));
  const kept = new ArrayBuffer(1);
  markAsUntransferable(kept);
  for (const [value, list] of [[kept, [kept]], [port1, []], [() => 1, []], [1, [port1]]]) {
    try {
      port1.postMessage(value, list);
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }
  }
  port1.close();
}
for (const options of [{ execArgv: ["--no-such-option"] }, { execArgv: ["--title=x"] }, { eval: true }]) {
  try {
    new Worker(url, options);
  } catch (error) {
    console.log(error.code);
  }
}
const data = new Worker(new URL("data:text/javascript,process.exitCode = 4"));
console.log("data exit", await exit(data));
const text = new Worker("require('worker_threads').parentPort.postMessage(__filename)", { eval: true });
console.log((await once(text, "message"))[0]);
