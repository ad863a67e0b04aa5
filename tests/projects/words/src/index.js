import { readdir } from "node:fs/promises";
import path from "node:path";
import process from "node:process";

import { Database } from "./database.js";
import { Pool } from "./pool.js";

const [folder, file, ...flags] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: index.js FOLDER DATABASE [--again] [--crash] [--shared]");
  process.exit(64);
}

const names = (await readdir(folder)).sort();
const pool = new Pool(3, new URL("./count.js", import.meta.url), { shared: flags.includes("--shared") });
using database = new Database(file);

const counted = await Promise.allSettled(names.map((name) => pool.run({ name, file: path.join(folder, name) })));
for (const [index, { status, value, reason }] of counted.entries()) {
  if (status === "fulfilled") database.add(value);
  else console.error(`${names[index]}: ${reason.name}: ${reason.message}`, reason.code, reason.cause);
}
console.table(database.common(5));
console.log(database.totals());
console.log("threads saw", pool.seen());
await pool.close();
if (flags.includes("--again")) database.add(counted.find(({ status }) => status === "fulfilled").value);
if (flags.includes("--crash")) new Pool(1, new URL("./crash.js", import.meta.url)).run({ why: new Set(["told to"]) });
