import { parentPort } from "node:worker_threads";

parentPort.on("message", ({ task }) => {
  throw new RangeError(`crashed, ${[...task.why].join()}`);
});
