/**
 * The golden vectors: what the Rust side wrote, this side reads as the same, and the other way round.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { decode } from "@msgpack/msgpack";
import { CordonError } from "cordon";

import { configJson } from "#internal/check.js";
import { FrameDecoder, decodeMessage, encodeFrame } from "#internal/codec.js";
import { FRAME_BYTES_MAX, INPUT_WINDOW, type ClientMessage } from "#internal/generated/wire.js";
import { InputQueue } from "#internal/input.js";
import { serverMessageProblem } from "#internal/shapes.js";

import { repositoryJson } from "./support.js";

interface MessageVector {
  readonly name: string;
  readonly direction: "toSidecar" | "toClient";
  readonly json: unknown;
  readonly hex: string;
}

interface ConfigVector {
  readonly name: string;
  readonly config: unknown;
}

const vectors = repositoryJson("tests/vectors/messages.json") as MessageVector[];
const configs = repositoryJson("tests/vectors/configs.json") as ConfigVector[];

/** `{"$bytes": base64}` stands for bytes. */
function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== "object" || value === null) return value;
  if ("$bytes" in value && typeof value.$bytes === "string") return new Uint8Array(Buffer.from(value.$bytes, "base64"));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withBytes(item)]));
}

/** Bytes of any kind as plain ones, which `deepEqual` compares by their contents only. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

for (const vector of vectors) {
  const expected = withBytes(vector.json);
  if (vector.direction === "toClient") {
    test(`${vector.name}: is read as it was written`, () => {
      assert.deepEqual(plain(decodeMessage(fromHex(vector.hex))), expected);
    });
    test(`${vector.name}: is refused with an unknown field`, () => {
      assert.ok(typeof expected === "object");
      assert.match(serverMessageProblem({ ...expected, extra: 1 }) ?? "", /extra/);
    });
  } else {
    test(`${vector.name}: its bytes are what the JSON says`, () => {
      assert.deepEqual(plain(decode(fromHex(vector.hex))), expected);
    });
    test(`${vector.name}: is written so that it reads the same`, () => {
      const [content] = [...new FrameDecoder().push(encodeFrame(expected as ClientMessage))];
      assert.ok(content !== undefined);
      assert.deepEqual(plain(decode(content)), expected);
    });
  }
}

for (const { name, config } of configs) {
  test(`configuration, ${name}: travels unchanged`, () => {
    assert.deepEqual(configJson(config), config);
  });
}

test("what JSON does not have is refused in a configuration, with its path", () => {
  const cases: readonly [unknown, string][] = [
    [{ permissions: { webAssembly: () => "allow" } }, "permissions.webAssembly"],
    [{ permissions: { webAssembly: Symbol("allow") } }, "permissions.webAssembly"],
    [{ limits: { calls: 1n } }, "limits.calls"],
    [{ limits: { calls: Number.NaN } }, "limits.calls"],
    [{ env: new Map([["A", "B"]]) }, "env"],
    [{ mounts: [{ host: new Date() }] }, "mounts[0].host"],
  ];
  for (const [config, field] of cases) {
    assert.throws(
      () => configJson(config),
      (error) => error instanceof CordonError && error.code === "ERR_CONFIG" && error.field === field,
    );
  }
  assert.deepEqual(configJson({ cwd: undefined, env: { A: "" } }), { env: { A: "" } });
});

test("frames survive any cut", () => {
  const messages: ClientMessage[] = [
    { type: "cancel", id: 1 },
    { type: "input", id: 2, data: new Uint8Array(1000).fill(7), end: false },
    { type: "credit", id: 3, bytes: 70_000 },
  ];
  const stream = Buffer.concat(messages.map((message) => encodeFrame(message)));
  for (let cut = 1; cut < stream.length; cut += cut < 20 ? 1 : 97) {
    const decoder = new FrameDecoder();
    const seen: unknown[] = [];
    for (let start = 0; start < stream.length; start += cut) {
      for (const content of decoder.push(stream.subarray(start, start + cut))) seen.push(plain(decode(content)));
    }
    assert.deepEqual(seen, messages);
    assert.ok(decoder.isAtBoundary);
  }
});

test("a frame has its memory for itself, whether it arrives alone or not", () => {
  const frame = Uint8Array.from(encodeFrame({ type: "cancel", id: 1 }));
  const slab = new Uint8Array(64);
  slab.set(frame, 8);
  const [alone] = new FrameDecoder().push(frame);
  const [shared] = new FrameDecoder().push(slab.subarray(8, 8 + frame.length));
  assert.ok(alone !== undefined && shared !== undefined);
  assert.equal(alone.buffer, frame.buffer, "nothing else is there, so it is not copied");
  assert.equal(shared.buffer.byteLength, shared.length);
  assert.deepEqual(alone, shared);
  // Plain bytes, whatever class brought them: `slice` of a Buffer does not copy.
  const [plainBytes] = new FrameDecoder().push(Buffer.from(frame.buffer));
  assert.equal(plainBytes?.constructor, Uint8Array);
});

test("a frame over the maximum is refused, in either direction", () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(FRAME_BYTES_MAX + 1);
  assert.throws(() => [...new FrameDecoder().push(header)], { code: "ERR_PROTOCOL" });
  const message: ClientMessage = { type: "input", id: 1, data: new Uint8Array(FRAME_BYTES_MAX), end: true };
  assert.throws(() => encodeFrame(message), { code: "ERR_LIMIT" });
});

test("what is said to be taken never widens the window", async () => {
  let sent = 0;
  const input = new InputQueue((data) => (sent += data.length));
  input.taken(10 * INPUT_WINDOW);
  const writing = input.write(new Uint8Array(3 * INPUT_WINDOW));
  await Promise.resolve();
  assert.equal(sent, INPUT_WINDOW);
  input.close();
  await writing;
});

test("an empty frame is a frame", () => {
  assert.equal([...new FrameDecoder().push(new Uint8Array(4))].length, 1);
});

test("text that UTF-8 does not have is made well-formed", () => {
  const message: ClientMessage = { type: "hello", protocol: 1, client: `a\ud800b${"\udc00".repeat(300)}` };
  const [content] = [...new FrameDecoder().push(encodeFrame(message))];
  assert.ok(content !== undefined);
  new TextDecoder("utf-8", { fatal: true }).decode(content.subarray(content.length - 300));
  assert.equal((decode(content) as { client: string }).client, `a\ufffdb${"\ufffd".repeat(300)}`);
});

test("bytes that are no message are refused", () => {
  for (const hex of ["", "c0", "90", "80", "c1", "81a474797065a77768617465766572"]) {
    assert.throws(() => decodeMessage(fromHex(hex)), { code: "ERR_PROTOCOL" }, hex);
  }
});
