// What the threads of threads.mjs run.
import {
  BroadcastChannel, Worker, getEnvironmentData, isMainThread, parentPort, threadId, threadName, workerData,
} from "node:worker_threads";

const { job } = workerData;
switch (job) {
  case "echo":
    parentPort.on("message", (message) => {
      if (message === "end") return parentPort.close();
      const { buffer, port, map, error } = message;
      port.postMessage([buffer.byteLength, new Uint8Array(buffer)[7], map.get("a").toISOString(), error.name]);
      port.close();
      parentPort.postMessage({
        isMainThread, threadId, threadName, arguments: process.argv.slice(2), name: process.env.NAME,
        keys: Object.keys(process.env), data: getEnvironmentData("known"),
      });
    });
    for (const attempt of [() => process.chdir("/"), () => process.abort(), () => process.umask(0)]) {
      try {
        attempt();
      } catch (error) {
        console.log(error.code);
      }
    }
    break;
  case "throw":
    throw Object.assign(new TypeError("thrown"), { code: "ERR_OF_MINE" });
  case "reject":
    Promise.reject(new Error("rejected"));
    break;
  case "exit":
    process.on("exit", (code) => console.log("exit event", code));
    process.exit(7);
    break;
  case "error-without-form":
    throw () => {};
  case "exit-late":
    process.on("exit", () => { process.exitCode = 9; });
    break;
  case "loop":
    parentPort.postMessage("begun");
    for (;;);
  case "nested": {
    const channel = new BroadcastChannel("all");
    channel.postMessage(threadId > 0 ? `thread ${job}` : "none");
    channel.close();
    new Worker(new URL(import.meta.url), { workerData: { job: "innermost" } });
    break;
  }
  case "innermost": {
    const channel = new BroadcastChannel("all");
    channel.postMessage(`thread ${job}`);
    channel.close();
    break;
  }
  case "output":
    process.stdin.setEncoding("utf8").on("data", (text) => console.log("read", text));
    process.stderr.write("complaint\n");
    break;
}
