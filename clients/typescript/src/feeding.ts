/**
 * Pieces of input from an iterable, for as long as the request that takes them is under way.
 */
import { checkBytes } from "./check.js";

/** Input up to this size is sent with the request, more in pieces. */
const INPUT_WHOLE = 1024 * 1024;
/** After so many pieces without a byte, whatever else this process has to do gets its turn. */
const EMPTY_PIECES = 64;

/** A piece of input: text is sent as UTF-8. */
export type InputChunk = string | Uint8Array;

/** Input: whole, or in pieces that are asked for while they are taken. A `ReadableStream` is an iterable, too. */
export type Input = InputChunk | AsyncIterable<InputChunk> | Iterable<InputChunk>;

/** Where pieces of input come from. */
export type InputIterator = AsyncIterator<InputChunk> | Iterator<InputChunk>;

/** What takes pieces. */
export interface InputTaker {
  readonly isOpen: boolean;
  write(bytes: Uint8Array): Promise<void>;
  endInput(): Promise<void>;
  cancel(): void;
}

/** What goes with the request, and what follows. */
export function splitInput(input: Input, name: string): { readonly whole?: Uint8Array; readonly pieces?: InputIterator } {
  if (typeof input === "string" || input instanceof Uint8Array) {
    const bytes = checkBytes(input, name);
    return bytes.length <= INPUT_WHOLE ? { whole: bytes } : { pieces: [bytes].values() };
  }
  if (typeof input === "object" && input !== null) {
    if (Symbol.asyncIterator in input) return { pieces: input[Symbol.asyncIterator]() };
    if (Symbol.iterator in input) return { pieces: input[Symbol.iterator]() };
  }
  throw new TypeError(`${name} must be a string, a Uint8Array or an iterable of them`);
}

/** Feeds a request from an iterator. */
export class Feeding {
  readonly #iterator: InputIterator;
  readonly #name: string;
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(taker: InputTaker, iterator: InputIterator, name: string) {
    this.#iterator = iterator;
    this.#name = name;
    void this.#feed(taker);
  }

  /** Throws what the iterable threw. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Asks for no more. The iterable may be waiting for something, so nobody waits for it in turn. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    letGo(this.#iterator);
  }

  async #feed(taker: InputTaker): Promise<void> {
    let empty = 0;
    try {
      while (!this.#stopped) {
        const next = await this.#iterator.next();
        if (next.done === true) {
          this.#stopped = true;
          await taker.endInput();
          return;
        }
        if (this.#stopped || !taker.isOpen) return;
        const bytes = checkBytes(next.value, `a piece of ${this.#name}`);
        empty = bytes.length === 0 ? empty + 1 : 0;
        if (empty >= EMPTY_PIECES) await new Promise((resolve) => setImmediate(resolve));
        await taker.write(bytes);
      }
    } catch (error) {
      this.#failure = { error };
      this.#stopped = true;
      taker.cancel();
    }
  }
}

/** Tells an iterator that nothing more is asked of it. */
export function letGo(iterator: InputIterator): void {
  try {
    void Promise.resolve(iterator.return?.()).catch(() => {});
  } catch {
    // It was told.
  }
}
