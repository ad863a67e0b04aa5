/**
 * What calls that run something are given and give back, and how the one is made of the other.
 */
import { Call } from "./call.js";
import { checkCount, checkOneOf, checkSignal, checkText, checkTextRecord, checkTexts, type Names } from "./check.js";
import type { Connection } from "./connection.js";
import { messageOf, protocolError } from "./errors.js";
import { Feeding, letGo, splitInput, type Input, type InputIterator } from "./feeding.js";
import {
  ErrorCode,
  type ErrorData,
  type ExecutionOptions as WireOptions,
  type ExecutionResult as WireResult,
  type JsonValue,
  type VmRequest,
} from "./generated/wire.js";
import { Callbacks, type OutputCallback, type OutputPlan } from "./output.js";

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

export const RUN_OPTIONS: Names<RunOptions> = {
  env: true,
  cwd: true,
  stdin: true,
  timeoutMs: true,
  signal: true,
  onStdout: true,
  onStderr: true,
  capture: true,
};

export const PROGRAM_OPTIONS: Names<ProgramOptions> = { ...RUN_OPTIONS, args: true };

/** How a call ended. */
export type Outcome = WireResult["outcome"];

interface ResultBase {
  /** Whether it was begun: a call that was cancelled or late may have waited for others all its time. */
  readonly progress: WireResult["progress"];
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

/** Options checked and split into what travels and what stays here. */
export interface Prepared {
  readonly wire: WireOptions;
  readonly input: InputIterator | undefined;
  readonly signal: AbortSignal | undefined;
  readonly output: OutputPlan;
}

/** The names of the options have been checked by whoever knows which there are. */
export function prepare(options: ProgramOptions): Prepared {
  const { stdin, onStdout, onStderr } = options;
  const signal = checkSignal(options.signal);
  checkCallback(onStdout, "onStdout");
  checkCallback(onStderr, "onStderr");
  const kept = options.capture === undefined ? "all" : checkOneOf(options.capture, ["all", "none"], "capture");
  const streams = onStdout !== undefined || onStderr !== undefined;
  const { whole, pieces } = stdin === undefined ? {} : splitInput(stdin, "stdin");
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

/** Makes a call and sees it through: input in, output to its callbacks, cancellation. */
export async function run(connection: Connection, vm: number, request: VmRequest, plan: Prepared): Promise<WireResult> {
  if (plan.signal?.aborted === true) {
    if (plan.input !== undefined) letGo(plan.input);
    return cancelledBefore();
  }
  const callbacks = plan.output.capture === "stream" ? new Callbacks(plan.output) : undefined;
  const begun = performance.now();
  const call = new Call(connection, vm, request, callbacks?.take);
  const feeding = plan.input === undefined ? undefined : new Feeding(call, plan.input, "stdin");
  const cancel = () => call.cancel();
  if (callbacks !== undefined) callbacks.onFailure = cancel;
  plan.signal?.addEventListener("abort", cancel, { once: true });
  try {
    const result = await call.result;
    const { signal, wire } = plan;
    const until = wire.timeoutMs === undefined ? undefined : begun + wire.timeoutMs;
    const ended = callbacks === undefined ? result : await callbacks.settle(result, { connection, vm, signal, until });
    feeding?.check();
    return ended;
  } finally {
    plan.signal?.removeEventListener("abort", cancel);
    callbacks?.stop();
    feeding?.stop();
  }
}

/** The result of a call that was cancelled before it was made. */
export function cancelledBefore(): WireResult {
  const error = { code: ErrorCode.CANCELLED, name: "CordonError", message: "the call was cancelled" };
  return { outcome: "cancelled", progress: "not_started", error };
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
  const base = { progress: wire.progress } as { -readonly [K in keyof ResultBase]: ResultBase[K] };
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

