/**
 * Standard input of a call: what is written goes out in order, within the window, in few messages.
 */
import { INPUT_WINDOW } from "./generated/wire.js";

/** A message carries at most so many bytes. */
const MESSAGE_BYTES = 64 * 1024;
/** With so many messages on their way, small writes wait to be sent together. */
const MESSAGES_SMALL = 64;
/** What is no small write. */
const BATCH_BYTES = 4096;

interface Write {
  readonly bytes: Uint8Array;
  readonly sent: () => void;
}

export class InputQueue {
  readonly #send: (data: Uint8Array, end: boolean) => void;
  readonly #writes: Write[] = [];
  /** Lengths of messages that have not been taken yet. */
  readonly #underWay: number[] = [];
  #window = INPUT_WINDOW;
  /** How much of the first write was sent. */
  #offset = 0;
  #waitingBytes = 0;
  #ending: (() => void) | undefined;
  #scheduled = false;
  #closed = false;

  constructor(send: (data: Uint8Array, end: boolean) => void) {
    this.#send = send;
  }

  /** Resolves once all of it is sent, or nobody will take it any more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed || bytes.length === 0) return;
    await new Promise<void>((sent) => {
      this.#writes.push({ bytes, sent });
      this.#waitingBytes += bytes.length;
      this.#schedule();
    });
  }

  /** Ends the input after what was written. */
  async end(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((sent) => {
      this.#ending = sent;
      this.#schedule();
    });
  }

  /** The program took so many bytes. */
  taken(bytes: number): void {
    this.#window = Math.min(this.#window + bytes, INPUT_WINDOW);
    for (let rest = bytes; rest > 0; ) {
      const [first] = this.#underWay;
      if (first === undefined) break;
      if (first > rest) this.#underWay[0] = first - rest;
      else this.#underWay.shift();
      rest -= first;
    }
    this.#schedule();
  }

  /** The program has ended. */
  close(): void {
    this.#closed = true;
    for (const { sent } of this.#writes.splice(0)) sent();
    this.#ending?.();
  }

  /** Writes of one turn go out together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#flush();
    });
  }

  #flush(): void {
    while (this.#waitingBytes > 0) {
      const isFew = this.#underWay.length < MESSAGES_SMALL || this.#waitingBytes >= BATCH_BYTES;
      if (this.#window === 0 || !isFew) return;
      const data = this.#next(Math.min(MESSAGE_BYTES, this.#window, this.#waitingBytes));
      this.#window -= data.length;
      this.#underWay.push(data.length);
      this.#send(data, false);
    }
    const ended = this.#ending;
    if (ended === undefined) return;
    this.#closed = true;
    this.#send(new Uint8Array(), true);
    ended();
  }

  /** Takes so many bytes off the writes. */
  #next(length: number): Uint8Array {
    const data = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const [first] = this.#writes;
      if (first === undefined) break;
      const piece = first.bytes.subarray(this.#offset, this.#offset + length - filled);
      data.set(piece, filled);
      filled += piece.length;
      this.#offset += piece.length;
      if (this.#offset === first.bytes.length) {
        this.#offset = 0;
        this.#writes.shift();
        first.sent();
      }
    }
    this.#waitingBytes -= length;
    return data;
  }
}
