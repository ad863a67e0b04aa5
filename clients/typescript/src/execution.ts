/**
 * What calls that run something are given and give back, and how the one is made of the other.
 */
import { Call } from "./call.js";
import {
  checkBytes,
  checkCount,
  checkOneOf,
  checkOptions,
  checkText,
  checkTextRecord,
  checkTexts,
} from "./check.js";
import type { Connection } from "./connection.js";
import { messageOf, protocolError } from "./errors.js";
import {
  ErrorCode,
  type ErrorData,
  type ExecutionOptions as WireOptions,
  type ExecutionResult as WireResult,
  type JsonValue,
  type OutputStream,
  type VmRequest,
} from "./generated/wire.js";

/** Input up to this size is sent with the request, more in pieces. */
const INPUT_WHOLE = 1024 * 1024;
/** Of a stream without a callback so much is kept while the other is streamed; the default of `limits.outputBytes`. */
const OUTPUT_KEPT = 4 * 1024 * 1024;

/** A piece of standard input: text is sent as UTF-8. */
export type InputChunk = string | Uint8Array;

/** Standard input: whole, or in pieces that are asked for while the program takes them. */
export type Input = InputChunk | AsyncIterable<InputChunk> | Iterable<InputChunk>;

/** Takes a piece of output. The program waits while promises are pending for much of it. */
export type OutputCallback = (chunk: Uint8Array) => void | PromiseLike<void>;

/** What every call that runs something can be given. */
export interface RunOptions {
  /** Environment variables, over the VM's. */
  readonly env?: Readonly<Record<string, string>>;
  /** The directory to start in; the VM's when left out. */
  readonly cwd?: string;
  /** Standard input; none when left out. */
  readonly stdin?: Input;
  /** The longest it may take; `limits.wallTimeMs` when left out or longer. */
  readonly timeoutMs?: number;
  /** Cancels the call: its outcome is then `cancelled`. */
  readonly signal?: AbortSignal;
  /** Takes standard output while it is written; it is then not in the result. */
  readonly onStdout?: OutputCallback;
  /** Takes standard error while it is written; it is then not in the result. */
  readonly onStderr?: OutputCallback;
  /** Whether output without a callback is in the result, up to `limits.outputBytes` a stream. Default: `all`. */
  readonly capture?: "all" | "none";
}

/** What calls that run a program can be given besides. */
export interface ProgramOptions extends RunOptions {
  /** Arguments, without the program's name. */
  readonly args?: readonly string[];
}

/** How a call ended. */
export type Outcome = WireResult["outcome"];

interface ResultBase {
  /** The exit code, unless a signal ended the program. */
  readonly exitCode?: number;
  /** The name of the signal that ended the program: `SIGKILL`. */
  readonly signal?: string;
  /** Standard output as text. */
  readonly stdout: string;
  /** Standard error as text. */
  readonly stderr: string;
  /** Whether standard output was cut off at `limits.outputBytes`. */
  readonly stdoutTruncated?: true;
  /** Whether standard error was cut off at `limits.outputBytes`. */
  readonly stderrTruncated?: true;
}

interface Unsuccessful extends ResultBase {
  readonly outcome: Exclude<Outcome, "succeeded">;
  /** Why. A guest's own error keeps its name, message, code and stack. */
  readonly error: ErrorData;
  readonly value?: never;
}

/** What a run gives back. It is no error to cordon if guest code throws: look at `outcome`. */
export type ExecutionResult = (ResultBase & { readonly outcome: "succeeded"; readonly error?: never }) | Unsuccessful;

/** What an evaluation gives back. */
export type EvaluationResult<T = JsonValue> =
  | (ResultBase & { readonly outcome: "succeeded"; readonly value: T; readonly error?: never })
  | Unsuccessful;

/** A call's output as the caller wants it. */
interface OutputPlan {
  readonly capture: WireOptions["capture"];
  readonly onStdout: OutputCallback | undefined;
  readonly onStderr: OutputCallback | undefined;
  readonly keepRest: boolean;
}

