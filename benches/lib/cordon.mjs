/**
 * The side "cordon": the TypeScript client over a sidecar process.
 *
 * A side gives `open()`, which starts what VMs share; the result makes VMs with `createVm()` and ends with `close()`.
 * A VM has `evaluate`, `inContext` (an evaluation in a context that is kept), `command` and `dispose`. Both sides have
 * the same, so what is measured is written once.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { value } from "./results.mjs";

export const WORKER = /^cordon-worker/;

export async function cordon({ client: entry, binary }) {
  const { Client } = await import(pathToFileURL(entry).href);
  return {
    /** A sidecar as the client starts it: with its pool of warm workers. */
    async open() {
      const client = await Client.connect({ binary });
      return session(client, () => client.close());
    },

    /** A sidecar that keeps no worker warm, so that each VM starts its own. */
    async openCold() {
      const folder = await mkdtemp(join(tmpdir(), "cordon-bench-"));
      const socket = join(folder, "socket");
      const sidecar = spawn(binary, ["serve", "--warm", "0", "--socket", socket], { stdio: ["ignore", "ignore", "pipe"] });
      const ended = once(sidecar, "exit");
      await listening(sidecar.stderr);
      const client = await Client.connect({ socket });
      return session(client, async () => {
        await client.close();
        sidecar.kill("SIGTERM");
        await ended;
        await rm(folder, { recursive: true, force: true });
      });
    },
  };
}

/** Waits until a sidecar says that it listens, or for its end. */
async function listening(stderr) {
  const lines = createInterface({ input: stderr });
  await new Promise((resolve) => {
    lines.on("line", (line) => line.includes("listening") && resolve());
    lines.once("close", resolve);
  });
}

function session(client, close) {
  return { close, createVm: async () => machine(await client.createVm()) };
}

function machine(vm) {
  let context;
  return {
    evaluate: async (source) => value(await vm.javascript.evaluate(source)),
    inContext: async (source) => value(await (context ??= await vm.createContext()).evaluate(source)),
    command: async (name, args) => value(await vm.process.run(name, args)),
    dispose: () => vm.dispose(),
  };
}
