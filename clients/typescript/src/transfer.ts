/**
 * Files on their way to and from a VM: neither side ever holds more than the pieces under way.
 */
import { constants } from "node:buffer";

import { unexpected } from "./connection.js";
import { cordonError, type CordonError } from "./errors.js";
import { Feeding, letGo, type splitInput } from "./feeding.js";
import { ErrorCode, type VmRequest, type VmResponse } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";
import { StreamedRequest } from "./request.js";

interface Piece {
  readonly data: Uint8Array;
  readonly taken: () => void;
}

/** A file that is read. */
export class FileReading {
  readonly #request: Cancellable;
  readonly #pieces: Piece[] = [];
  #wake: () => void = () => {};
  /** The last piece, or why there is none. */
  readonly #last: Promise<Uint8Array>;
  #ended = false;
  #finished = false;

  constructor(vm: VmHandle, path: string, maxBytes: number | undefined, signal: AbortSignal | undefined) {
    const request: VmRequest = { type: "readFile", path, ...(maxBytes === undefined ? {} : { maxBytes }) };
    this.#request = new Cancellable(vm, request, signal, (data, taken) => {
      this.#pieces.push({ data, taken });
      this.#wake();
    });
    this.#last = this.#request.answer.then((response) => {
      if (response.type !== "data") throw unexpected(response);
      // The bytes lie in the frame that brought them, which need not live as long.
      return response.data.slice();
    });
    const ended = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#last.then(ended, ended);
  }

  /** The next piece; nothing at the end of the file. */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#finished) {
      if (this.#request.isCancelled) this.#pieces.length = 0;
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        piece.taken();
        return piece.data.slice();
      }
      if (this.#ended) {
        this.#finished = true;
        const last = await this.#last;
        return last.length === 0 ? undefined : last;
      }
      await new Promise<void>((wake) => (this.#wake = wake));
    }
    return undefined;
  }

  /** The whole file. */
  async whole(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) {
      pieces.push(piece);
      length += piece.length;
      if (length > constants.MAX_LENGTH) {
        this.cancel();
        const text = `a file of more than ${constants.MAX_LENGTH} bytes does not fit into one Uint8Array`;
        throw cordonError(ErrorCode.LIMIT, text, { hint: "take its contents piece by piece, with readStream" });
      }
    }
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) return only;
    const whole = new Uint8Array(length);
    let offset = 0;
    for (const piece of pieces) {
      whole.set(piece, offset);
      offset += piece.length;
    }
    return whole;
  }

  /** Ends the reading. */
  cancel(): void {
    this.#request.cancel();
  }
}

/** Writes a file: what comes with the request, or pieces after it. */
export async function writeFile(
  vm: VmHandle,
  path: string,
  { whole, pieces }: ReturnType<typeof splitInput>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted === true) {
    if (pieces !== undefined) letGo(pieces);
    throw cancelled();
  }
  const data = whole ?? new Uint8Array();
  const streams: { streamData?: true } = pieces === undefined ? {} : { streamData: true };
  const request = new Cancellable(vm, { type: "writeFile", path, data, ...streams }, signal);
  const feeding = pieces === undefined ? undefined : new Feeding(request.streamed, pieces, "contents");
  try {
    const response = await request.answer;
    if (response.type !== "done") throw unexpected(response);
  } catch (error) {
    // What the iterable threw is why the writing was cancelled.
    feeding?.check();
    throw error;
  } finally {
    feeding?.stop();
  }
  feeding?.check();
}

/** A request that settles as soon as it is cancelled, even while the VM waits for a slow directory of the host. */
class Cancellable {
  readonly streamed: StreamedRequest;
  readonly answer: Promise<VmResponse>;
  isCancelled = false;
  #giveUp!: (why: CordonError) => void;

  constructor(
    vm: VmHandle,
    request: VmRequest,
    signal: AbortSignal | undefined,
    onData?: (data: Uint8Array, taken: () => void) => void,
  ) {
    this.streamed = new StreamedRequest(vm.connection, vm.id, request, {
      onOutput: (stream, data, taken) => {
        if (stream === "file") onData?.(data, taken);
      },
    });
    const cancel = () => this.cancel();
    const givenUp = new Promise<never>((_, reject) => (this.#giveUp = reject));
    this.answer = Promise.race([this.streamed.answer, givenUp]).finally(() => signal?.removeEventListener("abort", cancel));
    // Whoever takes pieces hears of it with the next.
    this.answer.catch(() => {});
    if (signal?.aborted === true) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
  }

  cancel(): void {
    if (!this.streamed.isOpen) return;
    this.isCancelled = true;
    this.streamed.cancel();
    this.#giveUp(cancelled());
  }
}

function cancelled(): CordonError {
  return cordonError(ErrorCode.CANCELLED, "the transfer of a file was cancelled");
}
