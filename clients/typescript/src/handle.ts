/**
 * A VM as the connection knows it; what the parts of a `Vm` share.
 */
import { ofVm, unexpected, type Connection } from "./connection.js";
import { CordonError } from "./errors.js";
import { prepare, run, type ProgramOptions } from "./execution.js";
import {
  ErrorCode,
  type ExecutionOptions,
  type ExecutionResult,
  type Request,
  type VmRequest,
  type VmResponse,
} from "./generated/wire.js";

export class VmHandle {
  readonly connection: Connection;
  readonly id: number;
  #disposed: Promise<void> | undefined;

  constructor(connection: Connection, id: number) {
    this.connection = connection;
    this.id = id;
    connection.vmBegan(id);
  }

  /** Asks the VM for something that runs nothing, and expects an answer of that type. */
  async ask<T extends VmResponse["type"]>(request: VmRequest, type: T): Promise<Extract<VmResponse, { type: T }>> {
    return this.request({ type: "vm", vm: this.id, request }, type);
  }

  /** Asks the sidecar for something that the VM answers. */
  async request<T extends VmResponse["type"]>(body: Request, type: T): Promise<Extract<VmResponse, { type: T }>> {
    try {
      const { response } = ofVm(await this.connection.request(body));
      if (response.type !== type) throw unexpected(response);
      return response as Extract<VmResponse, { type: T }>;
    } catch (error) {
      throw this.connection.why(this.id, error);
    }
  }

  /** Runs something to its end. */
  async run(request: (options: ExecutionOptions) => VmRequest, options: ProgramOptions): Promise<ExecutionResult> {
    const prepared = prepare(options);
    return run(this.connection, this.id, request(prepared.wire), prepared);
  }

  /** Whether the VM is gone, or will be as soon as the sidecar is told. */
  get isDisposed(): boolean {
    return this.#disposed !== undefined || this.connection.isLost(this.id);
  }

  /** Ends the VM with all that runs in it. */
  async dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    try {
      const answer = await this.connection.request({ type: "disposeVm", vm: this.id });
      if (answer.type !== "done") throw unexpected(answer);
    } catch (error) {
      // It ended by itself before, or with the connection: either way it is gone.
      const gone: readonly string[] = [ErrorCode.NOT_FOUND, ErrorCode.DISCONNECTED];
      if (!(error instanceof CordonError && gone.includes(error.code)) && this.connection.ended === undefined) throw error;
    } finally {
      this.connection.forgetVm(this.id);
    }
  }
}
