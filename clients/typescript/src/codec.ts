/**
 * Messages as frames: a length of four bytes (unsigned, big-endian) and as many bytes of MessagePack. What the other
 * end sends is checked against the protocol before anything uses it.
 */
import { Decoder, Encoder } from "@msgpack/msgpack";

import { cordonError, messageOf, protocolError } from "./errors.js";
import { ErrorCode, FRAME_BYTES_MAX, type ClientMessage, type ServerMessage } from "./generated/wire.js";
import { serverMessageProblem } from "./shapes.js";

const HEADER_BYTES = 4;

const encoder: Encoder = new Encoder({ ignoreUndefined: true, maxDepth: 64 });
const decoder: Decoder = new Decoder();

/** One message as the bytes of a frame. */
export function encodeFrame(message: ClientMessage): Uint8Array {
  const content = encoder.encodeSharedRef(isWellFormed(message) ? message : wellFormed(message));
  if (content.length > FRAME_BYTES_MAX) {
    throw cordonError(
      ErrorCode.LIMIT,
      `a message of ${content.length} bytes is over FRAME_BYTES_MAX, which is ${FRAME_BYTES_MAX}`,
    );
  }
  // A buffer of Node's, which streams would make of it otherwise.
  const frame = Buffer.allocUnsafe(HEADER_BYTES + content.length);
  frame.writeUInt32BE(content.length);
  frame.set(content, HEADER_BYTES);
  return frame;
}

/** The message that is a frame's content. */
export function decodeMessage(content: Uint8Array): ServerMessage {
  let value: unknown;
  try {
    value = decoder.decode(content);
  } catch (error) {
    throw protocolError(`not a message: ${messageOf(error)}`);
  }
  const problem = serverMessageProblem(value);
  if (problem !== undefined) throw protocolError(`not a message: ${problem}`);
  return value as ServerMessage;
}

/** Whether there are no halves of surrogate pairs in it, as is usual: a copy is not needed then. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  const map = value as Record<string, unknown>;
  for (const key of Object.keys(map)) {
    if (!key.isWellFormed() || !isWellFormed(map[key])) return false;
  }
  return true;
}

/** Replaces halves of surrogate pairs, which UTF-8 does not have and the other end would refuse. */
function wellFormed<T>(value: T): T;
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => wellFormed<unknown>(item));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed<unknown>(item)]),
  );
}

/** Cuts a stream of bytes into the contents of frames. */
export class FrameDecoder {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #content: Uint8Array | undefined;
  #filled = 0;

  /** Takes bytes that have arrived and gives the frames that are whole now, each in memory of its own. */
  push(bytes: Uint8Array): Iterable<Uint8Array> {
    const only = this.isAtBoundary ? onlyContent(bytes) : undefined;
    return only === undefined ? this.#cut(bytes) : [only];
  }

  *#cut(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    let rest = bytes;
    while (rest.length > 0 || this.#isWhole()) {
      if (this.#content === undefined) {
        const taken = rest.subarray(0, HEADER_BYTES - this.#headerFilled);
        this.#header.set(taken, this.#headerFilled);
        this.#headerFilled += taken.length;
        rest = rest.subarray(taken.length);
        if (this.#headerFilled < HEADER_BYTES) return;
        const length = new DataView(this.#header.buffer).getUint32(0);
        if (length > FRAME_BYTES_MAX) {
          throw protocolError(`a frame of ${length} bytes is longer than ${FRAME_BYTES_MAX}`);
        }
        this.#content = new Uint8Array(length);
        this.#filled = 0;
      }
      const content = this.#content;
      const taken = rest.subarray(0, content.length - this.#filled);
      content.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (!this.#isWhole()) return;
      this.#content = undefined;
      this.#headerFilled = 0;
      yield content;
    }
  }

  /** Whether the stream may end here: no frame is cut in two. */
  get isAtBoundary(): boolean {
    return this.#headerFilled === 0 && this.#content === undefined;
  }

  #isWhole(): boolean {
    return this.#content !== undefined && this.#filled === this.#content.length;
  }
}

/** The content of bytes that are one frame and have their memory for themselves, as most do: it need not be copied. */
function onlyContent(bytes: Uint8Array): Uint8Array | undefined {
  const { buffer, byteOffset, length } = bytes;
  if (length < HEADER_BYTES || length !== buffer.byteLength) return undefined;
  const contentLength = new DataView(buffer, byteOffset).getUint32(0);
  if (contentLength !== length - HEADER_BYTES || contentLength > FRAME_BYTES_MAX) return undefined;
  return new Uint8Array(buffer, byteOffset + HEADER_BYTES);
}
