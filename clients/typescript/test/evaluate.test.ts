/**
 * Running code, what comes back, and the WebAssembly permission.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { NodeRuntime, evaluate, execute, executeFile, shutdown } from "cordon";

import { binary, rejection, repositoryJson, temporaryFolder, vm } from "./support.js";

after(shutdown);

/** The smallest module: magic and version. */
const EMPTY_MODULE = "new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])";

test("an expression has its value", async () => {
  await using machine = await vm();
  const cases: readonly [string, unknown][] = [
    ["1 + 2", 3],
    ["({ a: [1, 'ä', null], b: true })", { a: [1, "ä", null], b: true }],
    ["Promise.resolve('later')", "later"],
    ["undefined", undefined],
  ];
  for (const [source, value] of cases) {
    const result = await machine.javascript.evaluate(source);
    assert.equal(result.outcome, "succeeded", source);
    assert.deepEqual(result.value, value, source);
  }
});

test("a run has its output and exit code", async () => {
  await using machine = await vm();
  const result = await machine.javascript.execute("console.log('out', { a: 1 }); console.error('err'); await null;");
  assert.deepEqual(result, { outcome: "succeeded", progress: "ran", exitCode: 0, stdout: "out { a: 1 }\n", stderr: "err\n" });
});

test("inputs, arguments, environment and directory reach the code", async () => {
  await using machine = await vm({ env: { FROM_VM: "1" } });
  await machine.filesystem.mkdir("/workspace/deep", { recursive: true });
  const inputs = { user: { name: "Ada" }, list: [1, 2] };
  const result = await machine.javascript.evaluate("[user.name, list.length, typeof absent]", { inputs });
  assert.deepEqual(result.value, ["Ada", 2, "undefined"]);
  const env = { FROM_CALL: "2" };
  const shown = await machine.process.run("sh", ["-c", "echo $FROM_VM $FROM_CALL; pwd; echo $1", "sh", "argument"], {
    env,
    cwd: "/workspace/deep",
  });
  assert.equal(shown.stdout, "1 2\n/workspace/deep\nargument\n");
});

test("what guest code throws is in the result, as its own", async () => {
  await using machine = await vm();
  const result = await machine.javascript.execute(
    "class OrderError extends Error { name = 'OrderError'; code = 'E_ORDER'; }\nthrow new OrderError('no such order');",
    { filePath: "/workspace/orders.js" },
  );
  assert.equal(result.outcome, "failed");
  assert.equal(result.exitCode, 1);
  assert.equal(result.error?.name, "OrderError");
  assert.equal(result.error?.code, "E_ORDER");
  assert.equal(result.error?.message, "no such order");
  assert.equal(result.error?.guest, true);
  assert.match(result.error?.stack ?? "", /orders\.js:2:/);
  assert.match(result.stderr, /OrderError: no such order/);
});

test("a syntax error and an unhandled rejection are failures", async () => {
  await using machine = await vm();
  const syntax = await machine.javascript.execute("let let = 1;");
  assert.equal(syntax.error?.name, "SyntaxError");
  const rejected = await machine.javascript.execute("Promise.reject(new TypeError('nobody looks'));");
  assert.equal(rejected.outcome, "failed");
  assert.equal(rejected.exitCode, 1);
  assert.equal(rejected.error?.name, "TypeError");
});

test("TypeScript runs without its types", async () => {
  await using machine = await vm();
  const result = await machine.typescript.evaluate<number>("((x: number): number => x * 2)(21)");
  assert.equal(result.value, 42);
  const run = await machine.typescript.execute("interface A { a: string }\nconst a: A = { a: 'b' };\nconsole.log(a.a);");
  assert.equal(run.stdout, "b\n");
});

test("files of the VM run, and import one another", async () => {
  await using machine = await vm();
  await machine.filesystem.writeFile("/workspace/lib.ts", "export const twice = (x: number): number => 2 * x;\n");
  await machine.filesystem.writeFile("/workspace/main.ts", "import { twice } from './lib.ts';\nconsole.log(twice(4) as number);\n");
  const result = await machine.typescript.executeFile("/workspace/main.ts");
  assert.equal(result.stdout, "8\n", result.stderr);
});

test("standard input is whole, bytes, or in pieces", async () => {
  await using machine = await vm();
  async function* pieces(): AsyncGenerator<string | Uint8Array> {
    yield "a";
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield new TextEncoder().encode("b");
  }
  for (const stdin of ["ab", new TextEncoder().encode("ab"), ["a", "b"], pieces()]) {
    assert.equal((await machine.process.run("cat", [], { stdin })).stdout, "ab");
  }
  const large = new Uint8Array(3 * 1024 * 1024).fill(65);
  assert.equal((await machine.process.run("wc", ["-c"], { stdin: large })).stdout.trim(), String(large.length));
});

