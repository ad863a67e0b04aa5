// `navigator.locks`, within a thread and between two.
import { Worker, isMainThread, parentPort } from "node:worker_threads";

const { locks } = navigator;
const sleep = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
if (isMainThread) {
  const first = locks.request("a", (lock) => {
    console.log("callback", lock.name, lock.mode);
    return sleep(20, "value");
  });
  console.log("behind the request");
  first.then((value) => console.log("released with", value));
  const shared = { mode: "shared" };
  locks.request("a", shared, async (lock) => lock.mode).then((value) => console.log("second", value));
  locks.request("a", shared, async () => { throw new Error("failed"); }).catch((error) => console.log(error.message));
  locks.request("a", { ifAvailable: true }, (lock) => console.log("available", lock));
  console.log((await locks.query()).held.length, (await locks.query()).pending.length);

  locks.request("b", () => sleep(50)).catch((error) => console.log("stolen", error.name));
  await locks.request("b", { steal: true }, () => console.log("thief"));
  const controller = new AbortController();
  locks.request("c", () => sleep(30));
  locks.request("c", { signal: controller.signal }, () => console.log("never")).catch((error) => console.log(error.name));
  controller.abort();
  await locks.request("-c", () => {}).catch((error) => console.log(error.name));
  await locks.request("d", () => { throw new TypeError("thrown"); }).catch((error) => console.log(error.message));
  await first;

  const worker = new Worker(new URL(import.meta.url));
  await new Promise((resolve) => worker.once("message", resolve));
  await locks.request("thread", { ifAvailable: true }, (lock) => console.log("while the thread has it", lock));
  const waits = locks.request("thread", (lock) => console.log("behind the thread", lock.name));
  worker.postMessage("release");
  await waits;
  await worker.terminate();
  process.on("exit", () => console.log("exit"));
  locks.request("kept", () => new Promise(() => {}));
  locks.request("kept", () => console.log("never"));
} else {
  locks.request("thread", () => {
    parentPort.postMessage("locked");
    return new Promise((resolve) => parentPort.once("message", resolve));
  });
}
