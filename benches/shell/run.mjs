/**
 * How fast the shell and the commands of a VM are, beside this machine's own and those of npm's `secure-exec@0.2.21`.
 *
 * A row is one command, run in one VM that has run it before (natively: a process), its output captured and compared. Sides
 * take turns, sample by sample; before each, all processes below this one have become idle. Big files are in the VM's own
 * files (natively: on the disk and in its cache; the peer: in a mount of the host). Prints a table of medians with their
 * ratios, and one of memory (PSS of all processes of a side): what it was before a row, by how much more at its highest, and by
 * how much more after it. A row that a side cannot do, or not in time, says so.
 *
 * Needs what `make build` built, and the TypeScript client's `dist/`. The peer is what `benches/run.sh` has installed.
 *
 * Usage: node benches/shell/run.mjs [--samples N] [--streams N] [--filter REGEXP] [--quick] [--no-peer] [--peer MODULES]
 *                                   [--no-memory] [--json]
 *        --samples N   samples of each small command (default 20)
 *        --streams N   samples of each row with big files (default 5)
 *        --quick       a tenth of the sizes, and three samples
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { machine } from "../lib/machine.mjs";
import { memory, quiet } from "../lib/processes.mjs";
import { summary } from "../lib/statistics.mjs";
import { prepare } from "./lib/data.mjs";
import { cordon, native, peer } from "./lib/sides.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const binary = process.env.CORDON_BINARY ?? join(root, "target/cordon/cordon");
const client = process.env.CORDON_CLIENT ?? join(root, "clients/typescript/dist/index.js");
const target = join(root, "target/shell-bench");
const MIB = 1024 * 1024;
const POLL_MS = 10;

const { values: options } = parseArgs({
  options: {
    "samples": { type: "string" },
    "streams": { type: "string" },
    "filter": { type: "string", default: "" },
    "quick": { type: "boolean", default: false },
    "no-peer": { type: "boolean", default: false },
    "peer": { type: "string" },
    "no-memory": { type: "boolean", default: false },
    "json": { type: "boolean", default: false },
  },
});
const counts = { small: Number(options.samples ?? (options.quick ? 3 : 20)), stream: Number(options.streams ?? (options.quick ? 3 : 5)) };
const sizes = options.quick ? { lines: 100_000, megabytes: 10, files: 1000, archive: 5 } : { lines: 1_000_000, megabytes: 100, files: 10_000, archive: 50 };
const filter = new RegExp(options.filter);
/** Longer than this no row may take; of a side that needs an eighth of it, the first run is the only sample. */
const ROW_MS = options.quick ? 30_000 : 120_000;

/** Where `benches/run.sh` installs the peer. */
function installedPeer() {
  const files = ["package.json", "package-lock.json"].map((name) => readFileSync(join(root, "benches/peer", name)));
  const hash = createHash("sha256").update(Buffer.concat(files)).digest("hex").slice(0, 12);
  const cache = process.env.CORDON_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "cordon");
  const folder = join(cache, `bench-peer-${hash}`);
  return existsSync(join(folder, "complete")) ? join(folder, "node_modules") : undefined;
}

const shell = (script) => ({ run: (side) => side.run("sh", ["-c", script]) });
const LOOP = ["-c", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i + 1)); done; echo $i"];
/** A command line over files that have to be there; `at` gives their paths. */
const over = (names, script, more = {}) => ({ kind: "stream", names, run: (side, at) => side.run("sh", ["-c", script(at)]), ...more });
const CONCURRENT = 50;

