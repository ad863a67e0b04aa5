/**
 * Decisions that are watched, rules of the network that are changed, and what is reported of it.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { test } from "node:test";

import type { Decision, NetworkScope } from "cordon";

import { rejection, vm } from "./support.js";

/** Answers what it is sent, on this machine's loopback. */
async function echo(context: { after(clean: () => void): void }): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const connecting = (port: number): string => `
  import { connect } from "node:net";
  const socket = connect(${port}, "127.0.0.1", () => socket.write("hello"));
  socket.on("data", (data) => { console.log(String(data)); socket.destroy(); });
  socket.on("error", (error) => console.log(error.code));
`;

function shown({ decision, scope, operation, target, rule, count }: Decision): string {
  return [decision, scope, operation, target, rule, count].join(" ");
}

test("decisions are told once, by iterating or at once, and no more when the watching ends", async (context) => {
  const port = await echo(context);
  const rules: NetworkScope = { rules: [{ mode: "allow", hosts: ["127.0.0.1"], ports: [port] }] };
  await using guest = await vm({ permissions: { network: rules, childProcess: { rules: [{ mode: "deny", patterns: ["rm"] }] } } });
  const decisions = await guest.watchDecisions();
  assert.equal((await guest.javascript.execute(connecting(port))).stdout, "hello\n");
  await guest.process.exec("rm /x");
  const { decisions: told, dropped } = await decisions.now();
  assert.equal(dropped, 0);
  const lines = told.map(shown);
  assert.ok(lines.includes(`allow network connect 127.0.0.1:${port} permissions.network.rules[0] 1`), lines.join("\n"));
  assert.ok(lines.includes("deny childProcess spawn rm permissions.childProcess.rules[0] 1"), lines.join("\n"));
  assert.ok(told.every(({ timeMs }) => timeMs <= Date.now() && timeMs > Date.now() - 60_000));
  const iterating = (async () => {
    const seen: string[] = [];
    for await (const batch of decisions) {
      seen.push(...batch.decisions.map(shown).filter((line) => line.startsWith("deny childProcess")));
      if (seen.length > 0) await decisions.stop();
    }
    return seen;
  })();
  await guest.process.exec("rm /x; rm /x");
  assert.match((await iterating)[0] ?? "", /^deny childProcess spawn rm permissions\.childProcess\.rules\[0\] [12]$/);
  await guest.process.exec("rm /x");
  assert.deepEqual(await decisions.now(), { decisions: [], dropped: 0 });
});

test("iterating ends when the VM is disposed of", async () => {
  const guest = await vm();
  const decisions = await guest.watchDecisions({ all: true });
  const iterating = (async () => {
    for await (const batch of decisions) assert.ok(batch.decisions.length > 0);
    return "ended";
  })();
  await guest.dispose();
  assert.equal(await iterating, "ended");
});

test("the rules of a running VM are changed by its owner, and its use is reported", async (context) => {
  const port = await echo(context);
  await using guest = await vm();
  assert.equal((await guest.javascript.execute(connecting(port))).stdout, "ECONNREFUSED\n");
  await guest.setNetwork({ rules: [{ mode: "allow", hosts: ["127.0.0.1"], ports: [port] }] });
  assert.equal((await guest.javascript.execute(connecting(port))).stdout, "hello\n");
  const wrong = await rejection(guest.setNetwork({ rules: [{ mode: "allow", hosts: ["exa mple"] }] }));
  assert.equal(wrong.code, "ERR_CONFIG");
  assert.equal(wrong.field, "permissions.network.rules[0].hosts[0]");
  await assert.rejects(guest.setNetwork(undefined as unknown as NetworkScope), /undefined is no JSON value/);
  assert.equal((await guest.javascript.execute(connecting(port))).stdout, "hello\n");
  await guest.setNetwork("deny");
  assert.equal((await guest.javascript.execute(connecting(port))).stdout, "ECONNREFUSED\n");
  const usage = await guest.networkUsage();
  assert.equal(usage.connectionsMade, 2);
  assert.equal(usage.bytesOut, 10);
  assert.equal(usage.bytesIn, 10);
});
