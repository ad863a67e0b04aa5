/**
 * A call that runs something in a VM, with its streams: output under credit, input within a window.
 */
import { answered, ofVm, unexpected, type Connection } from "./connection.js";
import { cordonError, type CordonError } from "./errors.js";
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
  /** The process id in the VM, once the program has started. */
  readonly pid: Promise<number>;

  readonly #connection: Connection;
  readonly #id: number;
  readonly #input: InputQueue;

  constructor(connection: Connection, vm: number, request: VmRequest, onOutput?: OutputTaker) {
    let started!: (pid: number) => void;
    let notStarted!: (why: CordonError) => void;
    this.pid = new Promise((resolve, reject) => {
      started = resolve;
      notStarted = reject;
    });
    // Few callers ask; to the others it does not matter.
    this.pid.catch(() => {});
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
    this.result = this.#settle(pending.response, vm, notStarted);
  }

  async #settle(response: Promise<Response>, vm: number, notStarted: (why: CordonError) => void): Promise<ExecutionResult> {
    const answer = await response;
    this.#input.close();
    try {
      const { response } = ofVm(answered(answer));
      if (response.type !== "executed") throw unexpected(response);
      notStarted(cordonError(ErrorCode.NOT_FOUND, "the program ended before its process id was known"));
      return response.result;
    } catch (error) {
      const why = this.#connection.why(vm, error);
      notStarted(why);
      throw why;
    }
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
