// Likewise as a module.
import assert from "node:assert";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const file = join("/tmp", "rehearsal-of-modules.txt");
await writeFile(file, "text");
assert.equal(await readFile(file, "utf8"), "text");
await rm(file);
await pause(1);
await import("node:url");
console.log(import.meta.url, process.argv.length);