/** What is measured. The answers of all sides have to be the same. */
const ROWS = {
  "true": { run: (side) => side.run("true", []) },
  "sh -c 'echo hi'": shell("echo hi"),
  "seq \\| sort \\| head": shell("seq 1 100 | sort -rn | head -n 3"),
  "100 external commands in a loop": { run: (side) => side.run("sh", LOOP) },
  "the same in the first VM of a sidecar": { sample: (side) => side.inFirstVm?.("sh", LOOP) },
  "100 built-in commands in a loop": shell("i=0; while [ $i -lt 100 ]; do true; i=$((i + 1)); done; echo $i"),
  [`sort of ${sizes.lines / 1000}k lines`]: over(["lines"], ({ lines }) => `LC_ALL=C sort '${lines}' | cksum`),
  [`grep -c over ${sizes.megabytes} MB`]: over(["text"], ({ text }) => `grep -c needle '${text}'`),
  [`sed over ${sizes.megabytes} MB`]: over(["text"], ({ text }) => `sed 's/fox/cat/g' '${text}' | wc -c`),
  [`awk over ${sizes.megabytes} MB`]: over(["text"], ({ text }) => `awk '{ n += NF } END { print n }' '${text}'`),
  [`wc over ${sizes.megabytes} MB`]: over(["text"], ({ text }) => `wc -lwc < '${text}' | tr -s ' ' | sed 's/^ //'`),
  [`cat of ${sizes.megabytes} MB through two pipes`]: over(["text"], ({ text }) => `cat '${text}' | cat | wc -c`),
  [`sha256sum of ${sizes.megabytes} MB`]: over(["text"], ({ text }) => `sha256sum < '${text}'`),
  [`find over ${sizes.files} files`]: over(["tree"], ({ tree }) => `find '${tree}' -name '*.txt' | wc -l`),
  [`tar of ${sizes.archive} MB`]: over(["parts"], ({ parts }) => `cd '${parts}/..' && tar -cf - parts | tar -tf - | wc -l`),
  [`gzip and gzip -d of ${sizes.archive} MB`]: over(["half"], ({ half }) => `gzip -c '${half}' | gzip -dc | cksum`),
  [`gzip -d of ${sizes.archive} MB`]: over(["half"], ({ half }) => `gzip -c '${half}' > packed.gz; echo`, { then: () => "gzip -dc packed.gz | wc -c" }),
  [`${CONCURRENT} concurrent shells`]: {
    run: async (side) => {
      const count = "i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); done; echo $i";
      return (await Promise.all(Array.from({ length: CONCURRENT }, () => side.run("sh", ["-c", count])))).join("");
    },
  },
};
const TREES = new Set(["tree", "parts"]);

const folder = await prepare(target, sizes);
const work = mkdtempSync(join(target, "work-"));

const modules = options["no-peer"] ? undefined : (options.peer ?? installedPeer());
if (modules === undefined && !options["no-peer"]) console.error("bench: the peer is not installed (`benches/run.sh` does); it is left out");
const sides = [native(work), await cordon({ client, binary }), ...(modules === undefined ? [] : [await peer({ modules }, folder)])];

/** The paths of these files on a side, which are brought there once. */
const placed = new Map();
async function paths(side, names = []) {
  const found = {};
  for (const name of names) {
    const key = `${side.name} ${name}`;
    if (!placed.has(key)) {
      let path = await side.place(side.name === "cordon" && TREES.has(name) ? `${name}.tar` : name, join(folder, side.name === "cordon" && TREES.has(name) ? `${name}.tar` : name));
      if (path.endsWith(".tar")) {
        await side.run("sh", ["-c", `tar -xf '${path}' && rm '${path}'`]);
        path = path.slice(0, -".tar".length);
      }
      placed.set(key, path);
    }
    found[name] = placed.get(key);
  }
  return found;
}

async function timed(action) {
  const begun = performance.now();
  const answer = await action();
  return { ms: performance.now() - begun, answer };
}

