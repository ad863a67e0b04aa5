/**
 * The examples of the README do what it says: what they print is what follows `//=>`.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { binary } from "./support.js";

const run = promisify(execFile);
const sources = new URL("../../readme/", import.meta.url);
const compiled = new URL("../readme/", import.meta.url);

for (const name of readdirSync(sources).sort()) {
  test(`${name} prints what it says`, async () => {
    const source = readFileSync(new URL(name, sources), "utf8");
    const expected = [...source.matchAll(/^\s*\/\/=> (.*)$/gm)].map(([, line]) => `${line}\n`).join("");
    const program = fileURLToPath(new URL(name.replace(/\.ts$/, ".js"), compiled));
    const { stdout } = await run(process.execPath, [program], { env: { ...process.env, CORDON_BINARY: binary() } });
    assert.equal(stdout, expected);
  });
}
