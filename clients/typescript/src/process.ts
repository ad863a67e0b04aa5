/**
 * Programs of the VM: `sh`, coreutils, and what else is in its `PATH`.
 */
import { Call } from "./call.js";
import { checkBytes, checkCount, checkOptions, checkSignal, checkText, checkTexts, type Names } from "./check.js";
import { CordonError } from "./errors.js";
import {
  RUN_OPTIONS,
  prepare,
  toResult,
  type ExecutionResult,
  type ProgramOptions,
  type RunOptions,
} from "./execution.js";
import { Feeding, type InputChunk } from "./feeding.js";
import type { ExecutionResult as WireResult, ProcessStatus, VmRequest } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";
import { Kept } from "./output.js";

/** The name of a signal: `SIGTERM`. */
export type SignalName = `SIG${string}`;

/** What a program that is started can be given. Its output goes to its streams. */
export type SpawnOptions = Omit<RunOptions, "onStdout" | "onStderr" | "capture">;

export const SPAWN_OPTIONS: Names<SpawnOptions> = { env: true, cwd: true, stdin: true, timeoutMs: true, signal: true };

export class Processes {
  readonly #vm: VmHandle;

  /** @internal */
  constructor(vm: VmHandle) {
    this.#vm = vm;
  }

  /** Runs a command to its end. A bad exit code is in the result. */
  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ExecutionResult> {
    const request = checkText(command, "command");
    checkOptions(options, "options", RUN_OPTIONS);
    const program: ProgramOptions = { ...options, args };
    return toResult(await this.#vm.run((wire) => ({ type: "spawn", command: request, options: wire }), program));
  }

  /** Runs a line of the shell to its end: `sh -c LINE`. A bad exit code is in the result. */
  async exec(line: string, options: RunOptions = {}): Promise<ExecutionResult> {
    return this.run("sh", ["-c", checkText(line, "line")], options);
  }

  /** The processes of the VM, by id. */
  async list(): Promise<ProcessStatus[]> {
    return (await this.#vm.ask({ type: "listProcesses" }, "processes")).processes;
  }

  /** Starts a command, and gives its streams as soon as it runs. Without `stdin` its input is open until it is ended. */
  async spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): Promise<GuestProcess> {
    checkOptions(options, "options", SPAWN_OPTIONS);
    checkSignal(options.signal)?.throwIfAborted();
    const prepared = prepare({ ...options, args: checkTexts(args, "args") });
    const open = options.stdin === undefined;
    const request: VmRequest = {
      type: "spawn",
      command: checkText(command, "command"),
      options: { ...prepared.wire, capture: "stream", reportPid: true, ...(open ? { streamStdin: true } : {}) },
    };
    const stdout = new OutputBuffer();
    const stderr = new OutputBuffer();
    const call = new Call(this.#vm.connection, this.#vm.id, request, (stream, data, taken) => {
      (stream === "stdout" ? stdout : stderr).push(data, taken);
    });
    const feeding = prepared.input === undefined ? undefined : new Feeding(call, prepared.input, "stdin");
    const cancel = () => call.cancel();
    options.signal?.addEventListener("abort", cancel, { once: true });
    const result = call.result.finally(() => {
      options.signal?.removeEventListener("abort", cancel);
      feeding?.stop();
    });
    result.then(
      () => [stdout, stderr].forEach((stream) => stream.end()),
      (error: unknown) => [stdout, stderr].forEach((stream) => stream.end({ error })),
    );
    const checked = result.then((wire) => {
      feeding?.check();
      return wire;
    });
    // Whoever does not wait for the process need not hear of it either.
    checked.catch(() => {});
    const pid = await call.pid();
    return new GuestProcess(this.#vm, { call, pid, stdout, stderr, result: checked, inputOpen: open });
  }

  /** Sends a signal to a process of the VM. */
  async kill(pid: number, signal: SignalName = "SIGTERM"): Promise<void> {
    await this.#vm.ask({ type: "kill", pid: checkCount(pid, "pid"), signal: checkText(signal, "signal") }, "done");
  }
}

interface Started {
  readonly call: Call;
  readonly pid: number;
  readonly stdout: OutputBuffer;
  readonly stderr: OutputBuffer;
  readonly result: Promise<WireResult>;
  readonly inputOpen: boolean;
}

/** A program under way. */
export class GuestProcess implements AsyncDisposable {
  /** The process id in the VM. */
  readonly pid: number;
  /** Standard input. */
  readonly stdin: GuestInput;
  /** Standard output, while it is written. */
  readonly stdout: GuestOutput;
  /** Standard error, while it is written. */
  readonly stderr: GuestOutput;
  readonly #vm: VmHandle;
  readonly #call: Call;
  readonly #result: Promise<WireResult>;
  readonly #outputs: readonly [OutputBuffer, OutputBuffer];
  #waited: Promise<ExecutionResult> | undefined;

