/**
 * A call settles when it is aborted, late, or its VM is gone, whatever the callbacks, iterables and host functions of
 * this process do.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { shutdown, type ExecutionResult } from "cordon";

import { rejection, vm } from "./support.js";

after(shutdown);

const never = (): Promise<void> => new Promise(() => {});

/** A callback that never settles, and a promise that it has been called. */
function stuck(): { readonly callback: () => Promise<void>; readonly called: Promise<void> } {
  let called!: () => void;
  const promise = new Promise<void>((resolve) => (called = resolve));
  return {
    called: promise,
    callback: () => {
      called();
      return never();
    },
  };
}

for (const script of ["echo x", "yes", "echo x; sleep 100"]) {
  test(`an abort settles \`${script}\` while a callback hangs`, async () => {
    await using machine = await vm();
    const controller = new AbortController();
    const { callback, called } = stuck();
    const running = machine.process.run("sh", ["-c", script], { onStdout: callback, signal: controller.signal });
    await called;
    controller.abort();
    const result = await running;
    assert.equal(result.outcome, "cancelled");
    assert.equal(result.error.code, "ERR_CANCELLED");
    assert.equal((await machine.process.run("echo", ["on"])).stdout, "on\n");
  });

  test(`the time limit settles \`${script}\` while a callback hangs`, async () => {
    await using machine = await vm();
    const result = await machine.process.run("sh", ["-c", script], { onStdout: never, timeoutMs: 300 });
    assert.equal(result.outcome, "timed_out");
    assert.equal(result.error.code, "ERR_TIMED_OUT");
  });

  test(`the end of the VM settles \`${script}\` while a callback hangs`, async () => {
    const machine = await vm();
    const { callback, called } = stuck();
    const running = machine.process.run("sh", ["-c", script], { onStderr: callback, onStdout: callback });
    await called;
    await machine.dispose();
    assert.equal((await rejection(running)).code, "ERR_CANCELLED");
  });
}

test("a call whose answer comes after that of the end of its VM settles", async () => {
  const machine = await vm();
  // Whichever of the two answers comes first.
  for (const result of await Promise.allSettled([
    machine.process.run("sh", ["-c", "echo x"], { onStdout: never }),
    machine.process.run("echo", ["x"], { onStdout: never }),
    machine.dispose(),
  ])) {
    if (result.status === "rejected") assert.equal((result.reason as { code?: string }).code, "ERR_CANCELLED");
  }
});

test("output that was written before an abort reaches callbacks, and nothing comes after the end", async () => {
  await using machine = await vm();
  const controller = new AbortController();
  let text = "";
  let settled = false;
  const result = await machine.process.run("sh", ["-c", "echo one; echo two; sleep 100"], {
    signal: controller.signal,
    onStdout: async (chunk) => {
      assert.equal(settled, false);
      await new Promise((resolve) => setTimeout(resolve, 5));
      text += Buffer.from(chunk).toString();
      if (text.includes("two")) controller.abort();
    },
  });
  settled = true;
  assert.deepEqual([result.outcome, text], ["cancelled", "one\ntwo\n"]);
});

test("JavaScript's output is no different", async () => {
  await using machine = await vm();
  const controller = new AbortController();
  const { callback, called } = stuck();
  const running = machine.javascript.execute("console.log('x')", { onStdout: callback, signal: controller.signal });
  await called;
  controller.abort();
  assert.equal((await running).outcome, "cancelled");
  const late = await machine.javascript.evaluate("console.log('x'), 1", { onStdout: never, timeoutMs: 200 });
  assert.equal(late.outcome, "timed_out");
});

