/**
 * Output of a call that streams: callbacks, and what is kept of the rest.
 */
import type { ProgramStream } from "./call.js";
import type { Connection } from "./connection.js";
import { cordonError } from "./errors.js";
import { ErrorCode, type ErrorData, type ExecutionOptions, type ExecutionResult } from "./generated/wire.js";

/** Of a stream without a callback so much is kept while the other is streamed; the default of `limits.outputBytes`. */
const OUTPUT_KEPT = 4 * 1024 * 1024;
/** So long callbacks may still take what was written before a call was cancelled or ran out of time. */
const LAST_OUTPUT_MS = 100;

/** The longest that a timer of Node's can be. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Takes a piece of output. The program waits while promises are pending for much of it. */
export type OutputCallback = (chunk: Uint8Array) => void | PromiseLike<void>;

/** A call's output as the caller wants it. */
export interface OutputPlan {
  readonly capture: ExecutionOptions["capture"];
  readonly onStdout: OutputCallback | undefined;
  readonly onStderr: OutputCallback | undefined;
  readonly keepRest: boolean;
}

/** What ends the waiting for callbacks, besides themselves. */
export interface CallBounds {
  readonly connection: Connection;
  readonly vm: number;
  readonly signal: AbortSignal | undefined;
  /** When the call's own time is up, on the clock of `performance.now`. */
  readonly until: number | undefined;
}

/** Why nobody waits for callbacks any more. */
type Over = "settled" | "disconnected" | "disposed" | "cancelled" | "timed_out" | "left";

/** Hands pieces of output to callbacks, one after the other in the order in which they were written. */
export class Callbacks {
  onFailure: () => void = () => {};
  readonly #plan: OutputPlan;
  readonly #rest = { stdout: new Kept(OUTPUT_KEPT), stderr: new Kept(OUTPUT_KEPT) };
  #tail: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #stopped = false;

  constructor(plan: OutputPlan) {
    this.#plan = plan;
  }

  readonly take = (stream: ProgramStream, data: Uint8Array, taken: () => void): void => {
    const callback = stream === "stdout" ? this.#plan.onStdout : this.#plan.onStderr;
    if (callback === undefined) {
      if (this.#plan.keepRest) this.#rest[stream].add(data);
      taken();
      return;
    }
    this.#tail = this.#tail.then(async () => {
      if (this.#failure === undefined && !this.#stopped) {
        try {
          await callback(data);
        } catch (error) {
          this.#failure = { error };
          this.onFailure();
        }
      }
      taken();
    });
  };

  /** Calls nobody back any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** The result of the call once callbacks have taken all output, or never will. */
  async settle(result: ExecutionResult, bounds: CallBounds): Promise<ExecutionResult> {
    const over = await this.#over(result, bounds);
    this.stop();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (over === "disposed") throw cordonError(ErrorCode.CANCELLED, "the VM was disposed of");
    const { stdout, stderr } = this.#rest;
    const complete = {
      ...result,
      stdout: stdout.bytes(),
      stderr: stderr.bytes(),
      stdoutTruncated: stdout.truncated,
      stderrTruncated: stderr.truncated,
    };
    if (over !== "cancelled" && over !== "timed_out") return complete;
    // The program has ended, and what it wrote has not all been taken: the call has not succeeded.
    return { ...complete, outcome: over, error: untaken(over) };
  }

  /** A callback may wait for something that never comes; whatever ends a call ends the waiting as well. */
  async #over(result: ExecutionResult, { connection, vm, signal, until }: CallBounds): Promise<Over> {
    const ended = result.outcome === "cancelled" || result.outcome === "timed_out";
    const undo: (() => void)[] = [];
    const after = (ms: number, over: Over, done: (over: Over) => void) => {
      const timer = setTimeout(() => done(over), Math.min(ms, TIMER_MS_MAX));
      undo.push(() => clearTimeout(timer));
    };
    const stopped = new Promise<Over>((done) => {
      undo.push(connection.onEnd(() => done("disconnected")), connection.onVmEnd(vm, () => done("disposed")));
      if (ended) {
        after(LAST_OUTPUT_MS, "left", done);
        return;
      }
      if (until !== undefined) after(Math.max(until - performance.now(), 0), "timed_out", done);
      const cancelled = () => done("cancelled");
      if (signal?.aborted === true) cancelled();
      signal?.addEventListener("abort", cancelled, { once: true });
      undo.push(() => signal?.removeEventListener("abort", cancelled));
    });
    try {
      return await Promise.race([this.#tail.then((): Over => "settled"), stopped]);
    } finally {
      for (const step of undo) step();
    }
  }
}

function untaken(outcome: "cancelled" | "timed_out"): ErrorData {
  const how = outcome === "cancelled" ? "was cancelled" : "took longer than it may";
  const code = outcome === "cancelled" ? ErrorCode.CANCELLED : ErrorCode.TIMED_OUT;
  return { code, name: "CordonError", message: `the call ${how} while its output callbacks were at work` };
}

/** Bytes up to a limit. */
export class Kept {
  truncated = false;
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(limit: number = OUTPUT_KEPT) {
    this.#limit = limit;
  }

  add(data: Uint8Array): void {
    const room = this.#limit - this.#length;
    if (data.length > room) this.truncated = true;
    const taken = data.subarray(0, Math.max(room, 0));
    if (taken.length > 0) this.#chunks.push(taken);
    this.#length += taken.length;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks, this.#length);
  }
}
