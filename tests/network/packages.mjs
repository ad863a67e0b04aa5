// Where the packages of these tests are.
//
// Owns:   target/network/: the packages as package-lock.json pins them.
// Needs:  an npm registry the first time.
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const run = promisify(execFile);
export const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, "../..");
const out = path.join(root, "target/network");

/** Installs what the lock says, unless it is there; gives the folder. No package's script runs. */
export async function install() {
  const wanted = await readFile(path.join(here, "package-lock.json"), "utf8");
  const stamp = path.join(out, "stamp");
  if ((await readFile(stamp, "utf8").catch(() => "")) === wanted) return out;
  await mkdir(out, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) await cp(path.join(here, name), path.join(out, name));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: out });
  await writeFile(stamp, wanted);
  return out;
}
