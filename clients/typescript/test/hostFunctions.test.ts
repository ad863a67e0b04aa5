/**
 * Functions of the embedder that guest code calls.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { shutdown } from "cordon";

import { rejection, vm } from "./support.js";

after(shutdown);

test("a host function is an async global, and a collection an object of them", async () => {
  const seen: unknown[] = [];
  await using machine = await vm({
    hostFunctions: {
      add: async ({ a, b }: { a: number; b: number }) => a + b,
      orders: {
        list: (input: unknown) => {
          seen.push(input);
          return [{ id: 1, open: true }];
        },
        nothing: () => undefined,
      },
    },
  });
  const result = await machine.javascript.evaluate(
    "Promise.all([add({ a: 1, b: 2 }), orders.list({ limit: 10, nested: [null, 'ä'] }), orders.nothing()])",
  );
  assert.deepEqual(result.value, [3, [{ id: 1, open: true }], null], result.stderr);
  assert.deepEqual(seen, [{ limit: 10, nested: [null, "ä"] }]);
});

test("calls run side by side", async () => {
  const waiting: (() => void)[] = [];
  await using machine = await vm({
    hostFunctions: {
      meet: async () => {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 8) for (const go of waiting) go();
        });
        return waiting.length;
      },
    },
  });
  const result = await machine.javascript.evaluate("Promise.all(Array.from({ length: 8 }, () => meet()))");
  assert.deepEqual(result.value, Array(8).fill(8));
});

test("what a host function throws reaches the guest as an error", async () => {
  await using machine = await vm({
    hostFunctions: {
      fail: async () => {
        throw new RangeError("no such order");
      },
      odd: () => Promise.reject("just text"),
      circular: () => {
        const value: { self?: unknown } = {};
        value.self = value;
        return value;
      },
    },
  });
  const caught = await machine.javascript.evaluate<string[]>(
    "Promise.all([fail, odd, circular].map((f) => f().catch((e) => (e instanceof Error) + ': ' + e.message)))",
  );
  assert.match(caught.value?.[0] ?? "", /^true: .*no such order/);
  assert.match(caught.value?.[1] ?? "", /^true: .*just text/);
  assert.match(caught.value?.[2] ?? "", /^true: .*circular/i);
  const uncaught = await machine.javascript.execute("await fail();");
  assert.equal(uncaught.outcome, "failed");
  assert.match(uncaught.error?.message ?? "", /no such order/);
});

test("functions that were not given are not there, and inherited ones neither", async () => {
  await using machine = await vm({ hostFunctions: { orders: { list: () => [] } } });
  const result = await machine.javascript.evaluate("[typeof missing, typeof orders.missing, typeof orders.list]");
  assert.deepEqual(result.value, ["undefined", "undefined", "function"]);
  const error = await rejection(vm({ hostFunctions: { "not a name": () => 1 } }));
  assert.equal(error.code, "ERR_CONFIG");
  assert.equal(error.field, "hostFunctions[0]");
  await assert.rejects(vm({ hostFunctions: { wrong: 5 as never } }), TypeError);
});

test("a permission denies host functions by name", async () => {
  const called: string[] = [];
  await using machine = await vm({
    permissions: { hostFunctions: { rules: [{ mode: "deny", patterns: ["admin.*"] }] } },
    hostFunctions: {
      admin: { drop: () => void called.push("drop") },
      open: () => called.push("open"),
    },
  });
  const result = await machine.javascript.evaluate<[string, number]>(
    "Promise.all([admin.drop().then(() => 'ran', (e) => e.message + ' ' + e.code), open()])",
  );
  assert.match(result.value?.[0] ?? "", /hostFunctions/);
  assert.deepEqual(called, ["open"]);
});

test("inputs and results have a size limit", async () => {
  await using machine = await vm({
    limits: { hostCallBytes: 1024 },
    hostFunctions: { echo: (input: unknown) => input, grow: () => "x".repeat(2000) },
  });
  const caught = await machine.javascript.evaluate<string[]>(
    "Promise.all([echo('x'.repeat(100)), ...[() => echo('x'.repeat(2000)), () => grow()].map((f) => f().then(() => 'ran', (e) => e.message))])",
  );
  assert.equal(caught.value?.[0], "x".repeat(100));
  assert.notEqual(caught.value?.[1], "ran");
  assert.notEqual(caught.value?.[2], "ran");
});

test("a host function that never answers times out", async () => {
  await using machine = await vm({
    limits: { hostCallMs: 50 },
    hostFunctions: { never: () => new Promise(() => {}) },
  });
  const result = await machine.javascript.evaluate<string>("never().then(() => 'ran', (e) => e.message)");
  assert.notEqual(result.value, "ran");
  assert.equal(result.outcome, "succeeded");
});

test("a VM calls its own functions, not those of another", async () => {
  await using first = await vm({ hostFunctions: { who: () => "first" } });
  await using second = await vm({ hostFunctions: { who: () => "second" } });
  await using third = await vm();
  assert.equal((await first.javascript.evaluate("who()")).value, "first");
  assert.equal((await second.javascript.evaluate("who()")).value, "second");
  assert.equal((await third.javascript.evaluate("typeof who")).value, "undefined");
});
