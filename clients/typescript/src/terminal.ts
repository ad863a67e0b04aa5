/**
 * Terminals of a VM, from where somebody sits.
 */
import { checkBytes, checkOptions, checkText, checkTextRecord, checkTexts, type Names } from "./check.js";
import { unexpected } from "./connection.js";
import { CordonError } from "./errors.js";
import { toResult, type ExecutionResult } from "./execution.js";
import type { InputChunk } from "./feeding.js";
import { ErrorCode, type ExecutionResult as WireResult, type VmRequest } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";
import type { OutputCallback } from "./output.js";
import { StreamedRequest } from "./request.js";

/** How many characters a terminal shows. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** What a terminal is opened with. */
export interface TerminalOptions extends TerminalSize {
  /** The command that runs there; `sh` when left out. */
  readonly command?: string;
  /** Its arguments. */
  readonly args?: readonly string[];
  /** Environment variables, over the VM's. `TERM` is `xterm-256color` unless either says otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** The directory to start in; the VM's when left out. */
  readonly cwd?: string;
}

const SIZE: Names<TerminalSize> = { cols: true, rows: true };
const OPTIONS: Names<TerminalOptions> = { ...SIZE, command: true, args: true, env: true, cwd: true };

function checkSide(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffff) {
    throw new TypeError(`${name} must be an integer between 0 and 65535`);
  }
  return value;
}

function checkSize({ cols, rows }: TerminalSize): { cols: number; rows: number } {
  return { cols: checkSide(cols, "cols"), rows: checkSide(rows, "rows") };
}

/** Opens a terminal, and sits down at it. */
export async function openTerminal(vm: VmHandle, options: TerminalOptions): Promise<Terminal> {
  checkOptions(options, "options", OPTIONS);
  const request: Extract<VmRequest, { type: "openTerminal" }> = { type: "openTerminal", size: checkSize(options) };
  if (options.command !== undefined) request.command = checkText(options.command, "command");
  if (options.args !== undefined) request.args = checkTexts(options.args, "args");
  if (options.env !== undefined) request.env = checkTextRecord(options.env, "env");
  if (options.cwd !== undefined) request.cwd = checkText(options.cwd, "cwd");
  const { terminal } = await vm.ask(request, "terminal");
  return new Terminal(vm, terminal);
}

interface Piece {
  readonly data: Uint8Array;
  readonly taken: () => void;
}

/**
 * Somebody who sits at a terminal of a VM. What it shows waits for a listener; its programs wait while much of it is not
 * taken. Whoever leaves lets it go on without anybody, to be attached to again.
 */
export class Terminal implements AsyncDisposable {
  /** Its number in the VM, to attach to it again. */
  readonly number: number;
  readonly #vm: VmHandle;
  readonly #request: StreamedRequest;
  readonly #result: Promise<WireResult>;
  #listener: OutputCallback | undefined;
  #waiting: Piece[] = [];
  /** What was handed to the listener, in order. */
  #tail: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(vm: VmHandle, number: number) {
    this.#vm = vm;
    this.number = number;
    this.#request = new StreamedRequest(vm.connection, vm.id, { type: "attachTerminal", terminal: number }, {
      onOutput: (stream, data, taken) => {
        if (stream === "terminal") this.#take({ data, taken });
      },
    });
    this.#result = this.#request.answer.then((answer) => {
      if (answer.type !== "executed") throw unexpected(answer);
      return answer.result;
    });
    // Whoever does not wait for the end need not hear of it either.
    this.#result.catch(() => {});
  }

  #take(piece: Piece): void {
    const listener = this.#listener;
    if (listener === undefined) {
      this.#waiting.push(piece);
      return;
    }
    this.#tail = this.#tail.then(async () => {
      try {
        if (this.#failure === undefined) await listener(piece.data);
      } catch (error) {
        this.#failure = { error };
      }
      piece.taken();
    });
  }

  /** Has everything that it shows handed over, one piece after the other, in place of whoever had that before. */
  onData(listener: OutputCallback): void {
    if (typeof listener !== "function") throw new TypeError("listener must be a function");
    this.#listener = listener;
    for (const piece of this.#waiting.splice(0)) this.#take(piece);
  }

  /** Types, and waits while much that was typed is not read. */
  async write(chunk: InputChunk): Promise<void> {
    await this.#request.write(checkBytes(chunk, "chunk"));
  }

  /** It shows so many characters from now on. */
  async resize(size: TerminalSize): Promise<void> {
    checkOptions(size, "size", SIZE);
    await this.#vm.ask({ type: "resizeTerminal", terminal: this.number, size: checkSize(size) }, "done");
  }

  /** How its command ended, once it has and everything was taken. What nobody listens to is dropped meanwhile. */
  async wait(): Promise<ExecutionResult> {
    if (this.#listener === undefined) this.onData(() => {});
    const result = await this.#result;
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure.error;
    return toResult(result);
  }

  /** Another who sits at it: what it has shown before comes first, as far as it is kept, its last 256 KiB. */
  attach(): Terminal {
    return new Terminal(this.#vm, this.number);
  }

  /** Leaves it as it is. */
  async detach(): Promise<void> {
    this.#request.cancel();
    if (this.#listener === undefined) this.onData(() => {});
    await this.#result.catch(() => {});
  }

  /**
   * Hangs up: its session is sent `SIGHUP`, and killed if it does not end soon. Waits until its command has ended. One
   * that was closed already, or whose VM is gone, is fine.
   */
  async close(): Promise<void> {
    try {
      await this.#vm.ask({ type: "closeTerminal", terminal: this.number }, "done");
    } catch (error) {
      const isClosed = error instanceof CordonError && error.code === ErrorCode.NOT_FOUND;
      if (!isClosed && !this.#vm.isDisposed) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
