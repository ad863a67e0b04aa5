import { Worker } from "node:worker_threads";

/** A number of threads, and a queue of what they are to do. */
export class Pool {
  #threads;
  #idle;
  #queue = [];
  #seen;

  constructor(size, url, { shared = false } = {}) {
    if (shared) this.#seen = new Int32Array(new SharedArrayBuffer(4));
    this.#threads = Array.from({ length: size }, () => new Worker(url, { workerData: { seen: this.#seen } }));
    this.#idle = [...this.#threads];
  }

  run(task) {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, resolve, reject });
      this.#next();
    });
  }

  seen() {
    return this.#seen?.[0] ?? "nothing together";
  }

  async close() {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #next() {
    if (this.#idle.length === 0 || this.#queue.length === 0) return;
    const thread = this.#idle.pop();
    const { task, resolve, reject } = this.#queue.shift();
    const { port1, port2 } = new MessageChannel();
    const failed = (error) => {
      port1.close();
      reject(error);
    };
    thread.once("error", failed);
    port1.once("message", ({ result, error }) => {
      thread.off("error", failed);
      port1.close();
      if (error === undefined) resolve(result);
      else reject(error);
      this.#idle.push(thread);
      this.#next();
    });
    thread.postMessage({ task, port: port2 }, [port2]);
  }
}
