// Writes each TypeScript block of the README to a file of its own, so that the compiler and the tests see it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const folder = new URL("../readme/", import.meta.url);
const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
let count = 0;
for (const [, block] of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
  count += 1;
  writeFileSync(new URL(`example-${count}.ts`, folder), block);
}
if (count === 0) throw new Error("the README has no examples");
