/** Runs cases in cordon's VM: each in one of its own, over one sidecar. */
import { constants } from "node:os";

/** More of an output than this says the same as this. */
const OUTPUT_MAX = 4 * 1024 * 1024;

export class Vms {
  #client;
  #open;
  #config;

  /** @param Client the client of `clients/typescript`; `config` what VMs have besides what a case needs */
  constructor(Client, binary, config = {}) {
    this.#config = config;
    this.#open = () => Client.connect({ binary });
  }

  async #connected() {
    if (this.#client === undefined || (await this.#client).isClosed) this.#client = this.#open();
    return this.#client;
  }

  async close() {
    await (await this.#client)?.close();
  }

  /** Whether the VM has a program of this name. */
  async has(name) {
    return (await this.run(name, { args: ["-c", "exit 0"], stdin: "", files: [], env: {} }, {})).status === 0;
  }

  /**
   * Runs a case.
   * @returns {Promise<{ stdout: string, stderr: string, status: number, hung: boolean, broken?: string }>} output as bytes
   */
  async run(shell, test, { env, mounts = {}, timeoutMs = 10_000 }) {
    const taken = { stdout: [], stderr: [] };
    const sizes = { stdout: 0, stderr: 0 };
    const take = (stream) => (chunk) => {
      if (sizes[stream] < OUTPUT_MAX) taken[stream].push(Buffer.from(chunk));
      sizes[stream] += chunk.length;
    };
    const text = (stream) => Buffer.concat(taken[stream]).toString("latin1");
    let vm;
    try {
      vm = await (await this.#connected()).createVm({
        ...this.#config,
        cwd: "/tmp",
        env,
        mounts: Object.entries(mounts).map(([guest, host]) => ({ host, guest, readOnly: true })),
      });
      await place(vm, test.files);
      const result = await vm.process.run(shell, test.args, {
        cwd: "/case",
        stdin: Buffer.from(test.stdin, "latin1"),
        timeoutMs,
        onStdout: take("stdout"),
        onStderr: take("stderr"),
      });
      const status = result.exitCode ?? (result.signal === undefined ? -1 : 128 + constants.signals[result.signal]);
      const hung = result.outcome === "timed_out";
      const broken = !hung && status === -1 ? `${result.outcome}: ${result.error?.message}` : undefined;
      return { stdout: text("stdout"), stderr: text("stderr"), status, hung, ...(broken === undefined ? {} : { broken }) };
    } catch (error) {
      return { stdout: text("stdout"), stderr: text("stderr"), status: -1, hung: false, broken: `${error.code}: ${error.message}` };
    } finally {
      await vm?.dispose().catch(() => {});
    }
  }
}

const quoted = (path) => `'${path.replaceAll("'", "'\\''")}'`;

/** Puts a case's files into `/case`. */
async function place(vm, files) {
  await vm.filesystem.mkdir("/case", { recursive: true });
  const made = new Set(["/case"]);
  const later = [];
  for (const { path, data, link, directory, mode } of files) {
    const target = `/case/${path}`;
    const parent = directory ? target : target.slice(0, target.lastIndexOf("/"));
    if (!made.has(parent)) await vm.filesystem.mkdir(parent, { recursive: true });
    made.add(parent);
    if (link !== undefined) later.push(`ln -s -- ${quoted(link)} ${quoted(target)}`);
    else if (!directory) await vm.filesystem.writeFile(target, Buffer.from(data, "latin1"));
    if (mode !== undefined) later.push(`chmod ${mode.toString(8)} ${quoted(target)}`);
  }
  // The permissions of a folder last, since they can forbid what is in it.
  if (later.length > 0) {
    const result = await vm.process.exec(later.reverse().join("\n"));
    if (result.exitCode !== 0) throw new Error(`the case's files: ${result.stderr}`);
  }
}
