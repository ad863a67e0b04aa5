// class: Node's permission model: environment variables
// rule: a VM's environment is its configuration's; of that, env decides what programs see
// config: { "env": { "API_TOKEN": "hidden", "SHOWN": "1" }, "permissions": { "env": { "rules": [{ "mode": "deny", "patterns": ["*_TOKEN"] }] } } }
// platforms: neutral bare node
// expects: DENIED asked for: hidden
// expects: DENIED of this process in /proc: hidden
// expects: DENIED of the first process in /proc: 0 bytes
// expects: DENIED of this process by its number: hidden
// expects: DENIED of a program: hidden
// expects: DENIED in a shell: hidden
// expects: DENIED as a default of a parameter: hidden
import { readFile } from "cordon:vm/filesystem";
import { pipe } from "cordon:vm/descriptors";
import { environment, id, spawn } from "cordon:vm/process";
import { attempt, attemptAsync, isCanary } from "/escape/report.mjs";

const read = async (program, ...rest) => {
  const [from, to] = pipe();
  spawn({ program, arguments: [program, ...rest], descriptors: [[1, to], [2, to]] });
  to.close();
  let text = "";
  for (let bytes; (bytes = await from.read(4096)).length > 0; ) text += String.fromCharCode(...bytes);
  return text;
};
const hidden = (text) => (isCanary(text) || text.includes("hidden") || text.includes("ESCAPE_CANARY") ? true : text.includes("SHOWN") ? "hidden" : `${text.length} bytes`);
attempt("asked for", () => hidden(environment().flat().join()));
attempt("of this process in /proc", () => hidden(String.fromCharCode(...readFile("/proc/self/environ"))));
attempt("of the first process in /proc", () => hidden(String.fromCharCode(...readFile("/proc/1/environ"))));
attempt("of this process by its number", () => hidden(String.fromCharCode(...readFile(`/proc/${id()}/environ`))));
await attemptAsync("of a program", async () => hidden(await read("env")));
await attemptAsync("in a shell", async () => hidden(await read("sh", "-c", "echo \"SHOWN$API_TOKEN\"; set; cat /proc/self/environ /proc/$$/environ /proc/$PPID/environ")));
await attemptAsync("as a default of a parameter", async () => hidden(await read("sh", "-c", "echo ${API_TOKEN:-SHOWN}")));
