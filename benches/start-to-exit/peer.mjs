// The same program over secure-exec: `node peer.mjs MODULES evaluate|command`.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, what] = process.argv.slice(2);
const { createVm, shutdown } = await import(pathToFileURL(join(modules, "secure-exec/dist/index.js")).href);
const vm = await createVm();
const result = what === "evaluate" ? await vm.javascript.evaluate("1") : await vm.process.execFile("sh", ["-c", "true"]);
await vm.dispose();
await shutdown();
if (result.outcome !== "succeeded") throw new Error(result.error.message);
