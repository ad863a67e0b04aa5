/**
 * Who ends with whom: VMs with their client, the sidecar with its process, pending calls with the sidecar.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client, CordonError, createVm, evaluate, init, shutdown } from "cordon";

import { binary, isAlive, rejection, serve, temporaryFolder, until, vm } from "./support.js";

after(shutdown);

/** Processes of the host that a process has started, and those that they have started. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = [root];
  for (const parent of found) {
    for (const [child, of] of parents) if (of === parent) found.push(child);
  }
  return found.slice(1);
}

/** The sidecars that this process has started. */
function sidecars(): number[] {
  return descendants(process.pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1] === "serve";
    } catch {
      return false;
    }
  });
}

/** Runs a script in a Node process of its own, with the package at hand. */
async function script(source: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, CORDON_BINARY: binary() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

test("every pending call settles when the sidecar is killed", async () => {
  await shutdown();
  const machine = await vm();
  const [sidecar, ...others] = sidecars();
  assert.ok(sidecar !== undefined && others.length === 0);
  const workers = descendants(sidecar);
  const child = await machine.process.spawn("cat", []);
  const read = await machine.process.spawn("cat", []);
  const pending = [
    machine.javascript.evaluate("new Promise(() => setInterval(() => {}, 1000))"),
    machine.javascript.execute("for (;;);"),
    machine.process.run("sleep", ["60"]),
    // A callback that never settles must not keep the call.
    machine.process.run("sh", ["-c", "echo hi; sleep 60"], { onStdout: () => new Promise<void>(() => {}) }),
    child.wait(),
    read.stdout.text(),
  ].map((call) => rejection(call));
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.kill(sidecar, "SIGKILL");
  for (const error of await Promise.all(pending)) {
    assert.equal(error.code, "ERR_DISCONNECTED", error.message);
    assert.match(error.message, /SIGKILL/);
  }
  assert.equal((await rejection(machine.filesystem.readFile("/a"))).code, "ERR_DISCONNECTED");
  await child.stdin.write("nobody reads this");
  await machine.dispose();
  await until("the end of the workers", () => !workers.some(isAlive));
  // The next VM starts another sidecar.
  await using next = await vm();
  assert.equal((await next.javascript.evaluate("1")).value, 1);
});

test("a VM that is gone says why, and the others go on", async () => {
  await using client = await Client.connect({ binary: binary() });
  await using lost = await client.createVm({ limits: { heapBytes: 16 * 1024 * 1024 } });
  await using other = await client.createVm();
  const failed = await lost.javascript
    .execute("const all = []; for (;;) all.push(new Array(100000).fill({}));")
    .then((result) => result.error?.code, (error: CordonError) => error.code);
  assert.equal(failed, "ERR_OUT_OF_MEMORY");
  assert.equal((await other.javascript.evaluate("1")).value, 1);
});

test("memory that is used up is reported with its limit, and the others go on", async () => {
  await using client = await Client.connect({ binary: binary() });
  await using other = await client.createVm();
  for (const [source, field] of [
    ["const all = []; for (;;) all.push(new Array(1e6).fill(1.5))", "limits.heapBytes"],
    ["new Array(1e8).fill({})", "limits.heapBytes"],
    ["structuredClone(new Array(3e7).fill('abc'))", "limits.memoryBytes"],
  ] as const) {
    await using machine = await client.createVm();
    const error = await machine.javascript.execute(source).then((result) => result.error, (thrown: CordonError) => thrown);
    assert.equal(error?.code, "ERR_OUT_OF_MEMORY", source);
    assert.equal(error.field, field, source);
    assert.match(error.message, new RegExp(`${field} is \\d+`));
    assert.equal((await other.javascript.evaluate("1")).value, 1);
  }
});

test("a VM that does not end a call in time is ended, and says so", async (context) => {
  const { socket, pid } = await serve(context);
  await using client = await Client.connect({ socket });
  await using silent = await client.createVm();
  const child = await silent.process.spawn("sleep", ["1000"]);
  const workers = descendants(pid).filter((id) => readFileSync(`/proc/${id}/cmdline`, "utf8").includes("cordon-worker"));
  for (const worker of workers) process.kill(worker, "SIGSTOP");
  const ended = rejection(child.wait());
  await child[Symbol.asyncDispose]();
  const error = await ended;
  assert.equal(error.code, "ERR_UNRESPONSIVE");
  assert.match(error.message, /\d+ s/);
  assert.equal((await rejection(silent.filesystem.readFile("/a"))).code, "ERR_UNRESPONSIVE");
});

test("a VM that was disposed of is gone, and may be disposed of again", async () => {
  const machine = await vm();
  const running = machine.javascript.execute("for (;;);").then((result) => result.error?.code, (error: CordonError) => error.code);
  await machine.filesystem.exists("/tmp");
  await machine.dispose();
  await machine.dispose();
  assert.equal(await running, "ERR_CANCELLED");
  assert.equal((await rejection(machine.javascript.evaluate("1"))).code, "ERR_NOT_FOUND");
});

test("two clients of one sidecar are apart, and one that goes takes its VMs along", async (context) => {
  const { socket, pid } = await serve(context);
  const first = await Client.connect({ socket });
  const second = await Client.connect({ socket });
  const mine = await first.createVm({ env: { WHOSE: "first" } });
  const theirs = await second.createVm({ env: { WHOSE: "second" } });
  const whose = async (machine: typeof mine) => (await machine.process.run("sh", ["-c", "echo $WHOSE"])).stdout;
  assert.equal(await whose(mine), "first\n");
  assert.equal(await whose(theirs), "second\n");
  await mine.filesystem.writeFile("/tmp/secret", "x");
  assert.equal(await theirs.filesystem.exists("/tmp/secret"), false);
  const before = descendants(pid).length;
  const endless = rejection(mine.javascript.execute("for (;;);"));
  await first.close();
  assert.equal((await endless).code, "ERR_DISCONNECTED");
  assert.equal(await whose(theirs), "second\n");
  await until("the end of the first client's VM", () => descendants(pid).length < before);
  await second.close();
});

test("a Node process ends although its sidecar is idle, and the sidecar with it", async () => {
  const source = `
    import { createVm } from "cordon";
    import { readdirSync, readFileSync } from "node:fs";
    const vm = await createVm();
    const { value } = await vm.javascript.evaluate("6 * 7");
    const children = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim();
    console.log(JSON.stringify({ value, sidecar: Number(children.split(" ")[0]) }));
  `;
  const { code, stdout, stderr } = await script(source);
  assert.equal(code, 0, stderr);
  const { value, sidecar } = JSON.parse(stdout) as { value: number; sidecar: number };
  assert.equal(value, 42);
  assert.ok(sidecar > 0);
  await until("the end of the sidecar", () => !isAlive(sidecar));
});

test("a Node process lives as long as a call is pending", async () => {
  const source = `
    import { createVm } from "cordon";
    const vm = await createVm();
    vm.javascript.evaluate("new Promise((r) => setTimeout(() => r('in time'), 300))").then(({ value }) => console.log(value));
  `;
  const { code, stdout, stderr } = await script(source);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "in time\n");
});