function within(action, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${ms / 1000} s`)), ms);
  });
  return Promise.race([action(), late]).finally(() => clearTimeout(timer));
}

/** The sum of a side's memory, in bytes. */
const memoryOf = (side) => side.processes().reduce((sum, { pid }) => sum + (memory(pid)?.pss ?? 0), 0);

/** Runs something while a side's memory is watched. */
async function watched(side, action) {
  await quiet();
  const before = memoryOf(side);
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, memoryOf(side))), POLL_MS);
  try {
    await action();
  } finally {
    clearInterval(timer);
  }
  await quiet();
  return { before, growth: peak - before, retained: memoryOf(side) - before };
}

const results = {};
for (const [name, row] of Object.entries(ROWS)) {
  if (!filter.test(name)) continue;
  const count = row.kind === "stream" ? counts.stream : counts.small;
  const states = [];
  for (const side of sides) {
    const state = { side, samples: [], usable: true };
    states.push(state);
    try {
      const at = await paths(side, row.names);
      if (row.then) await row.run(side, at);
      const once = row.then ? () => side.run("sh", ["-c", row.then(at)]) : () => row.run(side, at);
      state.sample = row.sample ? () => row.sample(side) : () => timed(once);
      const first = await within(state.sample, ROW_MS);
      // A row that is of one side only.
      if (first === undefined) {
        states.pop();
        continue;
      }
      state.answer = first.answer;
      // What takes so long is not slower for a second time.
      if (first.ms > ROW_MS / 8) [state.samples, state.usable] = [[first.ms], false];
    } catch (error) {
      [state.failure, state.usable] = [error.message.split("\n")[0].slice(0, 200), false];
      // What it was at may still run.
      for (const key of placed.keys()) if (key.startsWith(`${side.name} `) && side.name !== "native") placed.delete(key);
      await side.renew();
    }
  }
  const answer = states[0]?.answer;
  for (const state of states) {
    if (state.failure === undefined && state.answer !== answer) {
      [state.failure, state.usable, state.samples] = [`answers ${JSON.stringify(state.answer.slice(0, 60))} instead of ${JSON.stringify(answer?.slice(0, 60))}`, false, []];
    }
  }
  for (let index = 0; index < count; index++) {
    for (const state of states.filter(({ usable }) => usable)) {
      await quiet();
      const sample = await state.sample();
      if (sample.answer !== answer) throw new Error(`${name}: ${state.side.name} answers ${sample.answer.slice(0, 100)}`);
      state.samples.push(sample.ms);
    }
  }
  if (!options["no-memory"]) {
    for (const state of states.filter(({ usable }) => usable)) state.memory = await watched(state.side, state.sample);
  }
  if (process.env.CORDON_BENCH_PROGRESS) console.error(name, states.map(({ side, samples, failure }) => [side.name, failure ?? samples]));
  results[name] = Object.fromEntries(states.map(({ side, samples, failure, memory: used }) => [side.name, {
    ...(samples.length > 0 ? { ...summary(samples), samples } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(used === undefined ? {} : { memory: used }),
  }]));
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}`);
}
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
for (const side of sides) await side.close().catch(() => {});
rmSync(work, { recursive: true, force: true });

const milliseconds = (value) => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0));
const shown = (figure) => (figure === undefined ? "" : figure.failure !== undefined ? "cannot" : `${milliseconds(figure.median)} ms`);
function ratio(one, other) {
  if (!one?.median || !other?.median) return "";
  const times = one.median / other.median;
  return `${times < 100 ? times.toPrecision(2) : times.toFixed(0)}x`;
}
const size = (bytes) => (bytes === undefined ? "" : `${(bytes / MIB).toFixed(1)} MiB`);

if (options.json) {
  console.log(JSON.stringify({ machine: machine(), sizes, results }, null, 2));
} else {
  const { cpu, cores, kernel } = machine();
  console.log(`${cpu}, ${cores} cores, Linux ${kernel}; load average ${loadavg()[0].toFixed(1)} at the end; ${counts.small} samples of small commands, ${counts.stream} of streams\n`);
  console.log("| row | native | cordon | secure-exec | cordon / native | secure-exec / cordon |\n| --- | --- | --- | --- | --- | --- |");
  for (const [name, { native: own, cordon: ours, "secure-exec": theirs }] of Object.entries(results)) {
    console.log(`| ${name} | ${shown(own)} | ${shown(ours)} | ${shown(theirs)} | ${ratio(ours, own)} | ${ratio(theirs, ours)} |`);
  }
  if (!options["no-memory"]) {
    console.log("\n| memory: before + more at the peak (more after) | native | cordon | secure-exec |\n| --- | --- | --- | --- |");
    const cell = (figure) => (figure?.memory === undefined ? "" : `${size(figure.memory.before)} + ${size(figure.memory.growth)} (${size(figure.memory.retained)})`);
    for (const [name, { native: own, cordon: ours, "secure-exec": theirs }] of Object.entries(results)) {
      console.log(`| ${name} | ${cell(own)} | ${cell(ours)} | ${cell(theirs)} |`);
    }
  }
  const failures = Object.entries(results).flatMap(([name, of]) =>
    Object.entries(of).filter(([, { failure }]) => failure !== undefined).map(([side, { failure }]) => `${side} cannot: ${name}: ${failure}`));
  if (failures.length > 0) console.log(`\n${failures.join("\n")}`);
}
