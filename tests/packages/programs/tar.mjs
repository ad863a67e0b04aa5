// package: tar
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as tar from "tar";
rmSync("/tmp/tar", { recursive: true, force: true });
mkdirSync("/tmp/tar/in/sub", { recursive: true });
mkdirSync("/tmp/tar/out");
writeFileSync("/tmp/tar/in/a.txt", "hello");
writeFileSync("/tmp/tar/in/sub/b.sh", "#!/bin/sh\n", { mode: 0o755 });
symlinkSync("a.txt", "/tmp/tar/in/link");
await tar.create({ gzip: true, file: "/tmp/tar/x.tgz", cwd: "/tmp/tar/in", portable: true }, ["a.txt", "link", "sub"]);
await tar.list({
  file: "/tmp/tar/x.tgz",
  onReadEntry: (entry) => console.log(entry.path, entry.type, entry.size, (entry.mode & 0o777).toString(8)),
});
await tar.extract({ file: "/tmp/tar/x.tgz", cwd: "/tmp/tar/out", filter: (path) => !path.endsWith("b.sh") });
console.log(readdirSync("/tmp/tar/out", { recursive: true }).sort(), readFileSync("/tmp/tar/out/link", "utf8"));
