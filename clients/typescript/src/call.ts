/**
 * A call that runs something in a VM, with its streams: output under credit, input within a window.
 */
import { answered, ofVm, unexpected, type Connection } from "./connection.js";
import { cordonError } from "./errors.js";
import {
  ErrorCode,
  type ExecutionResult,
  type OutputStream,
  type Response,
  type VmRequest,
} from "./generated/wire.js";
import { InputQueue } from "./input.js";

/**
 * Takes output of a call that streams. Once it calls `taken`, and not before, as much may be sent again.
 */
export type OutputTaker = (stream: OutputStream, data: Uint8Array, taken: () => void) => void;

export class Call {
  /** The answer. Output has all been handed over by then. */
  readonly result: Promise<ExecutionResult>;

  readonly #connection: Connection;
  readonly #id: number;
  readonly #input: InputQueue;
  /** The process id, or nothing if the call ended before it was known. */
  readonly #started: Promise<number | undefined>;

  constructor(connection: Connection, vm: number, request: VmRequest, onOutput?: OutputTaker) {
    let started!: (pid: number | undefined) => void;
    this.#started = new Promise((resolve) => (started = resolve));
    this.#connection = connection;
    const pending = connection.begin(
      { type: "vm", vm, request },
      {
        onStarted: started,
        onOutput: (stream, data) => onOutput?.(stream, data, () => this.#grant(data.length)),
        onInputTaken: (bytes) => this.#input.taken(bytes),
      },
    );
    this.#id = pending.id;
    this.#input = new InputQueue((data, end) => {
      if (this.isOpen) connection.send({ type: "input", id: pending.id, data, end });
    });
    this.result = this.#settle(pending.response, vm, () => started(undefined));
  }

  async #settle(response: Promise<Response>, vm: number, over: () => void): Promise<ExecutionResult> {
    const answer = await response;
    this.#input.close();
    over();
    try {
      const { response } = ofVm(answered(answer));
      if (response.type !== "executed") throw unexpected(response);
      return response.result;
    } catch (error) {
      throw this.#connection.why(vm, error);
    }
  }

  /** The process id in the VM, once the program has started. A call that failed before says why. */
  async pid(): Promise<number> {
    const pid = await this.#started;
    if (pid !== undefined) return pid;
    await this.result;
    throw cordonError(ErrorCode.NOT_FOUND, "the program ended before its process id was known");
  }

  /** Whether the call waits for its answer. */
  get isOpen(): boolean {
    return this.#connection.isOpen(this.#id);
  }

  /** Asks for an early end; the call is still answered. */
  cancel(): void {
    if (this.isOpen) this.#connection.send({ type: "cancel", id: this.#id });
  }

  /** Sends input, in order, and waits while the program does not take it. Input for one that has ended is dropped. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#input.write(bytes);
  }

  /** Ends the input after what was written. */
  async endInput(): Promise<void> {
    await this.#input.end();
  }

  #grant(bytes: number): void {
    if (this.isOpen && bytes > 0) this.#connection.send({ type: "credit", id: this.#id, bytes });
  }
}
