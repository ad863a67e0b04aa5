// An agent's program from end to end: packages, an API with a secret, a server that the host calls, and no other road out.
//
// Owns:   what the program may do and what has to come of it. What it does: agent.mjs.
// Needs:  what clients.test.mjs needs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, test } from "node:test";

import { createVm, shutdown } from "../../clients/typescript/dist/index.js";
import { here, install, root } from "./packages.mjs";
import { load, start } from "./servers.mjs";

const VALUE = "sk-live-0123456789abcdef";

after(shutdown);

test("an agent installs, asks, serves, and gets nowhere else", async (context) => {
  const servers = await start(load(await install()));
  context.after(() => servers.close());
  const registry = spawn(process.execPath, [path.join(root, "tests/npm/registry.mjs")], { stdio: ["pipe", "pipe", "inherit"] });
  context.after(() => registry.kill());
  const port = Number((await once(registry.stdout, "data")).toString());
  const api = { hosts: ["127.0.0.1"], ports: [servers.ports.https], methods: ["GET"], paths: ["/api/**"], schemes: ["https"] };
  const vm = await createVm({
    permissions: {
      network: {
        rules: [
          { mode: "allow", hosts: ["127.0.0.1"], ports: [port] },
          { mode: "allow", operations: ["http"], ...api },
        ],
      },
    },
    network: { extraCaCerts: servers.ca, secrets: [{ name: "TOKEN", value: VALUE, hosts: ["127.0.0.1"] }] },
    env: { API: `https://127.0.0.1:${servers.ports.https}` },
  });
  context.after(() => vm.dispose());

  const installed = await vm.npm.install(["greeter", "tool"], { registry: `http://127.0.0.1:${port}/`, cache: false });
  assert.equal(installed.exitCode, 0, installed.stderr);
  await vm.filesystem.writeFile("/workspace/agent.mjs", await readFile(path.join(here, "agent.mjs"), "utf8"));
  const agent = await vm.process.spawn("node", ["agent.mjs"]);
  let said = "";
  for await (const data of agent.stdout) {
    said += Buffer.from(data).toString();
    if (said.includes("listening")) break;
  }
  assert.equal(said, "listening\n");
  const served = await (await vm.fetch(3000, new Request("http://agent/Ada"))).text();
  agent.kill();
  const { greeting, answer, token, tried } = JSON.parse(served);
  assert.equal(greeting, "good day Ada");
  assert.deepEqual(answer, { method: "GET", path: "/api/items", body: "", version: "1.1" });
  assert.deepEqual(servers.credentials, [`Bearer ${VALUE}`]);
  assert.match(token, /^cordon-secret-TOKEN-[0-9a-f]{32}$/);
  assert.ok(!served.includes(VALUE));
  const rule = /permissions\.network/;
  for (const [name, outcome] of Object.entries(tried)) {
    assert.match(outcome, name === "the credential in the path" ? /^403 .*network\.secrets\[0\]/s : rule, `${name}: ${outcome}`);
  }
  assert.equal(Object.keys(tried).length, 7);
});
