/**
 * A call that runs something in a VM.
 */
import { unexpected, type Connection } from "./connection.js";
import { CordonError, cordonError } from "./errors.js";
import { ErrorCode, type ExecutionResult, type OutputStream, type VmRequest } from "./generated/wire.js";
import { StreamedRequest } from "./request.js";

/** An output stream of a program. */
export type ProgramStream = Extract<OutputStream, "stdout" | "stderr">;

/** Takes output of a call that streams. Once it calls `taken`, and not before, as much may be sent again. */
export type OutputTaker = (stream: ProgramStream, data: Uint8Array, taken: () => void) => void;

export class Call {
  /** The answer. Output has all been handed over by then. */
  readonly result: Promise<ExecutionResult>;

  readonly #request: StreamedRequest;
  /** The process id, or nothing if the call ended before it was known. */
  readonly #started: Promise<number | undefined>;

  constructor(connection: Connection, vm: number, request: VmRequest, onOutput?: OutputTaker) {
    let started!: (pid: number | undefined) => void;
    this.#started = new Promise((resolve) => (started = resolve));
    this.#request = new StreamedRequest(connection, vm, request, {
      onStarted: started,
      onOutput: (stream, data, taken) => {
        if (stream === "stdout" || stream === "stderr") onOutput?.(stream, data, taken);
      },
    });
    this.result = this.#settle().finally(() => started(undefined));
  }

  async #settle(): Promise<ExecutionResult> {
    const response = await this.#request.answer;
    if (response.type !== "executed") throw unexpected(response);
    return response.result;
  }

  /** The process id in the VM, once the program has started. A call that ended before says why. */
  async pid(): Promise<number> {
    const pid = await this.#started;
    if (pid !== undefined) return pid;
    const { error } = await this.result;
    if (error !== undefined) throw new CordonError(error);
    throw cordonError(ErrorCode.NOT_FOUND, "the program ended before its process id was known");
  }

  /** Whether the call waits for its answer. */
  get isOpen(): boolean {
    return this.#request.isOpen;
  }

  /** Asks for an early end; the call is still answered. */
  cancel(): void {
    this.#request.cancel();
  }

  /** Sends input, in order, and waits while the program does not take it. Input for one that has ended is dropped. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#request.write(bytes);
  }

  /** Ends the input after what was written. */
  async endInput(): Promise<void> {
    await this.#request.endInput();
  }
}
