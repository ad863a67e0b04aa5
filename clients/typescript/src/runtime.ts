/**
 * The short way: VMs on one sidecar that this process shares, and calls that make a VM of their own.
 */
import { CODE_OPTIONS, type CodeOptions } from "./code.js";
import { CONNECT_OPTIONS, Client, type ConnectOptions, type VmConfig } from "./client.js";
import type { Context } from "./context.js";
import { checkObject, checkOptions, checkText } from "./check.js";
import {
  cancelledBefore,
  toEvaluation,
  toResult,
  type EvaluationResult,
  type ExecutionResult,
  type ProgramOptions,
  type RunOptions,
} from "./execution.js";
import type { FetchOptions } from "./fetch.js";
import type { FileSystem } from "./files.js";
import type { ConnectToOptions, GuestConnection } from "./guestConnection.js";
import type { EngineReport, JsonValue, Mount } from "./generated/wire.js";
import type { Npm } from "./npm.js";
import type { GuestProcess, SpawnOptions } from "./process.js";
import { findBinary } from "./sidecar.js";
import type { Vm } from "./vm.js";

/** What a VM is to be, and which sidecar it runs on. */
export interface VmOptions extends VmConfig, ConnectOptions {}

/** A call with a VM of its own: `env` and `cwd` are the VM's. */
export type OneShot<O> = VmOptions & Omit<O, "env" | "cwd">;

/** Sidecars that this process shares, by what was asked for. */
const shared = new Map<string, Promise<Client>>();

/** Starts the shared sidecar now, so that the first VM does not wait for it. */
export async function init(options: ConnectOptions = {}): Promise<void> {
  await sharedClient(options);
}

/** Ends the shared sidecars and every VM that still runs in them. The next call starts a new one. */
export async function shutdown(): Promise<void> {
  const clients = [...shared.values()];
  shared.clear();
  const ended = clients.map(async (connecting) => {
    const client = await connecting.catch(() => undefined);
    await client?.close();
  });
  await Promise.all(ended);
}

/** Makes a VM on the shared sidecar. Dispose of it: it is a process of its own. */
export async function createVm(options: VmOptions = {}): Promise<Vm> {
  checkObject(options, "options");
  const { binary, socket, ...config } = options;
  const where: ConnectOptions = { ...(binary === undefined ? {} : { binary }), ...(socket === undefined ? {} : { socket }) };
  return (await sharedClient(where)).createVm(config);
}

/** The value of an expression, in a VM of its own. */
export async function evaluate<T = JsonValue>(
  source: string,
  options: OneShot<CodeOptions> = {},
): Promise<EvaluationResult<T>> {
  const { call, config } = split(options);
  const result = await inFreshVm(config, call, (vm) => vm.javascript.evaluate<T>(source, call));
  return result ?? toEvaluation<T>(cancelledBefore());
}

/** Runs a source text for its effects, in a VM of its own. */
export async function execute(source: string, options: OneShot<CodeOptions> = {}): Promise<ExecutionResult> {
  const { call, config } = split(options);
  const result = await inFreshVm(config, call, (vm) => vm.javascript.execute(source, call));
  return result ?? toResult(cancelledBefore());
}

/** Runs a JavaScript or TypeScript file in a VM of its own; `mounts` brings the file there. */
export async function executeFile(path: string, options: OneShot<ProgramOptions> = {}): Promise<ExecutionResult> {
  const { call, config } = split(options);
  const result = await inFreshVm(config, call, (vm) => vm.javascript.executeFile(path, call));
  return result ?? toResult(cancelledBefore());
}

/** A VM with the calls that programs make most at hand. The whole of it is `vm`. */
export class NodeRuntime implements AsyncDisposable {
  readonly vm: Vm;

  private constructor(vm: Vm) {
    this.vm = vm;
  }

  /** Makes a VM on the shared sidecar. */
  static async create(options: VmOptions = {}): Promise<NodeRuntime> {
    return new NodeRuntime(await createVm(options));
  }

