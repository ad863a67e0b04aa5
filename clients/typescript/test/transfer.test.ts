/**
 * Files between this process and a VM: of any size, whole and piece by piece.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { shutdown } from "cordon";

import { rejection, until, vm } from "./support.js";

after(shutdown);

/** Bytes of which no two stretches are alike, so that a piece that is lost, doubled or out of order is seen. */
function contents(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index += 1) words[index] = Math.imul(index, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, length);
}

/** Compared by hand: what differs is too much to print. */
function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.from(left.buffer, left.byteOffset, left.length).equals(right);
}

test("files of any size are written and read whole", async () => {
  await using machine = await vm();
  for (const length of [0, 1, 2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 2 ** 20, 2 ** 20 + 1, 40 * 2 ** 20]) {
    const bytes = contents(length);
    await machine.filesystem.writeFile("/tmp/f", bytes);
    assert.equal((await machine.filesystem.stat("/tmp/f")).size, length);
    assert.ok(isSame(await machine.filesystem.readFile("/tmp/f"), bytes), `${length} bytes`);
  }
  const text = "漢字é\ufeff".repeat(300_000);
  await machine.filesystem.writeFile("/tmp/t", text);
  assert.ok((await machine.filesystem.readTextFile("/tmp/t")) === text);
});

test("a file is read and written piece by piece", async () => {
  await using machine = await vm();
  const bytes = contents(3 * 2 ** 20);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
  }
  await machine.filesystem.writeFile("/tmp/f", pieces());
  // A stream is an iterable, so that one file can be made of another.
  await machine.filesystem.writeFile("/tmp/g", machine.filesystem.readStream("/tmp/f"));
  const read: Uint8Array[] = [];
  for await (const piece of machine.filesystem.readStream("/tmp/g")) read.push(piece);
  assert.ok(read.length > 1 && isSame(Buffer.concat(read), bytes));
  await machine.filesystem.writeFile("/tmp/lines", ["a\n", Buffer.from("b\n")]);
  assert.equal(await machine.filesystem.readTextFile("/tmp/lines"), "a\nb\n");
  const missing = machine.filesystem.readStream("/tmp/none").getReader().read();
  assert.equal((await rejection(missing)).code, "ENOENT");
});

test("reading stops with whoever reads, and is held up by nobody who does not", async () => {
  await using machine = await vm({ limits: { filesystemBytes: 12 * 2 ** 20 } });
  await machine.filesystem.writeFile("/tmp/f", contents(8 * 2 ** 20));
  const readers = Array.from({ length: 4 }, () => machine.filesystem.readStream("/tmp/f").getReader());
  for (const reader of readers) assert.equal((await reader.read()).done, false);
  assert.equal((await machine.javascript.evaluate("1 + 1")).value, 2);
  for (const reader of readers) await reader.cancel();
  await machine.filesystem.remove("/tmp/f");
  // Only when the last descriptor is closed is what a removed file took there for others.
  await until("room for another file", () =>
    machine.filesystem.writeFile("/tmp/g", contents(8 * 2 ** 20)).then(
      () => true,
      () => false,
    ),
  );
});

test("a writing that does not come to its end says why, and leaves an empty file", async () => {
  await using machine = await vm({ limits: { filesystemBytes: 4 * 2 ** 20 } });
  const full = await rejection(machine.filesystem.writeFile("/tmp/f", contents(6 * 2 ** 20)));
  assert.deepEqual([full.code, full.field], ["ENOSPC", "limits.filesystemBytes"]);
  assert.equal((await machine.filesystem.readFile("/tmp/f")).length, 0);
  await machine.filesystem.writeFile("/tmp/g", contents(3 * 2 ** 20));
  await machine.filesystem.remove("/tmp/g");

  let returned = false;
  async function* breaks() {
    try {
      yield "some";
      throw new Error("the source broke");
    } finally {
      returned = true;
    }
  }
  await assert.rejects(machine.filesystem.writeFile("/tmp/f", breaks()), /the source broke/);
  assert.ok(returned);
  await assert.rejects(machine.filesystem.writeFile("/tmp/f", [5 as never]), /a piece of contents must be/);
  await until("the file to be empty", async () => (await machine.filesystem.stat("/tmp/f")).size === 0);
  // A file that cannot be written asks its source for nothing more.
  async function* endless() {
    for (;;) yield "x".repeat(1000);
  }
  assert.equal((await rejection(machine.filesystem.writeFile("/none/f", endless()))).code, "ENOENT");
});

test("an abort settles a transfer whatever the other side does", async () => {
  await using machine = await vm();
  await machine.filesystem.writeFile("/tmp/f", contents(2 ** 20));
  const never = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<string>>(() => {}) }),
  };
  const controller = new AbortController();
  const { signal } = controller;
  const writing = machine.filesystem.writeFile("/tmp/g", never, { signal });
  const stream = machine.filesystem.readStream("/tmp/f", { signal }).getReader();
  assert.equal((await stream.read()).done, false);
  controller.abort();
  assert.equal((await rejection(writing)).code, "ERR_CANCELLED");
  assert.equal((await rejection(stream.read())).code, "ERR_CANCELLED");
  for (const late of [
    machine.filesystem.readFile("/tmp/f", { signal }),
    machine.filesystem.readTextFile("/tmp/f", { signal }),
    machine.filesystem.writeFile("/tmp/h", "x", { signal }),
  ]) {
    assert.equal((await rejection(late)).code, "ERR_CANCELLED");
  }
  assert.equal(await machine.filesystem.exists("/tmp/h"), false, "nothing was begun");
});

test("a file that is longer than was asked for is an error", async () => {
  await using machine = await vm();
  await machine.filesystem.writeFile("/tmp/f", "12345");
  assert.equal((await machine.filesystem.readFile("/tmp/f", { maxBytes: 5 })).length, 5);
  const error = await rejection(machine.filesystem.readFile("/tmp/f", { maxBytes: 4 }));
  assert.equal(error.code, "ERR_LIMIT");
  assert.match(error.message, /maxBytes/);
  await assert.rejects(machine.filesystem.readFile("/tmp/f", { maxBytes: -1 }), TypeError);
});

test("a transfer ends with its VM", async () => {
  const machine = await vm();
  await machine.filesystem.writeFile("/tmp/f", contents(2 ** 20));
  const stream = machine.filesystem.readStream("/tmp/f").getReader();
  assert.equal((await stream.read()).done, false);
  const writing = machine.filesystem.writeFile("/tmp/g", (async function* () {
    yield "begun";
    await new Promise(() => {});
  })());
  await machine.dispose();
  assert.equal((await rejection(writing)).code, "ERR_CANCELLED");
  await assert.rejects(async () => {
    while (!(await stream.read()).done);
  });
});
