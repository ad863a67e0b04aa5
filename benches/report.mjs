/**
 * Puts the figures of several runs together and prints one table, or the raw data.
 *
 *   node report.mjs [--json] FIGURES.json...
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { table } from "./lib/table.mjs";

const { values, positionals } = parseArgs({ options: { json: { type: "boolean" } }, allowPositionals: true });
const [first, ...others] = positionals.map((path) => JSON.parse(readFileSync(path, "utf8")));
for (const { measures = {}, density = first.density } of others) {
  first.density = density;
  for (const [name, sides] of Object.entries(measures)) first.measures[name] = { ...first.measures[name], ...sides };
}
console.log(values.json ? JSON.stringify(first, undefined, 2) : table(first));
