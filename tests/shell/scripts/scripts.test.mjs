// Two whole scripts, as people write them, in a VM: one for any POSIX shell, one for bash. What they print and their status
// were captured from dash and from bash (`capture`).
//
// Needs: what scripts/build.sh built and clients/typescript/dist.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../../..");
const binary = process.env.CORDON_BINARY ?? join(root, "target/cordon/cordon");
const { Client } = await import(join(root, "clients/typescript/dist/index.js"));

let client;
before(async () => (client = await Client.connect({ binary })));
after(() => client.close());

const PROFILES = {
  "no WebAssembly for guests": {},
  "no just-in-time compilation": { permissions: { jit: "deny" } },
  "WebAssembly for guests": { permissions: { webAssembly: "allow" } },
};

async function run(profile, program, args) {
  const vm = await client.createVm({ ...profile, mounts: [{ host: here, guest: "/scripts", readOnly: true }], cwd: "/tmp" });
  try {
    return await vm.process.run(program, args, { timeoutMs: 60_000 });
  } finally {
    await vm.dispose();
  }
}

for (const [name, profile] of Object.entries(PROFILES)) {
  for (const [file, program, args, expected] of [
    ["release.sh", "sh", ["-v"], "release.expected"],
    ["inventory.bash", "bash", ["--limit", "4", "a b", "it's"], "inventory.expected"],
  ]) {
    test(`${file}, ${name}`, async () => {
      const result = await run(profile, program, [`/scripts/${file}`, ...args]);
      const wanted = await readFile(join(here, expected), "utf8");
      assert.equal(`${result.stdout}status ${result.exitCode ?? result.signal}\n`, wanted, result.stderr);
    });
  }
}
