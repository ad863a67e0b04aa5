// A whole program over cordon's TypeScript client: `node cordon.mjs CLIENT BINARY evaluate|command`.
import { pathToFileURL } from "node:url";

const [client, binary, what] = process.argv.slice(2);
const { createVm, shutdown } = await import(pathToFileURL(client).href);
const vm = await createVm({ binary });
const result = what === "evaluate" ? await vm.javascript.evaluate("1") : await vm.process.run("sh", ["-c", "true"]);
await vm.dispose();
await shutdown();
if (result.outcome !== "succeeded") throw new Error(result.error.message);
