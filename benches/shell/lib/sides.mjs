/**
 * The sides of the shell's benchmark: the machine's own shell, a VM of cordon, a VM of the peer.
 *
 * Each gives `run(command, args)`, which ends with what was printed; `place(name, host)`, which brings a file or a tree of
 * the host there and gives its path; `processes()`, whose memory is the side's; `renew()`, which ends the VM with what runs
 * in it and makes another; `close()`.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createReadStream } from "node:fs";
import { promisify } from "node:util";

import { descendants, nameOf, quiet } from "../../lib/processes.mjs";

const OUTPUT_MAX = 64 * 1024 * 1024;
const run = promisify(execFile);

const named = (pattern) => () => descendants().filter(({ pid, state }) => state !== "Z" && pattern.test(nameOf(pid)));

/** dash, or whatever `sh` is, and the machine's utilities, in a folder of their own. */
export function native(folder) {
  return {
    name: "native",
    async run(command, args) {
      return (await run(command, args, { cwd: folder, maxBuffer: OUTPUT_MAX, env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } })).stdout;
    },
    place: async (_name, host) => host,
    // Whatever is below the benchmark and none of the others.
    processes: () => descendants().filter(({ pid, state }) => state !== "Z" && !/^(cordon|agentos|node)/.test(nameOf(pid))),
    renew: async () => {},
    close: async () => {},
  };
}

/** One VM of cordon, with memory for what is measured and nothing else that a VM would not have. */
export async function cordon({ client: entry, binary }) {
  const { Client } = await import(pathToFileURL(entry).href);
  const client = await Client.connect({ binary });
  const create = () =>
    client.createVm({
      cwd: "/tmp",
      limits: { memoryBytes: 3 * 2 ** 30, filesystemBytes: 2 ** 30, wallTimeMs: 3_600_000 },
    });
  // What is measured is not how the pool is filled.
  await quiet();
  let vm = await create();
  return {
    name: "cordon",
    /** What a command takes in the first VM of a sidecar of its own, as `cordon sh` has it, after a first command there. */
    async inFirstVm(command, args) {
      const own = await Client.connect({ binary });
      try {
        const first = await own.createVm();
        await first.process.run("true");
        const begun = performance.now();
        const { stdout } = await first.process.run(command, args);
        return { ms: performance.now() - begun, answer: stdout };
      } finally {
        await own.close();
      }
    },
    async run(command, args) {
      const { outcome, exitCode, stdout, stderr } = await vm.process.run(command, args, { cwd: "/tmp" });
      if (outcome !== "succeeded") throw new Error(`${command}: status ${exitCode}: ${stderr}`);
      return stdout;
    },
    async place(name, host) {
      const path = `/tmp/${name}`;
      await vm.filesystem.writeFile(path, createReadStream(host));
      return path;
    },
    processes: named(/^cordon-worker/),
    async renew() {
      await vm.dispose();
      vm = await create();
    },
    async close() {
      await vm.dispose();
      await client.close();
    },
  };
}

/** One VM of the peer, which has less room for files than is needed unless it is told; it reads the host's folder. */
export async function peer({ modules }, folder) {
  const { createVm, init, shutdown, hostDirMount } = await import(pathToFileURL(join(modules, "secure-exec/dist/index.js")).href);
  await init();
  const create = () =>
    createVm({
      mounts: [hostDirMount("/data", folder, { readOnly: true })],
      limits: { resources: { maxFilesystemBytes: 2 ** 30 } },
    });
  let vm = await create();
  return {
    name: "secure-exec",
    async run(command, args) {
      const { outcome, exitCode, stdout, stderr } = await vm.process.execFile(command, args, { output: { capture: "all" } });
      if (outcome !== "succeeded") throw new Error(`${command}: status ${exitCode}: ${stderr}`);
      return stdout;
    },
    place: async (name) => `/data/${name}`,
    processes: named(/^agentos/),
    async renew() {
      await vm.dispose();
      vm = await create();
    },
    async close() {
      await vm.dispose();
      await shutdown();
    },
  };
}
