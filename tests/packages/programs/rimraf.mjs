// package: rimraf
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { rimraf, rimrafSync } from "rimraf";
mkdirSync("/tmp/rimraf/a/b/c", { recursive: true });
for (const name of ["a/x", "a/b/y", "a/b/c/z", "k1.log", "k2.log", "keep"]) writeFileSync(`/tmp/rimraf/${name}`, "");
symlinkSync("/tmp/rimraf/keep", "/tmp/rimraf/a/link");
console.log(
  await rimraf("/tmp/rimraf/a"),
  rimrafSync("/tmp/rimraf/*.log", { glob: true }),
  readdirSync("/tmp/rimraf"),
  await rimraf("/tmp/rimraf/none"),
);
console.log(await rimraf("/tmp/rimraf", { filter: (path) => !path.endsWith("keep") }), existsSync("/tmp/rimraf/keep"));
await rimraf("/").catch((error) => console.log(error.code));