  get filesystem(): FileSystem {
    return this.vm.filesystem;
  }

  /** Packages for the VM's programs. */
  get npm(): Npm {
    return this.vm.npm;
  }

  /** The value of an expression, in a fresh context. */
  async evaluate<T = JsonValue>(source: string, options: CodeOptions = {}): Promise<EvaluationResult<T>> {
    return this.vm.javascript.evaluate<T>(source, options);
  }

  /** Runs a source text for its effects, in a fresh context. */
  async execute(source: string, options: CodeOptions = {}): Promise<ExecutionResult> {
    return this.vm.javascript.execute(source, options);
  }

  /** Runs a JavaScript or TypeScript file of the VM. */
  async executeFile(path: string, options: ProgramOptions = {}): Promise<ExecutionResult> {
    return this.vm.javascript.executeFile(path, options);
  }

  /** Runs a command to its end. */
  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ExecutionResult> {
    return this.vm.process.run(command, args, options);
  }

  /** Starts a command. */
  async spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): Promise<GuestProcess> {
    return this.vm.process.spawn(command, args, options);
  }

  /** Connects to a server that listens on the VM's own loopback. */
  async connect(port: number, options: ConnectToOptions = {}): Promise<GuestConnection> {
    return this.vm.connect(port, options);
  }

  /** Asks an HTTP server that listens there. */
  async fetch(port: number, request: string | URL | Request, options: FetchOptions = {}): Promise<Response> {
    return this.vm.fetch(port, request, options);
  }

  /** A context that keeps JavaScript state between calls. */
  async createContext(): Promise<Context> {
    return this.vm.createContext();
  }

  /** Asks the VM what runs it. */
  async engineReport(): Promise<EngineReport> {
    return this.vm.engineReport();
  }

  /** Shows a host directory in the VM, read-only unless said otherwise. */
  async mount(mount: Mount): Promise<void> {
    await this.vm.mount(mount);
  }

  /** Takes a mount away. */
  async unmount(guest: string): Promise<void> {
    await this.vm.unmount(guest);
  }

  /** Ends the VM with all that runs in it. */
  async dispose(): Promise<void> {
    await this.vm.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

async function sharedClient(options: ConnectOptions): Promise<Client> {
  checkOptions(options, "options", CONNECT_OPTIONS);
  const { binary, socket } = options;
  const key = socket === undefined ? findBinary(binary) : `unix:${checkText(socket, "socket")}`;
  const present = shared.get(key);
  if (present !== undefined) {
    const client = await present;
    if (!client.isClosed) return client;
    if (shared.get(key) === present) shared.delete(key);
    return sharedClient(options);
  }
  const connecting = Client.connect(socket === undefined ? { binary: key } : { socket });
  shared.set(key, connecting);
  try {
    return await connecting;
  } catch (error) {
    if (shared.get(key) === connecting) shared.delete(key);
    throw error;
  }
}

type CallOptions = Omit<CodeOptions, "env" | "cwd">;

function split(options: OneShot<CodeOptions>): { call: CallOptions; config: VmOptions } {
  checkObject(options, "options");
  const entries = Object.entries(options);
  // Every other field configures the VM, so that unknown ones are refused by the sidecar.
  const isCall = ([name]: [string, unknown]) => name !== "env" && name !== "cwd" && Object.hasOwn(CODE_OPTIONS, name);
  return {
    call: Object.fromEntries(entries.filter(isCall)) as CallOptions,
    config: Object.fromEntries(entries.filter((entry) => !isCall(entry))) as VmOptions,
  };
}

/** Nothing if the call was cancelled while its VM was made. */
async function inFreshVm<T>(config: VmOptions, call: CallOptions, use: (vm: Vm) => Promise<T>): Promise<T | undefined> {
  const isCancelled = () => call.signal instanceof AbortSignal && call.signal.aborted;
  if (isCancelled()) return undefined;
  await using vm = await createVm(config);
  return isCancelled() ? undefined : await use(vm);
}
