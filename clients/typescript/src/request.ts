/**
 * A request with streams: what comes before its answer under credit, what is sent after it within a window.
 */
import { answered, ofVm, type Connection } from "./connection.js";
import type { ConnectionState, OutputStream, Response, VmRequest, VmResponse } from "./generated/wire.js";
import { InputQueue } from "./input.js";

/** What happens to a request with streams before it is answered. */
export interface StreamListener {
  onStarted?(pid: number): void;
  onConnection?(state: ConnectionState): void;
  /** Once `taken` is called, and not before, as much may be sent again. */
  onOutput?(stream: OutputStream, data: Uint8Array, taken: () => void): void;
}

export class StreamedRequest {
  /** The answer; rejects if it is an error. Output has all been handed over by then. */
  readonly answer: Promise<VmResponse>;

  readonly #connection: Connection;
  readonly #id: number;
  readonly #input: InputQueue;

  constructor(connection: Connection, vm: number, request: VmRequest, listener: StreamListener = {}) {
    this.#connection = connection;
    const pending = connection.begin(
      { type: "vm", vm, request },
      {
        onStarted: (pid) => listener.onStarted?.(pid),
        onOutput: (stream, data) => listener.onOutput?.(stream, data, () => this.grant(data.length)),
        onInputTaken: (bytes) => this.#input.taken(bytes),
        onConnection: (state) => listener.onConnection?.(state),
      },
    );
    this.#id = pending.id;
    this.#input = new InputQueue((data, end) => {
      if (this.isOpen) connection.send({ type: "input", id: pending.id, data, end });
    });
    this.answer = this.#settle(pending.response, vm);
  }

  async #settle(response: Promise<Response>, vm: number): Promise<VmResponse> {
    const answer = await response;
    this.#input.close();
    try {
      return ofVm(answered(answer)).response;
    } catch (error) {
      throw this.#connection.why(vm, error);
    }
  }

  /** Whether the request waits for its answer. */
  get isOpen(): boolean {
    return this.#connection.isOpen(this.#id);
  }

  /** Asks for an early end; the request is still answered. */
  cancel(): void {
    if (this.isOpen) this.#connection.send({ type: "cancel", id: this.#id });
  }

  /** Sends input, in order, and waits while nobody takes it. Input for what has ended is dropped. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#input.write(bytes);
  }

  /** Ends the input after what was written. */
  async endInput(): Promise<void> {
    await this.#input.end();
  }

  /** As much may be sent again. */
  grant(bytes: number): void {
    if (this.isOpen && bytes > 0) this.#connection.send({ type: "credit", id: this.#id, bytes });
  }
}
