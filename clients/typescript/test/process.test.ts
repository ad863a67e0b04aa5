/**
 * Commands that are started, and their streams.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { NodeRuntime, shutdown } from "cordon";

import { binary, rejection, vm } from "./support.js";

after(shutdown);

test("a pipeline runs as on Linux", async () => {
  await using machine = await vm();
  const script = "printf 'b\\na\\nc\\n' | sort | head -n 2; exit 3";
  const result = await machine.process.run("sh", ["-c", script]);
  assert.equal(result.stdout, "a\nb\n");
  assert.equal(result.outcome, "failed");
  assert.equal(result.exitCode, 3);
  assert.equal(result.error?.code, "ERR_EXIT");
  assert.equal(result.error?.details?.["exitCode"], "3");
});

test("a command that does not exist is an error", async () => {
  await using machine = await vm();
  for (const start of [machine.process.run("no-such-command"), machine.process.spawn("no-such-command")]) {
    const error = await rejection(start);
    assert.equal(error.code, "ENOENT");
    assert.match(error.message, /no-such-command/);
  }
});

test("a process is spoken with over its streams", async () => {
  await using machine = await vm();
  const script = "while read line; do echo \"got $line\"; done; echo done >&2";
  const child = await machine.process.spawn("sh", ["-c", script]);
  assert.ok(child.pid > 0);
  const output = child.stdout[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let seen = "";
  for (const word of ["one", "two"]) {
    await child.stdin.write(`${word}\n`);
    while (!seen.endsWith(`got ${word}\n`)) {
      const next = await output.next();
      assert.ok(next.done !== true);
      seen += decoder.decode(next.value, { stream: true });
    }
  }
  await child.stdin.end();
  assert.equal((await output.next()).done, true);
  const result = await child.wait();
  assert.equal(result.outcome, "succeeded");
  assert.equal(result.exitCode, 0);
  assert.equal(result.stdout, "", "it was read from the stream");
  assert.equal(result.stderr, "done\n", "nobody read it");
  await assert.rejects(child.stdin.write("late"), TypeError);
});

test("streams are read whole, both at once", async () => {
  await using machine = await vm();
  const child = await machine.process.spawn("sh", ["-c", "seq 1 50000; seq 1 50000 >&2"], { stdin: "" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const expected = Array.from({ length: 50_000 }, (_, index) => `${index + 1}\n`).join("");
  assert.equal(stdout, expected);
  assert.equal(stderr, expected);
  assert.equal((await child.wait()).outcome, "succeeded");
});

test("who stops reading early lets the rest go", async () => {
  await using machine = await vm();
  const child = await machine.process.spawn("sh", ["-c", "head -c 1000000 /dev/zero; echo end >&2"], { stdin: "" });
  for await (const chunk of child.stdout) {
    assert.ok(chunk.length > 0);
    break;
  }
  const result = await child.wait();
  assert.equal(result.stderr, "end\n");
  assert.equal(result.outcome, "succeeded");
});

test("a program that nobody reads waits", async () => {
  await using machine = await vm();
  const child = await machine.process.spawn("sh", ["-c", "head -c 1000000 /dev/zero; echo end > /tmp/end"], { stdin: "" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(await machine.filesystem.exists("/tmp/end"), false);
  assert.equal((await child.wait()).stdout.length, 1_000_000);
  assert.equal(await machine.filesystem.exists("/tmp/end"), true);
});

test("input much larger than the window arrives in order", async () => {
  await using machine = await vm();
  const lines = Array.from({ length: 60_000 }, (_, index) => `line ${index}\n`);
  const child = await machine.process.spawn("cat", []);
  const reading = child.stdout.text();
  await Promise.all(lines.map((line) => child.stdin.write(line)));
  await child.stdin.end();
  assert.equal(await reading, lines.join(""));
});

test("tens of thousands of small writes arrive in order, and the VM goes on", async () => {
  await using machine = await vm();
  const sent = Array.from({ length: 50_000 }, (_, index) => String.fromCharCode(32 + (index % 94))).join("");
  const bytes = [...sent];
  // All at once,
  const child = await machine.process.spawn("cat", []);
  const waited = child.wait();
  await Promise.all(bytes.map((byte) => child.stdin.write(byte)));
  await child.stdin.end();
  assert.equal((await waited).stdout, sent);
  // one after the other, and from an iterable.
  const counted = await machine.process.spawn("wc", ["-c"]);
  for (const byte of bytes) await counted.stdin.write(byte);
  await counted.stdin.end();
  assert.equal((await counted.wait()).stdout.trim(), "50000");
  assert.equal((await machine.process.run("wc", ["-c"], { stdin: bytes })).stdout.trim(), "50000");
  assert.equal((await machine.javascript.evaluate("1")).value, 1);
});

test("input for a program that has ended is dropped", async () => {
  await using machine = await vm();
  const child = await machine.process.spawn("true", []);
  await child.stdin.write(new Uint8Array(2 * 1024 * 1024));
  await child.stdin.end();
  assert.equal((await child.wait()).outcome, "succeeded");
});

test("a signal ends a process", async () => {
  await using machine = await vm();
  for (const [signal, viaVm] of [
    ["SIGTERM", false],
    ["SIGKILL", true],
  ] as const) {
    const child = await machine.process.spawn("sleep", ["60"]);
    await (viaVm ? machine.process.kill(child.pid, signal) : child.kill());
    const result = await child.wait();
    assert.equal(result.outcome, "failed");
    assert.equal(result.signal, signal);
    assert.equal(result.exitCode, undefined);
    await child.kill();
  }
});

test("a signal for no process, or of no name, is an error", async () => {
  await using machine = await vm();
  const error = await rejection(machine.process.kill(99_999, "SIGTERM"));
  assert.equal(error.code, "ESRCH");
  const unknown = await rejection(machine.process.kill(1, "SIGNOTHING"));
  assert.equal(unknown.code, "EINVAL");
});

test("a process has a time and can be cancelled", async () => {
  await using runtime = await NodeRuntime.create({ binary: binary() });
  const late = await runtime.spawn("sleep", ["60"], { timeoutMs: 50 });
  assert.equal((await late.wait()).outcome, "timed_out");
  const controller = new AbortController();
  const child = await runtime.spawn("sleep", ["60"], { signal: controller.signal });
  controller.abort();
  assert.equal((await child.wait()).outcome, "cancelled");
  await assert.rejects(runtime.spawn("true", [], { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("a process ends with its scope, with all that it has started", async () => {
  await using machine = await vm();
  {
    await using child = await machine.process.spawn("sh", ["-c", "sleep 60 | sleep 60"]);
    assert.ok(child.pid > 0);
  }
  const result = await machine.process.run("ls", ["/proc"]);
  const processes = result.stdout.split("\n").filter((name) => /^\d+$/.test(name));
  assert.ok(processes.length <= 4, result.stdout);
});

test("many processes run at once", async () => {
  await using machine = await vm();
  const results = await Promise.all(
    Array.from({ length: 16 }, (_, index) => machine.process.run("sh", ["-c", `echo ${index} | cat`])),
  );
  assert.deepEqual(
    results.map((result) => result.stdout),
    results.map((_, index) => `${index}\n`),
  );
});

test("a line of the shell runs, and processes are listed", async () => {
  await using machine = await vm();
  assert.equal((await machine.process.exec("echo one | tr o x; exit 3")).exitCode, 3);
  await using child = await machine.process.spawn("sh", ["-c", "sleep 1000"]);
  const listed = await machine.process.list();
  assert.deepEqual(
    listed.find(({ pid }) => pid === child.pid),
    { pid: child.pid, parent: 1, state: "running", arguments: ["sh", "-c", "sleep 1000"] },
  );
});

test("source texts and files are started as programs", async () => {
  await using machine = await vm();
  const source = "for await (const piece of process.stdin) process.stdout.write(`${process.argv[1]} ${piece}`);";
  const child = await machine.javascript.spawn(source, { args: ["got"], stdin: "a line\n" });
  assert.equal((await child.wait()).stdout, "got a line\n");
  const typed = await machine.typescript.spawn("const n: number = require('node:os').EOL.length; console.log(n)", { format: "commonjs" });
  assert.equal((await typed.wait()).stdout, "1\n");
  await machine.filesystem.writeFile("/workspace/f.ts", "const [, , a]: string[] = process.argv; console.log(a);");
  const file = await machine.typescript.spawnFile("/workspace/f.ts", { args: ["x"] });
  assert.equal((await file.wait()).stdout, "x\n");
  const failing = await machine.javascript.spawn("throw new TypeError('no')");
  const result = await failing.wait();
  assert.equal(result.exitCode, 1);
  assert.match(result.stderr, /TypeError: no/);
});

test("a text runs as a module of CommonJS", async () => {
  await using machine = await vm();
  const result = await machine.javascript.execute("console.log(typeof require, typeof module, __dirname)", { format: "commonjs" });
  assert.equal(result.stdout, "function object /workspace\n");
});
