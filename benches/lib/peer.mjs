/**
 * The side "secure-exec": its own client over its own sidecar, used as its README says. See lib/cordon.mjs for what a
 * side is.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { value } from "./results.mjs";

export const SIDECAR = /^agentos/;

export async function peer({ modules }) {
  const { createVm, init, shutdown } = await import(pathToFileURL(join(modules, "secure-exec/dist/index.js")).href);
  return {
    async open() {
      await init();
      return {
        createVm: async () => machine(await createVm()),
        /** Without its command-line software: such a VM starts faster, and can run no commands. */
        createBareVm: async () => machine(await createVm({ defaultSoftware: false })),
        close: shutdown,
      };
    },
  };
}

function machine(vm) {
  let context;
  return {
    evaluate: async (source) => value(await vm.javascript.evaluate(source)),
    inContext: async (source) => value(await (context ??= await vm.createContext()).evaluate(source)),
    // Without this option it does not give the output back.
    command: async (name, args) => value(await vm.process.execFile(name, args, { output: { capture: "all" } })),
    dispose: () => vm.dispose(),
  };
}