test("output can be streamed, and a slow reader holds the program up", async () => {
  await using machine = await vm();
  const size = 2 * 1024 * 1024;
  let taken = 0;
  let atOnce = 0;
  const result = await machine.process.run("head", ["-c", String(size), "/dev/zero"], {
    onStdout: async (chunk) => {
      atOnce += 1;
      assert.equal(atOnce, 1, "one piece at a time");
      await new Promise((resolve) => setTimeout(resolve, 1));
      taken += chunk.length;
      atOnce -= 1;
    },
  });
  assert.equal(result.outcome, "succeeded");
  assert.equal(result.stdout, "");
  assert.equal(taken, size);
});

test("with one stream streamed the other is in the result", async () => {
  await using machine = await vm();
  let streamed = "";
  const result = await machine.javascript.execute("console.log('one'); console.error('two');", {
    onStdout: (chunk) => void (streamed += Buffer.from(chunk).toString()),
  });
  assert.equal(streamed, "one\n");
  assert.equal(result.stdout, "");
  assert.equal(result.stderr, "two\n");
});

test("output that is not wanted is not kept, and output that is too much is cut off", async () => {
  await using machine = await vm({ limits: { outputBytes: 1000 } });
  assert.equal((await machine.process.run("echo", ["hi"], { capture: "none" })).stdout, "");
  const result = await machine.process.run("head", ["-c", "5000", "/dev/zero"]);
  assert.equal(result.stdout.length, 1000);
  assert.equal(result.stdoutTruncated, true);
});

test("a callback that throws ends the call, and is what the caller hears", async () => {
  await using machine = await vm();
  const failing = machine.process.run("sh", ["-c", "while true; do echo y; done"], {
    onStdout: () => {
      throw new RangeError("enough");
    },
  });
  await assert.rejects(failing, RangeError);
  const badInput = (function* () {
    yield "a";
    throw new RangeError("no more");
  })();
  await assert.rejects(machine.process.run("cat", [], { stdin: badInput }), RangeError);
});

test("a call that takes too long has timed out, and the VM goes on", async () => {
  await using machine = await vm();
  const endless = await machine.javascript.execute("for (;;);", { timeoutMs: 100 });
  assert.equal(endless.outcome, "timed_out");
  assert.equal(endless.error?.code, "ERR_TIMED_OUT");
  const waiting = await machine.javascript.evaluate("new Promise(() => setTimeout(() => {}, 60000))", { timeoutMs: 50 });
  assert.equal(waiting.outcome, "timed_out");
  const command = await machine.process.run("sleep", ["60"], { timeoutMs: 50 });
  assert.equal(command.outcome, "timed_out");
  assert.equal((await machine.javascript.evaluate("1")).value, 1);
});

test("an AbortSignal cancels", async () => {
  await using machine = await vm();
  const cases = [
    (signal: AbortSignal) => machine.javascript.execute("for (;;);", { signal }),
    (signal: AbortSignal) => machine.javascript.evaluate("new Promise(() => setInterval(() => {}, 1000))", { signal }),
    (signal: AbortSignal) => machine.process.run("sleep", ["60"], { signal }),
  ];
  for (const call of cases) {
    const controller = new AbortController();
    const running = call(controller.signal);
    setTimeout(() => controller.abort(), 50);
    const result = await running;
    assert.equal(result.outcome, "cancelled");
    assert.equal(result.error?.code, "ERR_CANCELLED");
  }
  const before = await machine.javascript.evaluate("1", { signal: AbortSignal.abort() });
  assert.equal(before.outcome, "cancelled");
  assert.equal((await machine.javascript.evaluate("2")).value, 2);
});

test("WebAssembly is absent unless it is allowed", async () => {
  for (const options of [{}, { permissions: { webAssembly: "deny" } as const }]) {
    await using machine = await vm(options);
    assert.equal((await machine.javascript.evaluate("typeof WebAssembly")).value, "undefined");
    assert.ok(["absent", "locked"].includes(machine.engine.wasm), machine.engine.wasm);
  }
  await using allowed = await NodeRuntime.create({ binary: binary(), permissions: { webAssembly: "allow" } });
  const result = await allowed.evaluate<string>(
    `WebAssembly.instantiate(${EMPTY_MODULE}).then(({ instance }) => Object.prototype.toString.call(instance))`,
  );
  assert.equal(result.value, "[object WebAssembly.Instance]");
  assert.equal((await allowed.engineReport()).wasm, "allowed");
});

