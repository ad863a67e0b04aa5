// package: glob
import { mkdirSync, writeFileSync } from "node:fs";
import { glob, globSync, Glob } from "glob";
for (const name of ["a.js", "b.ts", "sub/c.js", "sub/deep/d.js", "sub/.hidden.js", "node_modules/e.js"]) {
  mkdirSync(`/tmp/glob/${name}/..`, { recursive: true });
  mkdirSync(`/tmp/glob/${name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : ""}`, { recursive: true });
  writeFileSync(`/tmp/glob/${name}x`, name);
}
console.log((await glob("**/*.{js,ts}x", { cwd: "/tmp/glob", ignore: "node_modules/**", nodir: true })).sort());
console.log(
  globSync("sub/**", { cwd: "/tmp/glob", dot: true, mark: true, posix: true }).sort(),
  globSync("*.[ab]*", { cwd: "/tmp/glob" }),
);
for await (const path of new Glob("sub/*/", { cwd: "/tmp/glob", withFileTypes: true }))
  console.log(path.name, path.isDirectory(), path.relativePosix());