/** Where pieces of input come from. */
type InputIterator = AsyncIterator<InputChunk> | Iterator<InputChunk>;

/** Options checked and split into what travels and what stays here. */
export interface Prepared {
  readonly wire: WireOptions;
  readonly input: InputIterator | undefined;
  readonly signal: AbortSignal | undefined;
  readonly output: OutputPlan;
}

export function prepare(options: ProgramOptions): Prepared {
  checkOptions(options, "options");
  const { stdin, signal, onStdout, onStderr } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("signal must be an AbortSignal");
  checkCallback(onStdout, "onStdout");
  checkCallback(onStderr, "onStderr");
  const kept = options.capture === undefined ? "all" : checkOneOf(options.capture, ["all", "none"], "capture");
  const streams = onStdout !== undefined || onStderr !== undefined;
  const { whole, pieces } = splitInput(stdin);
  const capture = streams ? "stream" : kept;
  const wire: WireOptions = { capture };
  if (options.args !== undefined) wire.args = checkTexts(options.args, "args");
  if (options.env !== undefined) wire.env = checkTextRecord(options.env, "env");
  if (options.cwd !== undefined) wire.cwd = checkText(options.cwd, "cwd");
  if (options.timeoutMs !== undefined) wire.timeoutMs = checkCount(options.timeoutMs, "timeoutMs");
  if (whole !== undefined) wire.stdin = whole;
  if (pieces !== undefined) wire.streamStdin = true;
  return { wire, input: pieces, signal, output: { capture, onStdout, onStderr, keepRest: kept === "all" } };
}

function checkCallback(callback: unknown, name: string): void {
  if (callback !== undefined && typeof callback !== "function") throw new TypeError(`${name} must be a function`);
}

function splitInput(stdin: Input | undefined): { whole?: Uint8Array; pieces?: InputIterator } {
  if (stdin === undefined) return {};
  if (typeof stdin === "string" || stdin instanceof Uint8Array) {
    const bytes = checkBytes(stdin, "stdin");
    return bytes.length <= INPUT_WHOLE ? { whole: bytes } : { pieces: [bytes].values() };
  }
  if (typeof stdin === "object" && stdin !== null) {
    if (Symbol.asyncIterator in stdin) return { pieces: stdin[Symbol.asyncIterator]() };
    if (Symbol.iterator in stdin) return { pieces: stdin[Symbol.iterator]() };
  }
  throw new TypeError("stdin must be a string, a Uint8Array or an iterable of them");
}

/** Makes a call and sees it through: input in, output to its callbacks, cancellation. */
export async function run(connection: Connection, vm: number, request: VmRequest, plan: Prepared): Promise<WireResult> {
  if (plan.signal?.aborted === true) return cancelledBefore();
  const callbacks = plan.output.capture === "stream" ? new Callbacks(plan.output) : undefined;
  const call = new Call(connection, vm, request, callbacks?.take);
  const feeding = plan.input === undefined ? undefined : new Feeding(call, plan.input);
  const cancel = () => call.cancel();
  if (callbacks !== undefined) callbacks.onFailure = cancel;
  plan.signal?.addEventListener("abort", cancel, { once: true });
  try {
    const result = await call.result;
    if (callbacks !== undefined) await callbacks.settled(connection);
    feeding?.check();
    return callbacks === undefined ? result : callbacks.complete(result);
  } finally {
    plan.signal?.removeEventListener("abort", cancel);
    feeding?.stop();
  }
}

/** The result of a call that was cancelled before it was made. */
export function cancelledBefore(): WireResult {
  const error = { code: ErrorCode.CANCELLED, name: "CordonError", message: "the call was cancelled" };
  return { outcome: "cancelled", error };
}

