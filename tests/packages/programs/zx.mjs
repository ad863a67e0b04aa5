// package: zx
import { $, argv, cd, chalk, fs, glob, os, path, quiet, sleep, within } from "zx";
$.verbose = false;
$.shell = "/bin/sh";
$.prefix = "";
$.quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
console.log((await $`echo ${"it's $HOME; a b"}`).stdout, (await $`printf '%s\n' ${["x y", "z"]}`).lines());
const failed = await $`exit 4`.catch((error) => error);
console.log(
  failed.exitCode,
  (await $({ nothrow: true })`cat /none`).ok,
  (await $`printf 'b\na\n'`.pipe($`sort`)).stdout,
);
await within(async () => {
  $.cwd = "/tmp";
  console.log((await $`pwd`).text().trim());
});
await fs.outputFile("/tmp/zx/a.txt", "1");
cd("/tmp/zx");
console.log(
  await glob("*.txt"),
  argv._,
  path.basename(process.cwd()),
  typeof os.cpus,
  typeof chalk.red,
  typeof quiet,
  await sleep(1),
);
