/**
 * A client: one connection to a sidecar, and the VMs made over it.
 */
import { checkObject, checkOptions, checkText, configJson, type Names } from "./check.js";
import { Connection, unexpected } from "./connection.js";
import type { CreateVmConfig, EngineRequirements, Limits, NetworkLimits, Permissions } from "./generated/wire.js";
import { HostFunctionTable, type HostFunctions } from "./hostFunctions.js";
import { findBinary } from "./sidecar.js";
import { connectSocket, startSidecar } from "./transport.js";
import { Vm } from "./vm.js";

/** Which sidecar to speak with. Without either, one is found and started. */
export interface ConnectOptions {
  /** The `cordon` executable to start. */
  readonly binary?: string;
  /** The Unix socket of a sidecar that runs already: `cordon serve --socket PATH`. */
  readonly socket?: string;
}

export const CONNECT_OPTIONS: Names<ConnectOptions> = { binary: true, socket: true };

/**
 * What a VM is to be. Whatever is left out keeps its default, which denies what reaches outside the VM or widens its
 * attack surface; so WebAssembly is off unless `permissions.webAssembly` is `"allow"`.
 */
export interface VmConfig extends Partial<Omit<CreateVmConfig, "permissions" | "limits" | "engine" | "hostFunctions">> {
  readonly permissions?: Partial<Permissions>;
  readonly limits?: Partial<Omit<Limits, "network">> & { readonly network?: Partial<NetworkLimits> };
  readonly engine?: Partial<EngineRequirements>;
  /** Functions of this process that guest code may call. */
  readonly hostFunctions?: HostFunctions;
}

export class Client implements AsyncDisposable {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Connects to a sidecar, and starts it unless a socket is named. */
  static async connect(options: ConnectOptions = {}): Promise<Client> {
    checkOptions(options, "options", CONNECT_OPTIONS);
    const { binary, socket } = options;
    const transport =
      socket === undefined ? startSidecar(findBinary(binary)) : connectSocket(checkText(socket, "socket"));
    return new Client(await Connection.open(transport));
  }

  /** Whether the connection is over; no more VMs can be made then. */
  get isClosed(): boolean {
    return this.#connection.ended !== undefined;
  }

  /** Makes a VM. Dispose of it: it is a process of its own. */
  async createVm(config: VmConfig = {}): Promise<Vm> {
    // Its fields are the sidecar's to check, all the way down.
    checkObject(config, "config");
    const { hostFunctions, ...rest } = config;
    const functions = new HostFunctionTable(hostFunctions ?? {});
    const json = configJson({ ...rest, hostFunctions: functions.names });
    const response = await this.#connection.request({ type: "createVm", config: json });
    if (response.type !== "vmCreated") throw unexpected(response);
    this.#connection.setHostFunctions(response.vm, functions);
    return new Vm(this.#connection, response.vm, response.engine);
  }

  /** Ends the connection, all VMs made over it, and the sidecar if it was started for it. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