test("a Node process that is killed leaves nothing behind", async () => {
  const source = `
    import { createVm } from "cordon";
    const vm = await createVm();
    vm.javascript.execute("for (;;);");
    setTimeout(() => { console.log("ready"); process.kill(process.pid, "SIGKILL"); }, 300);
  `;
  const before = new Set(allWorkers());
  const { stdout } = await script(source);
  assert.equal(stdout, "ready\n");
  await until("the end of its workers", () => allWorkers().every((pid) => before.has(pid)));
});

/** Every process on this machine that runs a part of the executable under test. */
function allWorkers(): number[] {
  const folder = join(binary(), "..");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [executable] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return executable !== undefined && executable.startsWith(folder) && isAlive(pid);
      } catch {
        return false;
      }
    });
}

test("init starts the sidecar that VMs then share, and shutdown ends it", async () => {
  await shutdown();
  await init({ binary: binary() });
  const [sidecar] = sidecars();
  assert.ok(sidecar !== undefined);
  await using first = await vm();
  await using second = await vm();
  assert.equal(sidecars().length, 1);
  assert.equal((await first.javascript.evaluate("1")).value, 1);
  const pending = rejection(second.javascript.execute("for (;;);"));
  await shutdown();
  assert.equal((await pending).code, "ERR_DISCONNECTED");
  await until("the end of the sidecar", () => !isAlive(sidecar));
  assert.equal((await evaluate("2", { binary: binary() })).value, 2);
});

test("an executable that is missing, or is none, is told with what to do", async (context) => {
  const missing = await rejection(createVm({ binary: "/no/such/cordon" }));
  assert.equal(missing.code, "ERR_NOT_INSTALLED");
  assert.match(missing.message, /\/no\/such\/cordon/);
  assert.match(missing.hint ?? "", /CORDON_BINARY/);
  const folder = temporaryFolder(context);
  const { writeFileSync, chmodSync } = await import("node:fs");
  for (const [name, text] of [
    ["garbage", "\u0000 this is no program"],
    ["impostor", "#!/bin/sh\necho 'cannot: no workers here' >&2; exit 7\n"],
  ] as const) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  const garbage = await rejection(createVm({ binary: join(folder, "garbage") }));
  assert.ok(["ERR_NOT_INSTALLED", "ERR_DISCONNECTED"].includes(garbage.code), garbage.message);
  const impostor = await rejection(createVm({ binary: join(folder, "impostor") }));
  assert.equal(impostor.code, "ERR_DISCONNECTED");
  assert.match(impostor.message, /exit code 7.*no workers here/);
});