/** Hands pieces of output to callbacks, one after the other in the order in which they were written. */
class Callbacks {
  onFailure: () => void = () => {};
  readonly #plan: OutputPlan;
  readonly #rest = { stdout: new Kept(OUTPUT_KEPT), stderr: new Kept(OUTPUT_KEPT) };
  #tail: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(plan: OutputPlan) {
    this.#plan = plan;
  }

  readonly take = (stream: OutputStream, data: Uint8Array, taken: () => void): void => {
    const callback = stream === "stdout" ? this.#plan.onStdout : this.#plan.onStderr;
    if (callback === undefined) {
      if (this.#plan.keepRest) this.#rest[stream].add(data);
      taken();
      return;
    }
    this.#tail = this.#tail.then(async () => {
      if (this.#failure === undefined) {
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

  /** Waits for callbacks, which may wait for something that will never come once the sidecar is gone. */
  async settled(connection: Connection): Promise<void> {
    let stopWaiting!: () => void;
    const over = new Promise<void>((resolve) => (stopWaiting = resolve));
    const forget = connection.onEnd(stopWaiting);
    await Promise.race([this.#tail, over]);
    forget();
  }

  complete(result: WireResult): WireResult {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { stdout, stderr } = this.#rest;
    return {
      ...result,
      stdout: stdout.bytes(),
      stderr: stderr.bytes(),
      stdoutTruncated: stdout.truncated,
      stderrTruncated: stderr.truncated,
    };
  }
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

/** Feeds a call from an iterator, for as long as the call is under way. */
export class Feeding {
  readonly #iterator: InputIterator;
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(call: Call, iterator: InputIterator) {
    this.#iterator = iterator;
    void this.#feed(call);
  }

  /** Throws what the iterable threw. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Asks for no more. The iterable may be waiting for something, so nobody waits for it in turn. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    try {
      void Promise.resolve(this.#iterator.return?.()).catch(() => {});
    } catch {
      // It was told.
    }
  }

  async #feed(call: Call): Promise<void> {
    try {
      while (!this.#stopped) {
        const next = await this.#iterator.next();
        if (next.done === true) {
          this.#stopped = true;
          await call.endInput();
          return;
        }
        if (this.#stopped || !call.isOpen) return;
        await call.write(checkBytes(next.value, "a piece of stdin"));
      }
    } catch (error) {
      this.#failure = { error };
      this.#stopped = true;
      call.cancel();
    }
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A result as callers see it. */
export function toResult(wire: WireResult): ExecutionResult {
  const base = toBase(wire);
  if (wire.outcome === "succeeded") return { ...base, outcome: wire.outcome };
  return { ...base, outcome: wire.outcome, error: errorOf(wire) };
}

/** The result of an evaluation as callers see it. */
export function toEvaluation<T>(wire: WireResult): EvaluationResult<T> {
  const base = toBase(wire);
  if (wire.outcome !== "succeeded") return { ...base, outcome: wire.outcome, error: errorOf(wire) };
  return { ...base, outcome: wire.outcome, value: parseValue(wire.value) as T };
}

function toBase(wire: WireResult): ResultBase {
  const base = {} as { -readonly [K in keyof ResultBase]: ResultBase[K] };
  if (wire.exitCode !== undefined) base.exitCode = wire.exitCode;
  if (wire.signal !== undefined) base.signal = wire.signal;
  base.stdout = toText(wire.stdout);
  base.stderr = toText(wire.stderr);
  if (wire.stdoutTruncated === true) base.stdoutTruncated = true;
  if (wire.stderrTruncated === true) base.stderrTruncated = true;
  return base;
}

function toText(bytes: Uint8Array | undefined): string {
  return bytes === undefined || bytes.length === 0 ? "" : decoder.decode(bytes);
}

function errorOf(wire: WireResult): ErrorData {
  return wire.error ?? { code: ErrorCode.INTERNAL, name: "CordonError", message: `the call has ${wire.outcome} without an error` };
}

function parseValue(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw protocolError(`the value of an evaluation is no JSON: ${messageOf(error)}`);
  }
}

