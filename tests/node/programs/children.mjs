// Children: with callbacks, with streams, at once; exit codes and signals.
import { exec, execFileSync, execSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

console.log(execSync("echo hi | tr a-z A-Z").toString());
console.log((await promisify(exec)("printf '%s' \"$GREETING\"", { env: { ...process.env, GREETING: "hello" } })).stdout);
console.log(execFileSync("cat", { input: "from stdin" }).toString());
const { status, signal, stderr } = spawnSync("sh", ["-c", "echo oops >&2; exit 3"]);
console.log(status, signal, stderr.toString());
const child = spawn("cat");
child.stdin.end("through a pipe");
for await (const chunk of child.stdout) console.log(chunk.toString());
console.log(await once(child, "close"));
const sleeper = spawn("sleep", ["60"]);
setTimeout(() => sleeper.kill(), 5);
console.log(await once(sleeper, "exit"));
const missing = spawn("no-such-program");
const [error] = await once(missing, "error");
console.log(error.code, error.syscall, error.path);
