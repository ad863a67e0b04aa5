/**
 * How bytes reach a sidecar and come back: over the standard streams of a process of our own, or over a Unix socket.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import type { Readable, Writable } from "node:stream";

import { cordonError, disconnected, messageOf, type CordonError } from "./errors.js";
import { ErrorCode } from "./generated/wire.js";

/** So much of what a sidecar prints is kept for the error of its end. */
const STDERR_KEPT = 4096;
/** How long the last bytes of a process that has ended may take to arrive. */
const LAST_BYTES_MS = 250;
/** How long a sidecar may take to end by itself once its input has ended. */
const CLOSE_MS = 3000;

/** Both directions of a connection. */
export interface Transport {
  /** Sends bytes; what cannot be sent any more is dropped, and `onEnd` says so. */
  write(bytes: Uint8Array): void;
  /** Takes the receiver; called once, before anything arrives. */
  start(receiver: Receiver): void;
  /** Lets the Node process live as long as the connection does. */
  ref(): void;
  /** Lets the Node process end although the connection is open. */
  unref(): void;
  /** Ends the connection, and the sidecar if it is ours. */
  close(): Promise<void>;
  /** The same at once, without a chance to say goodbye. */
  destroy(): void;
}

export interface Receiver {
  onBytes(bytes: Uint8Array): void;
  /** Called once. */
  onEnd(why: CordonError): void;
}

/** Starts `cordon serve` and speaks with it. */
export function startSidecar(binary: string): Transport {
  // A session of its own: Ctrl-C reaches this process, whose handlers may still want to use and dispose of VMs. When
  // this process ends, however it does, the sidecar's input closes and it ends as well.
  let child: ChildProcess;
  try {
    child = spawn(binary, ["serve"], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  } catch (error) {
    throw cannotStart(binary, error);
  }
  return new ChildTransport(child, binary);
}

function cannotStart(binary: string, error: unknown): CordonError {
  return cordonError(ErrorCode.NOT_INSTALLED, `cannot start ${binary}: ${messageOf(error)}`, {
    hint: "name a cordon executable with the option `binary` or the environment variable CORDON_BINARY",
    cause: error,
  });
}

/** Connects to a sidecar that listens on a Unix socket. */
export function connectSocket(path: string): Transport {
  return new SocketTransport(path);
}

class ChildTransport implements Transport {
  readonly #child: ChildProcess;
  readonly #streams: { readonly input: Writable; readonly output: Readable; readonly errors: Readable };
  readonly #exited: Promise<void>;
  readonly #binary: string;
  #printed = "";

  constructor(child: ChildProcess, binary: string) {
    const { stdin, stdout, stderr } = child;
    this.#child = child;
    if (stdin === null || stdout === null || stderr === null) {
      throw cordonError(ErrorCode.INTERNAL, "the sidecar was started without standard streams");
    }
    this.#streams = { input: stdin, output: stdout, errors: stderr };
    this.#binary = binary;
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    // Of four handles one is enough to keep Node alive: the output, whose end comes with the sidecar's.
    child.unref();
    setReferenced(stdin, false);
    setReferenced(stderr, false);
    // A write that fails means that the sidecar is gone, which its exit tells better.
    stdin.on("error", () => {});
    stderr.on("error", () => {});
    stderr.on("data", (bytes: Buffer) => {
      this.#printed = (this.#printed + bytes.toString("utf8")).slice(-STDERR_KEPT);
      process.stderr.write(bytes);
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#streams.input.writable) this.#streams.input.write(bytes);
  }

  start(receiver: Receiver): void {
    const child = this.#child;
    const { output } = this.#streams;
    let over = false;
    const waiting = new Set<NodeJS.Timeout>();
    const end = (why: CordonError) => {
      if (over) return;
      over = true;
      // What is still waited for would only keep Node alive.
      for (const timer of waiting) clearTimeout(timer);
      child.kill("SIGKILL");
      output.destroy();
      this.#streams.errors.destroy();
      receiver.onEnd(why);
    };
    child.once("error", (error) => end(cannotStart(this.#binary, error)));
    const exited = (code: number | null, signal: string | null) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const printed = this.#printed.trim();
      const details: Record<string, string> = signal === null ? { exitCode: String(code) } : { signal };
      if (printed !== "") details["stderr"] = printed;
      end(disconnected(`the sidecar has ended (${how})${printed === "" ? "" : `: ${printed}`}`, { details }));
    };
    // Its last answers may still be in the pipe.
    const soon = (then: () => void) => {
      if (!over) waiting.add(setTimeout(then, LAST_BYTES_MS));
    };
    child.once("exit", (code, signal) => {
      if (output.readableEnded || output.destroyed) exited(code, signal);
      else {
        output.once("close", () => exited(code, signal));
        soon(() => exited(code, signal));
      }
    });
    output.on("data", (bytes: Buffer) => receiver.onBytes(bytes));
    output.once("error", (error) => end(disconnected(messageOf(error))));
    output.once("end", () => soon(() => end(disconnected("the sidecar has closed its output"))));
  }

  ref(): void {
    setReferenced(this.#streams.output, true);
  }

  unref(): void {
    setReferenced(this.#streams.output, false);
  }

  async close(): Promise<void> {
    // What it prints at its end is still shown, and its exit waited for.
    this.#child.ref();
    setReferenced(this.#streams.errors, true);
    this.#streams.input.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS);
    await this.#exited;
    clearTimeout(timer);
    this.#child.unref();
    setReferenced(this.#streams.errors, false);
  }

  destroy(): void {
    this.#child.kill("SIGKILL");
  }
}

/** The pipes of a child are sockets, which the types of its streams do not say. */
function setReferenced(stream: Readable | Writable, referenced: boolean): void {
  const socket = stream as { ref?: () => void; unref?: () => void };
  if (referenced) socket.ref?.();
  else socket.unref?.();
}

class SocketTransport implements Transport {
  readonly #path: string;
  readonly #socket: ReturnType<typeof connect>;

  constructor(path: string) {
    this.#path = path;
    this.#socket = connect(path);
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  start(receiver: Receiver): void {
    const socket = this.#socket;
    let connected = false;
    let failure: Error | undefined;
    socket.once("connect", () => (connected = true));
    socket.on("data", (bytes: Buffer) => receiver.onBytes(bytes));
    socket.on("error", (error) => (failure ??= error));
    socket.once("close", () => {
      const why = failure === undefined ? "the sidecar has closed it" : failure.message;
      receiver.onEnd(
        connected
          ? disconnected(why, { cause: failure })
          : cordonError(ErrorCode.DISCONNECTED, `cannot connect to ${this.#path}: ${why}`, {
              hint: `start a sidecar there: cordon serve --socket ${this.#path}`,
              cause: failure,
            }),
      );
    });
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.ref();
    const closed = new Promise<void>((resolve) => void this.#socket.once("close", () => resolve()));
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
