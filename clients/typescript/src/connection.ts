/**
 * One connection to a sidecar: requests out, answers and events in. Every request that was begun settles, with its
 * answer or with the reason why the connection is over.
 */
import { FrameDecoder, decodeMessage, encodeFrame } from "./codec.js";
import { CordonError, cordonError, dataOf, messageOf, protocolError, withProgress } from "./errors.js";
import {
  ErrorCode,
  PROTOCOL_VERSION,
  type ClientMessage,
  type ConnectionState,
  type ErrorData,
  type OutputStream,
  type Request,
  type Response,
  type ServerMessage,
} from "./generated/wire.js";
import type { HostFunctionTable } from "./hostFunctions.js";
import type { Transport } from "./transport.js";
import { VERSION } from "./version.js";

/** What happens to a request before it is answered. */
export interface RequestListener {
  onStarted?(pid: number): void;
  onOutput?(stream: OutputStream, data: Uint8Array): void;
  onInputTaken?(bytes: number): void;
  onConnection?(state: ConnectionState): void;
}

/** A request under way. */
export interface PendingRequest {
  readonly id: number;
  /** The answer; an error if there will be none. Never rejects. */
  readonly response: Promise<Response>;
}

/** An answer that is no error. */
export type Answer = Exclude<Response, { type: "error" }>;

interface Open {
  readonly listener: RequestListener;
  settle(response: Response): void;
}

const CLIENT = `cordon-typescript/${VERSION}`;

export class Connection {
  readonly #transport: Transport;
  readonly #open = new Map<number, Open>();
  readonly #hostFunctions = new Map<number, HostFunctionTable>();
  readonly #lost = new Map<number, CordonError>();
  readonly #onEnd = new Set<(why: CordonError) => void>();
  /** VMs that have not ended, and who is told when they do. */
  readonly #vms = new Map<number, Set<() => void>>();
  #lastId = 0;
  #welcome: ((message: ServerMessage) => void) | undefined;
  #ended: CordonError | undefined;

  private constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Agrees on the protocol with whoever is at the other end. */
  static async open(transport: Transport): Promise<Connection> {
    const connection = new Connection(transport);
    const welcomed = new Promise<void>((resolve, reject) => {
      connection.#onEnd.add(reject);
      connection.#welcome = (message) => {
        if (message.type === "welcome" && message.protocol === PROTOCOL_VERSION) resolve();
        else connection.#fail(protocolError("the other end is no sidecar of this version"));
        connection.#onEnd.delete(reject);
      };
    });
    const decoder = new FrameDecoder();
    transport.start({
      onBytes: (bytes) => connection.#receive(decoder, bytes),
      onEnd: (why) => connection.#end(why),
    });
    transport.write(encodeFrame({ type: "hello", protocol: PROTOCOL_VERSION, client: CLIENT }));
    await welcomed;
    if (connection.#open.size === 0) transport.unref();
    return connection;
  }

  /** Why the connection is over, if it is. */
  get ended(): CordonError | undefined {
    return this.#ended;
  }