test("failing for want of WebAssembly carries a hint that names the permission", async () => {
  await using machine = await vm();
  const result = await machine.javascript.execute(`WebAssembly.compile(${EMPTY_MODULE});`);
  assert.equal(result.outcome, "failed");
  assert.equal(result.error?.name, "ReferenceError");
  assert.match(result.error?.hint ?? "", /permissions\.webAssembly|permissions: \{ webAssembly/);
  const other = await machine.javascript.execute("noSuchThing;");
  assert.equal(other.error?.name, "ReferenceError");
  assert.equal(other.error?.hint, undefined);
});

test("the engine is reported", async () => {
  await using machine = await vm({ platform: "bare", permissions: { jit: "deny" } });
  const report = await machine.engineReport();
  assert.deepEqual(report, machine.engine);
  assert.match(report.v8, /^\d+\.\d+/);
  assert.match(report.wasmtime, /^\d+\.\d+/);
  assert.equal(report.jit, false);
  assert.equal(report.platform, "bare");
  assert.equal(report.profile.jit, false);
});

test("configurations of the golden vectors end as they must", async () => {
  const vectors = repositoryJson("tests/vectors/configs.json") as {
    readonly name: string;
    readonly config: object;
    readonly expected: { readonly refused?: { readonly field: string; readonly message: string } };
  }[];
  for (const { name, config, expected } of vectors) {
    if (expected.refused === undefined || Array.isArray(config) || "hostFunctions" in config) continue;
    const error = await rejection(vm(config));
    assert.equal(error.code, "ERR_CONFIG", name);
    assert.equal(error.field, expected.refused.field, name);
    assert.ok(error.message.includes(expected.refused.message), `${name}: ${error.message}`);
  }
});

test("arguments of a wrong type are refused here, and cost nobody the connection", async () => {
  await using machine = await vm();
  const wrong = <T>(value: unknown): T => value as T;
  const calls: readonly (() => Promise<unknown>)[] = [
    () => machine.javascript.evaluate(wrong(1)),
    () => machine.javascript.evaluate("1", { timeoutMs: -1 }),
    () => machine.javascript.evaluate("1", { timeoutMs: wrong("5") }),
    () => machine.javascript.evaluate("1", { args: wrong("x") }),
    () => machine.javascript.evaluate("1", { env: wrong({ A: 1 }) }),
    () => machine.javascript.evaluate("1", { inputs: wrong({ a: undefined }) }),
    () => machine.javascript.evaluate("1", { format: wrong("amd") }),
    () => machine.javascript.evaluate("1", { signal: wrong({}) }),
    () => machine.javascript.evaluate("1", { onStdout: wrong(1) }),
    () => machine.javascript.evaluate("1", wrong(null)),
    () => machine.process.run("echo", wrong([1])),
    () => machine.process.run("cat", [], { stdin: wrong(5) }),
    () => machine.process.kill(wrong("1")),
    () => machine.filesystem.readFile(wrong(undefined)),
    () => machine.filesystem.writeFile("/tmp/a", wrong(5)),
    () => machine.filesystem.mkdir("/tmp/a", { recursive: wrong(1) }),
    () => machine.mount(wrong({ host: 1, guest: "/a" })),
  ];
  for (const call of calls) await assert.rejects(call, TypeError, call.toString());
  assert.equal((await machine.javascript.evaluate("'\\ud800'.length + ' \ud800'.length")).value, 3);
});

test("one-shot calls make a VM and end it", async (context) => {
  const folder = temporaryFolder(context);
  const { writeFileSync } = await import("node:fs");
  writeFileSync(`${folder}/main.mjs`, "console.log('from the mount');");
  const options = { binary: binary() };
  assert.equal((await evaluate<number>("6 * x", { ...options, inputs: { x: 7 } })).value, 42);
  assert.equal((await execute("console.log('hi')", options)).stdout, "hi\n");
  const mounts = [{ host: folder, guest: "/app" }];
  assert.equal((await executeFile("/app/main.mjs", { ...options, mounts })).stdout, "from the mount\n");
  const allowed = await evaluate("typeof WebAssembly", { ...options, permissions: { webAssembly: "allow" } });
  assert.equal(allowed.value, "object");
  const unknown = await rejection(evaluate("1", { ...options, timeoutMS: 5 } as object));
  assert.equal(unknown.code, "ERR_CONFIG");
  assert.equal(unknown.field, "timeoutMS");
  assert.equal((await evaluate("1", { ...options, signal: AbortSignal.abort() })).outcome, "cancelled");
});
