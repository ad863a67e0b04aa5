/**
 * Whole programs, from their start to their exit: the command line, and a Node program over each client.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(`../start-to-exit/${path}`, import.meta.url));

export function programs({ client, binary, modules }) {
  const program = (what) => ({
    cordon: run(process.execPath, [here("cordon.mjs"), client, binary, what]),
    ...(modules && { peer: run(process.execPath, [here("peer.mjs"), modules, what]) }),
  });
  return [
    { name: "cliEval", sides: { cordon: run(binary, ["eval", "1"]) } },
    { name: "cliShell", sides: { cordon: run(binary, ["sh", "-c", "true"]) } },
    { name: "programEvaluate", sides: program("evaluate") },
    { name: "programCommand", sides: program("command") },
  ];
}

function run(command, args) {
  return async () => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (printed += text));
    const [code] = await once(child, "exit");
    const took = performance.now() - start;
    if (code !== 0) throw new Error(`${[command, ...args].join(" ")} has ended with ${code}: ${printed.slice(-2000)}`);
    return took;
  };
}
