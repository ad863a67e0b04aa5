import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

parentPort.on("message", ({ task: { name, file }, port }) => {
  try {
    const bytes = readFileSync(file);
    const words = new Map();
    for (const [word] of new TextDecoder("utf-8", { fatal: true }).decode(bytes).toLowerCase().matchAll(/\p{L}+/gu)) {
      words.set(word, (words.get(word) ?? 0) + 1);
    }
    if (workerData.seen) Atomics.add(workerData.seen, 0, 1);
    port.postMessage({ result: { name, bytes: bytes.length, words } });
  } catch (error) {
    port.postMessage({ error });
  }
});