test("input that hangs, never ends or breaks keeps no call from settling", async () => {
  await using machine = await vm();
  const hangs = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<string>>(() => {}) }) };
  const settles = (stdin: AsyncIterable<string> | Iterable<string>): Promise<ExecutionResult> =>
    machine.process.run("true", [], { stdin });
  assert.equal((await settles(hangs)).outcome, "succeeded");
  assert.equal((await machine.process.run("cat", [], { stdin: hangs, timeoutMs: 200 })).outcome, "timed_out");
  const signal = AbortSignal.timeout(200);
  assert.equal((await machine.process.run("cat", [], { stdin: hangs, signal })).outcome, "cancelled");
  // Neither waits for anything: what else this process has to do, the answer for one, needs its turn.
  function* empty() {
    for (;;) yield "";
  }
  assert.equal((await settles(empty())).outcome, "succeeded");
  function* full() {
    for (;;) yield "y\n";
  }
  assert.equal((await settles(full())).outcome, "succeeded");
  const broken = { [Symbol.asyncIterator]: () => ({ next: () => undefined as never }) };
  await assert.rejects(machine.process.run("cat", [], { stdin: broken }), TypeError);
  const sour = {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false as const, value: "x" }),
      return: () => {
        throw new Error("no return");
      },
    }),
  };
  assert.equal((await settles(sour)).outcome, "succeeded");
});

test("an iterable that is never asked is told so", async () => {
  await using machine = await vm();
  let returned = 0;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => assert.fail("it was asked"),
      return: async () => {
        returned += 1;
        return { done: true as const, value: undefined };
      },
    }),
  };
  const signal = AbortSignal.abort();
  assert.equal((await machine.process.run("cat", [], { stdin: source, signal })).outcome, "cancelled");
  await rejection(machine.filesystem.writeFile("/tmp/f", source, { signal }));
  assert.equal(returned, 2);
});

test("a callback that throws ends the call with what it threw", async () => {
  await using machine = await vm();
  for (const onStdout of [
    () => {
      throw new Error("no more");
    },
    async () => Promise.reject(new Error("no more")),
  ]) {
    await assert.rejects(machine.process.run("yes", [], { onStdout }), /no more/);
  }
});

test("host functions that hang or throw the oddest things cost nobody but their caller", async () => {
  const odd = [
    () => Object.assign(new Error("x"), { message: 5 }),
    () => Object.defineProperty(new Error("x"), "message", { get: () => assert.fail("a message that throws") }),
    () => ({ toString: () => assert.fail("a text that throws") }),
    () => Symbol("a symbol"),
    () => Object.create(null) as unknown,
    () => undefined,
  ];
  await using machine = await vm({
    limits: { hostCallMs: 200 },
    hostFunctions: {
      hangs: never,
      throws: (index: number) => {
        throw odd[index]?.();
      },
      unserializable: () => 5n,
    },
  });
  for (const index of odd.keys()) {
    const caught = await machine.javascript.evaluate(`throws(${index}).catch((error) => typeof error.message)`);
    assert.equal(caught.value, "string", `${index}`);
  }
  assert.equal((await machine.javascript.evaluate("hangs().catch(() => 'late')")).value, "late");
  assert.equal((await machine.javascript.evaluate("unserializable().catch(() => 'no JSON')")).value, "no JSON");
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  const { outcome } = await machine.javascript.evaluate("hangs()", { signal: controller.signal });
  assert.equal(outcome, "cancelled");
});

test("a spawned program that is cancelled before it runs says so", async () => {
  await using machine = await vm();
  const controller = new AbortController();
  const starting = machine.process.spawn("sleep", ["100"], { signal: controller.signal });
  controller.abort();
  try {
    const child = await starting;
    assert.equal((await child.wait()).outcome, "cancelled");
  } catch (error) {
    assert.equal((error as { code?: string }).code, "ERR_CANCELLED");
  }
});

test("it is said whether what ended had begun", async () => {
  await using machine = await vm({ limits: { calls: 1 } });
  const aborted = await machine.javascript.evaluate("1", { signal: AbortSignal.abort() });
  assert.deepEqual([aborted.outcome, aborted.progress], ["cancelled", "not_started"]);
  const running = machine.javascript.evaluate("new Promise(() => setTimeout(() => {}, 1e6))", { timeoutMs: 300 });
  const refused = await rejection(machine.javascript.evaluate("1"));
  assert.deepEqual([refused.code, refused.progress], ["ERR_LIMIT", "not_started"]);
  const late = await running;
  assert.deepEqual([late.outcome, late.progress], ["timed_out", "ran"]);
  assert.equal((await machine.javascript.evaluate("1")).progress, "ran");
});