  /** Sends a request. Its events come to the listener until it is answered. */
  begin(body: Request, listener: RequestListener = {}): PendingRequest {
    const id = ++this.#lastId;
    if (this.#ended !== undefined) throw withProgress(this.#ended, "not_started");
    const frame = encodeFrame({ type: "request", id, body });
    const response = new Promise<Response>((settle) => this.#open.set(id, { listener, settle }));
    this.#transport.write(frame);
    // Not before: the sidecar is at work meanwhile.
    if (this.#open.size === 1) this.#transport.ref();
    return { id, response };
  }

  /** Sends a request and waits for its answer. */
  async request(body: Request): Promise<Answer> {
    // Thrown from here, an error shows in its stack who has asked.
    return answered(await this.begin(body).response);
  }

  /** Sends something that is not answered. Without a connection there is nobody to tell. */
  send(message: ClientMessage): void {
    if (this.#ended === undefined) this.#transport.write(encodeFrame(message));
  }

  /** Whether a request waits for its answer. */
  isOpen(id: number): boolean {
    return this.#open.has(id);
  }

  /** Calls back when the connection ends; the answer takes that back. */
  onEnd(callback: (why: CordonError) => void): () => void {
    if (this.#ended !== undefined) callback(this.#ended);
    else this.#onEnd.add(callback);
    return () => void this.#onEnd.delete(callback);
  }

  /** A VM has been created. */
  vmBegan(vm: number): void {
    // It may have ended in the same breath.
    if (!this.isLost(vm)) this.#vms.set(vm, new Set());
  }

  /** Calls back when a VM is disposed of or lost, at once if it has been; the answer takes that back. */
  onVmEnd(vm: number, callback: () => void): () => void {
    const callbacks = this.#vms.get(vm);
    if (callbacks === undefined) callback();
    else callbacks.add(callback);
    return () => void callbacks?.delete(callback);
  }

  /** Whose functions the code of a VM calls. */
  setHostFunctions(vm: number, functions: HostFunctionTable): void {
    this.#hostFunctions.set(vm, functions);
  }

  /** Whether a VM has ended by itself. */
  isLost(vm: number): boolean {
    return this.#ended !== undefined || this.#lost.has(vm);
  }

  /** Why a request to a VM failed: one that was lost says so to later requests as well. */
  why(vm: number, error: unknown): CordonError {
    if (!(error instanceof CordonError)) return cordonError(ErrorCode.INTERNAL, messageOf(error), { cause: error });
    const lost = error.code === ErrorCode.NOT_FOUND ? this.#lost.get(vm) : undefined;
    return lost === undefined ? error : withProgress(lost, "not_started");
  }

  forgetVm(vm: number): void {
    this.#hostFunctions.delete(vm);
    this.#lost.delete(vm);
    this.#vmEnded(vm);
  }

  #vmEnded(vm: number): void {
    const callbacks = this.#vms.get(vm);
    this.#vms.delete(vm);
    for (const callback of callbacks ?? []) callback();
  }

  /** Ends the connection and all VMs that were made over it. */
  async close(): Promise<void> {
    // Whatever the sidecar would still say to calls under way, they end because of this.
    this.#end(cordonError(ErrorCode.DISCONNECTED, "the connection to the sidecar was closed"));
    await this.#transport.close();
  }

  #receive(decoder: FrameDecoder, bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    try {
      for (const content of decoder.push(bytes)) {
        this.#onMessage(decodeMessage(content));
        if (this.#ended !== undefined) return;
      }
    } catch (error) {
      this.#fail(error instanceof CordonError ? error : protocolError(messageOf(error)));
    }
  }

  #onMessage(message: ServerMessage): void {
    if (message.type === "fatal") {
      this.#fail(new CordonError(message.error));
      return;
    }
    if (this.#welcome !== undefined) {
      const welcome = this.#welcome;
      this.#welcome = undefined;
      welcome(message);
      return;
    }
    switch (message.type) {
      case "response": {
        const open = this.#open.get(message.id);
        if (open === undefined) return;
        this.#open.delete(message.id);
        if (this.#open.size === 0) this.#transport.unref();
        open.settle(message.body);
        return;
      }
      case "started":
        this.#open.get(message.id)?.listener.onStarted?.(message.pid);
        return;
      case "output":
        this.#open.get(message.id)?.listener.onOutput?.(message.stream, message.data);
        return;
      case "inputTaken":
        this.#open.get(message.id)?.listener.onInputTaken?.(message.bytes);
        return;
      case "connection":
        this.#open.get(message.id)?.listener.onConnection?.(message.state);
        return;
      case "hostCall":
        void this.#callHostFunction(message.call, message.vm, message.name, message.input);
        return;
      case "vmLost":
        this.#lost.set(message.vm, new CordonError(message.error));
        this.#vmEnded(message.vm);
        return;
      case "welcome":
        throw protocolError("a second welcome");
    }
  }

  async #callHostFunction(call: number, vm: number, name: string, input: string): Promise<void> {
    const functions = this.#hostFunctions.get(vm);
    const outcome =
      functions === undefined
        ? { type: "threw" as const, message: `no host function ${JSON.stringify(name)} is registered` }
        : await functions.call(name, input);
    try {
      this.send({ type: "hostResult", call, outcome });
    } catch (error) {
      this.send({ type: "hostResult", call, outcome: { type: "threw", message: messageOf(error) } });
    }
  }

  /** The other end has broken the protocol. */
  #fail(why: CordonError): void {
    this.#end(why);
    this.#transport.destroy();
  }

  #end(why: CordonError): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#hostFunctions.clear();
    // They were sent, and whoever got them can be asked no more.
    const error: ErrorData = { ...dataOf(why), progress: "unknown" };
    for (const request of open) request.settle({ type: "error", error });
    const callbacks = [...this.#onEnd];
    this.#onEnd.clear();
    for (const callback of callbacks) callback(why);
    this.#transport.unref();
  }
}

/** Throws an answer that is an error. */
export function answered(response: Response): Answer {
  if (response.type === "error") throw new CordonError(response.error);
  return response;
}

/** The answer of a VM. */
export function ofVm(answer: Answer): Extract<Answer, { type: "vm" }> {
  if (answer.type !== "vm") throw unexpected(answer);
  return answer;
}

/** The error of an answer that does not fit its request. */
export function unexpected(answer: { readonly type: string }): CordonError {
  return protocolError(`the sidecar gave an answer of another kind: ${answer.type}`);
}
