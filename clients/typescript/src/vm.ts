/**
 * A VM.
 */
import { FileCode } from "./code.js";
import { checkBoolean, checkCount, checkOptions, checkText, configJson, type Names } from "./check.js";
import type { Connection } from "./connection.js";
import { Context } from "./context.js";
import { watchDecisions, type Decisions, type WatchOptions } from "./decisions.js";
import { fetchFrom, type FetchOptions } from "./fetch.js";
import { FileSystem } from "./files.js";
import { connect, type ConnectToOptions, type GuestConnection } from "./guestConnection.js";
import type { EngineReport, Mount, NetworkScope, NetworkUsage } from "./generated/wire.js";
import { VmHandle } from "./handle.js";
import { Npm } from "./npm.js";
import { Processes } from "./process.js";
import { Terminal, openTerminal, type TerminalOptions } from "./terminal.js";

const MOUNT_FIELDS: Names<Mount> = { host: true, guest: true, readOnly: true };

/** One enclosed VM: a process of its own, with files, JavaScript and a shell. It lives until it is disposed of. */
export class Vm implements AsyncDisposable {
  /** What runs the VM, as it was when it was created. */
  readonly engine: EngineReport;
  readonly javascript: FileCode;
  readonly typescript: FileCode;
  readonly filesystem: FileSystem;
  readonly npm: Npm;
  readonly process: Processes;
  readonly #handle: VmHandle;

  /** @internal */
  constructor(connection: Connection, id: number, engine: EngineReport) {
    this.#handle = new VmHandle(connection, id);
    this.engine = engine;
    this.filesystem = new FileSystem(this.#handle);
    this.process = new Processes(this.#handle);
    this.npm = new Npm(this.filesystem, this.process);
    this.javascript = new FileCode(this.#handle, "javascript", this.process);
    this.typescript = new FileCode(this.#handle, "typescript", this.process);
  }

  /** A context that keeps JavaScript state between calls. */
  async createContext(): Promise<Context> {
    const { context } = await this.#handle.ask({ type: "createContext" }, "context");
    return new Context(this.#handle, context);
  }

  /**
   * Opens a terminal, and sits down at it: a command runs there that leads a session of its own, `sh` unless the options
   * say otherwise. Open terminals are counted: `limits.terminals`.
   */
  async openTerminal(options: TerminalOptions): Promise<Terminal> {
    return openTerminal(this.#handle, options);
  }

  /** Sits down at a terminal that is open: what it has shown before comes first, as far as it is kept. */
  attachTerminal(number: number): Terminal {
    return new Terminal(this.#handle, checkCount(number, "number"));
  }

  /**
   * Connects to a server that listens on the VM's own loopback: a duplex stream. No permission of the guest's is asked: it is
   * the VM's owner who comes. Open connections are counted: `limits.inboundConnections`.
   */
  async connect(port: number, options: ConnectToOptions = {}): Promise<GuestConnection> {
    return connect(this.#handle, port, options);
  }

  /**
   * Asks an HTTP server that listens there. `request` is a path, a URL or a `Request`; bodies stream both ways. Redirects are
   * not followed unless `redirect` says so, and then never to another origin. What the server says is the guest's.
   */
  async fetch(port: number, request: string | URL | Request, options: FetchOptions = {}): Promise<Response> {
    return fetchFrom(this.#handle, port, request, options);
  }

  /** Asks the VM itself what runs it. */
  async engineReport(): Promise<EngineReport> {
    return (await this.#handle.ask({ type: "engineReport" }, "engine")).engine;
  }

  /**
   * Has decisions over the VM's permissions told from now on: what is denied, and what is allowed of some scopes, or of all.
   * There is one such watching at a time, whose decisions are told once.
   */
  async watchDecisions(options: WatchOptions = {}): Promise<Decisions> {
    return watchDecisions(this.#handle, options);
  }

  /**
   * Puts other rules in the place of `permissions.network`. They hold at once for what is new; connections that they do not
   * allow are ended, and requests on others decided by them, before this resolves. Rules that are wrong change nothing.
   */
  async setNetwork(network: NetworkScope): Promise<void> {
    // As in a configuration, the sidecar says what is wrong.
    const checked = configJson(network) as NetworkScope;
    await this.#handle.ask({ type: "setNetwork", network: checked }, "done");
  }

  /** What the VM has had of the network so far. */
  async networkUsage(): Promise<NetworkUsage> {
    return (await this.#handle.ask({ type: "networkUsage" }, "networkUsage")).usage;
  }

  /** Shows a host directory in the VM, read-only unless said otherwise. */
  async mount(mount: Mount): Promise<void> {
    checkOptions(mount, "mount", MOUNT_FIELDS);
    const { host, guest, readOnly } = mount;
    const checked: Mount = {
      host: checkText(host, "mount.host"),
      guest: checkText(guest, "mount.guest"),
      ...(readOnly === undefined ? {} : { readOnly: checkBoolean(readOnly, "mount.readOnly") }),
    };
    await this.#handle.request({ type: "mount", vm: this.#handle.id, mount: checked }, "done");
  }

  /** Takes a mount away. */
  async unmount(guest: string): Promise<void> {
    await this.#handle.request({ type: "unmount", vm: this.#handle.id, guest: checkText(guest, "guest") }, "done");
  }

  /** Ends the VM with all that runs in it. */
  async dispose(): Promise<void> {
    await this.#handle.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
