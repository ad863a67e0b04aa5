// package: execa
import { execa, execaCommand, execaSync, $ } from "execa";
console.log((await execa("echo", ["hello", "a  b"])).stdout, (await execaCommand("printf %s-%s x y")).stdout);
const failed = await execa("sh", ["-c", "echo out; echo err >&2; exit 3"], { reject: false });
console.log(failed.exitCode, failed.stdout, failed.stderr, failed.failed, failed.shortMessage);
console.log(
  (await execa({ input: "b\na\n" })`sort`).stdout.split("\n"),
  (await execa({ lines: true })`printf ${"1\n2"}`).stdout,
);
console.log(
  (await $`echo piped`.pipe`tr a-z A-Z`).stdout,
  execaSync("cat", { input: "sync" }).stdout,
  (await execa({ env: { X: "1" }, shell: true })`echo $X`).stdout,
);
await execa("no-such-program").catch((error) => console.log(error.code, error.name));
console.log(
  (await execa({ timeout: 50, reject: false })`sleep 5`).timedOut,
  (await execa(process.execPath, ["-p", "1 + 1"])).stdout,
);
