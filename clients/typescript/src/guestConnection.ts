/**
 * Connections to servers in a VM, as streams of Node's.
 */
import { Duplex } from "node:stream";

import { checkBytes, checkCount, checkOptions, checkSignal, type Names } from "./check.js";
import { unexpected } from "./connection.js";
import type { ConnectionState, VmRequest } from "./generated/wire.js";
import { INITIAL_CREDIT } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";
import { StreamedRequest } from "./request.js";

/** So much is taken before the server may send as much again: few messages, and it never waits for one. */
const GRANT = INITIAL_CREDIT / 4;

/** How a connection is made. */
export interface ConnectToOptions {
  /** How long to wait for a server that is about to listen, in milliseconds; not at all when left out. */
  readonly waitMs?: number;
  /** Breaks the connection off, or the waiting for it. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Names<ConnectToOptions> = { waitMs: true, signal: true };

/** A TCP port that somebody can listen at. */
export function checkPort(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > 0xffff) {
    throw new TypeError("port must be an integer between 1 and 65535");
  }
  return value;
}

/** Connects. */
export async function connect(vm: VmHandle, port: number, options: ConnectToOptions): Promise<GuestConnection> {
  const connection = beginToConnect(vm, port, options);
  await connection.opened;
  return connection;
}

/** A connection that can be written to while it is being made. */
export function beginToConnect(vm: VmHandle, port: number, options: ConnectToOptions): GuestConnection {
  checkOptions(options, "options", OPTIONS);
  const request: Extract<VmRequest, { type: "connect" }> = { type: "connect", port: checkPort(port) };
  if (options.waitMs !== undefined) request.waitMs = checkCount(options.waitMs, "waitMs");
  const signal = checkSignal(options.signal);
  signal?.throwIfAborted();
  const connection = new GuestConnection(vm, request);
  const abort = () => void connection.destroy(signal?.reason as Error);
  signal?.addEventListener("abort", abort, { once: true });
  connection.once("close", () => signal?.removeEventListener("abort", abort));
  return connection;
}

/**
 * A connection to a server in a VM. Each direction ends by itself: after `end()` what the server sends can still be read.
 * `destroy()` breaks it off. An error that nobody listens to ends no process: it may be the guest's doing.
 */
export class GuestConnection extends Duplex {
  /** Resolves once it is there. @internal */
  readonly opened: Promise<void>;
  readonly #request: StreamedRequest;
  /** The server sends no more. */
  #ended = false;
  /** What was handed over and not granted again. */
  #owed = 0;
  /** Nobody reads until `_read` is called. */
  #paused = false;
  #waiting: Uint8Array[] = [];

  /** @internal */
  constructor(vm: VmHandle, request: VmRequest) {
    super({ allowHalfOpen: true });
    const told: { open?: () => void; fail?: (why: unknown) => void } = {};
    this.opened = new Promise((open, fail) => Object.assign(told, { open, fail }));
    // Whoever waits for it is told by the promise, others by the stream.
    this.opened.catch(() => {});
    let isOpen = false;
    this.on("error", () => {});
    this.#request = new StreamedRequest(vm.connection, vm.id, request, {
      onConnection: (state: ConnectionState) => {
        if (state === "open") {
          isOpen = true;
          told.open?.();
        } else this.#end();
      },
      onOutput: (stream, data) => {
        if (stream === "connection") this.#take(data);
      },
    });
    const over = (error: unknown) => {
      if (!isOpen) told.fail?.(error);
      // What the server has sent to its end can still be read; it only takes nothing more.
      if (!this.#ended || this.readableEnded) this.destroy(error as Error);
      else this.once("end", () => this.destroy(error as Error));
    };
    this.once("close", () => told.fail?.(this.errored ?? new Error("the connection was closed")));
    this.#request.answer.then((answer) => {
      if (answer.type !== "done" || !this.#ended) over(unexpected(answer));
    }, over);
  }

  #take(data: Uint8Array): void {
    if (this.destroyed) return;
    this.#waiting.push(data);
    if (!this.#paused) this.#hand();
  }

  #end(): void {
    this.#ended = true;
    if (!this.#paused) this.#hand();
  }

  /** Hands over what waits, as long as it is wanted. */
  #hand(): void {
    while (this.#waiting.length > 0) {
      const [data] = this.#waiting.splice(0, 1);
      if (data === undefined) break;
      this.#owed += data.length;
      const more = this.push(data);
      if (this.#owed >= GRANT && more) this.#grant();
      if (!more) {
        this.#paused = true;
        return;
      }
    }
    if (this.#ended) this.push(null);
  }

  #grant(): void {
    this.#request.grant(this.#owed);
    this.#owed = 0;
  }

  /** @internal */
  override _read(): void {
    if (this.#owed >= GRANT) this.#grant();
    if (!this.#paused) return;
    this.#paused = false;
    this.#hand();
  }

  /** @internal */
  override _write(chunk: unknown, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#request.write(checkBytes(chunk, "chunk")).then(() => done(), done);
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    this.#request.endInput().then(() => done(), done);
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#waiting = [];
    this.#request.cancel();
    done(error);
  }
}