  /** @internal */
  constructor(vm: VmHandle, started: Started) {
    this.#vm = vm;
    this.#call = started.call;
    this.#result = started.result;
    this.pid = started.pid;
    this.stdin = new GuestInput(started.call, started.inputOpen);
    this.stdout = started.stdout;
    this.stderr = started.stderr;
    this.#outputs = [started.stdout, started.stderr];
  }

  /** Sends a signal. A process that has ended already is fine. */
  async kill(signal: SignalName = "SIGTERM"): Promise<void> {
    const name = checkText(signal, "signal");
    if (!this.#call.isOpen) return;
    try {
      await this.#vm.ask({ type: "kill", pid: this.pid, signal: name }, "done");
    } catch (error) {
      if (!(error instanceof CordonError && error.code === "ESRCH")) throw error;
    }
  }

  /** Waits for the end. Output of a stream that nobody reads is in the result, up to 4 MiB. */
  async wait(): Promise<ExecutionResult> {
    this.#waited ??= this.#wait();
    return this.#waited;
  }

  async #wait(): Promise<ExecutionResult> {
    const [stdout, stderr] = [this.#outputs[0].keep(), this.#outputs[1].keep()];
    const result = await this.#result;
    return toResult({
      ...result,
      stdout: stdout.bytes(),
      stderr: stderr.bytes(),
      stdoutTruncated: stdout.truncated,
      stderrTruncated: stderr.truncated,
    });
  }

  /** Ends the process at once if it still runs, with all that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#call.cancel();
    await this.#result.catch(() => {});
  }
}

/** Standard input of a program under way. */
export class GuestInput {
  readonly #call: Call;
  #open: boolean;

  /** @internal */
  constructor(call: Call, open: boolean) {
    this.#call = call;
    this.#open = open;
  }

  /** Sends input, and waits while the program does not take it. Input for a program that has ended is dropped. */
  async write(chunk: InputChunk): Promise<void> {
    if (!this.#open) throw new TypeError("standard input was given whole or is ended");
    await this.#call.write(checkBytes(chunk, "chunk"));
  }

  /** Ends the input. */
  async end(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#call.endInput();
  }
}

/**
 * An output stream of a program under way. The program waits while much of its output is not read; both its streams
 * count together, so read both, or neither and call `wait`. A stream is read once; who stops before its end lets the
 * rest be dropped.
 */
export interface GuestOutput extends AsyncIterable<Uint8Array> {
  /** Reads the stream to its end as text. */
  text(): Promise<string>;
}

interface Piece {
  readonly data: Uint8Array;
  readonly taken: () => void;
}

/** An output stream, from the side that fills it. */
export class OutputBuffer implements GuestOutput {
  readonly #pieces: Piece[] = [];
  #readers: (() => void)[] = [];
  #ended = false;
  #error: { readonly error: unknown } | undefined;
  /** What becomes of pieces: they wait for a reader, are kept for the result, or are dropped. */
  #use: "wait" | "read" | "keep" | "drop" = "wait";
  readonly #kept = new Kept();

  push(data: Uint8Array, taken: () => void): void {
    if (this.#use === "keep" || this.#use === "drop") {
      if (this.#use === "keep") this.#kept.add(data);
      taken();
      return;
    }
    this.#pieces.push({ data, taken });
    this.#wake();
  }

  /** No more comes. */
  end(failure?: { readonly error: unknown }): void {
    this.#ended = true;
    this.#error = failure;
    this.#wake();
  }

  /** Keeps what nobody reads. */
  keep(): Kept {
    if (this.#use === "wait") {
      this.#use = "keep";
      for (const { data, taken } of this.#pieces.splice(0)) this.push(data, taken);
    }
    return this.#kept;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#use !== "wait") throw new TypeError("the stream is read already, or its rest is kept for the result");
    this.#use = "read";
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          piece.taken();
          yield piece.data;
        } else if (this.#ended) {
          if (this.#error !== undefined) throw this.#error.error;
          return;
        } else {
          await new Promise<void>((resolve) => this.#readers.push(resolve));
        }
      }
    } finally {
      this.#use = "drop";
      for (const { taken } of this.#pieces.splice(0)) taken();
    }
  }

  async text(): Promise<string> {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    for await (const chunk of this) text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  }

  #wake(): void {
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) reader();
  }
}
