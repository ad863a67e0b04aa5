/**
 * Decisions over a VM's permissions, as whoever owns it watches them.
 */
import { checkBoolean, checkOptions, type Names } from "./check.js";
import { CordonError } from "./errors.js";
import { ErrorCode, type DecisionBatch } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";

export interface WatchOptions {
  /** Also what is allowed of files and of environment variables, which is much. */
  readonly all?: boolean;
}

const OPTIONS: Names<WatchOptions> = { all: true };

/** Begins to watch. */
export async function watchDecisions(vm: VmHandle, options: WatchOptions): Promise<Decisions> {
  checkOptions(options, "options", OPTIONS);
  const all = options.all !== undefined && checkBoolean(options.all, "all");
  await vm.ask({ type: "watchDecisions", watch: all ? "all" : "on" }, "done");
  return new Decisions(vm);
}

/**
 * The decisions of a VM, from when it is watched on. Each is told once, equal ones as one with a count; what nobody takes is
 * kept within limits, and counted beyond them. Iterating ends with the watching, or when the VM is disposed of.
 */
export class Decisions implements AsyncIterable<DecisionBatch> {
  readonly #vm: VmHandle;
  #hasEnded = false;

  /** @internal */
  constructor(vm: VmHandle) {
    this.#vm = vm;
  }

  /** Waits until something was decided that was not told. It may be nothing, if it was told to another or the watching ends. */
  async next(): Promise<DecisionBatch> {
    return (await this.#vm.ask({ type: "takeDecisions", wait: true }, "decisions")).batch;
  }

  /** What was decided until now and was not told. */
  async now(): Promise<DecisionBatch> {
    return (await this.#vm.ask({ type: "takeDecisions" }, "decisions")).batch;
  }

  /** Ends the watching; whoever waits for `next` waits no more. */
  async stop(): Promise<void> {
    this.#hasEnded = true;
    await this.#vm.ask({ type: "watchDecisions", watch: "off" }, "done");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DecisionBatch, void, undefined> {
    while (!this.#hasEnded) {
      let batch: DecisionBatch;
      try {
        batch = await this.next();
      } catch (error) {
        if (this.#vm.isDisposed && error instanceof CordonError && error.code === ErrorCode.CANCELLED) return;
        throw error;
      }
      if (batch.decisions.length > 0 || batch.dropped > 0) yield batch;
    }
  }
}
