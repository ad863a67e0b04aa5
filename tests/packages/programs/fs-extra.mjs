// package: fs-extra
import fs from "fs-extra";
await fs.emptyDir("/tmp/fs-extra");
await fs.outputFile("/tmp/fs-extra/a/b/c.txt", "text");
await fs.outputJson("/tmp/fs-extra/d.json", { x: [1] }, { spaces: 2 });
await fs.copy("/tmp/fs-extra/a", "/tmp/fs-extra/copied", { filter: (from) => !from.endsWith(".no") });
await fs.move("/tmp/fs-extra/copied/b", "/tmp/fs-extra/moved");
await fs.ensureSymlink("/tmp/fs-extra/d.json", "/tmp/fs-extra/links/link");
console.log(
  await fs.pathExists("/tmp/fs-extra/moved/c.txt"),
  await fs.readJson("/tmp/fs-extra/links/link"),
  (await fs.readdir("/tmp/fs-extra")).sort(),
);
await fs
  .copy("/tmp/fs-extra/d.json", "/tmp/fs-extra/moved/c.txt", { overwrite: false, errorOnExist: true })
  .catch((error) => console.log(error.message));
fs.removeSync("/tmp/fs-extra/a");
await fs
  .readJson("/tmp/fs-extra/moved/c.txt")
  .catch((error) => console.log(error.name, fs.existsSync("/tmp/fs-extra/a")));
