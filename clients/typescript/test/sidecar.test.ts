/**
 * The sidecar against clients that break the protocol: each loses its own connection, is told why, and nobody else
 * notices. What is sent here are bytes, not this package's messages.
 */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";

import { decode, encode } from "@msgpack/msgpack";
import { Client } from "cordon";

import { FrameDecoder } from "#internal/codec.js";
import { PROTOCOL_VERSION } from "#internal/generated/wire.js";

import { serve } from "./support.js";

type Message = Record<string, unknown>;

const HELLO = { type: "hello", protocol: PROTOCOL_VERSION, client: "test" };

function frame(message: unknown): Buffer {
  const content = encode(message);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(content.length);
  return Buffer.concat([header, content]);
}

/** Sends bytes and reads messages until the sidecar hangs up. */
async function exchange(context: TestContext, socket: string, ...pieces: readonly Buffer[]): Promise<Message[]> {
  const connection = connect(socket);
  context.after(() => void connection.destroy());
  connection.on("error", () => {});
  const decoder = new FrameDecoder();
  const received: Message[] = [];
  connection.on("data", (bytes) => {
    for (const content of decoder.push(bytes)) received.push(decode(content) as Message);
  });
  for (const piece of pieces) connection.write(piece);
  await new Promise<void>((resolve) => connection.once("close", () => resolve()));
  return received;
}

test("clients that break the protocol are told, and harm nobody else", async (context) => {
  const { socket } = await serve(context);
  await using bystander = await Client.connect({ socket });
  await using vm = await bystander.createVm();
  const request = (id: number, body: Message) => frame({ type: "request", id, body });
  // In one piece, so that the second is read while the first is under way.
  const twice = Buffer.concat([1, 1].map((id) => request(id, { type: "createVm", config: {} })));
  const cases: readonly [string, readonly Buffer[], RegExp][] = [
    ["no hello", [frame({ type: "cancel", id: 1 })], /hello/],
    ["another version", [frame({ ...HELLO, protocol: 99 })], /version 99/],
    ["two hellos", [frame(HELLO), frame(HELLO)], /second hello/],
    ["no MessagePack", [Buffer.from([0, 0, 0, 2, 0xc1, 0xc1])], /not a message/],
    ["bytes after the message", [Buffer.concat([Buffer.from([0, 0, 0, 2]), encode(null), encode(null)])], /not a message|after/],
    ["an empty frame", [frame(HELLO), Buffer.alloc(4)], /not a message/],
    ["a frame too long", [frame(HELLO), Buffer.from([0x7f, 255, 255, 255])], /longer than/],
    ["an unknown message", [frame(HELLO), frame({ type: "reboot" })], /reboot/],
    ["an unknown field", [frame(HELLO), frame({ type: "cancel", id: 1, force: true })], /force/],
    ["an unknown request", [frame(HELLO), request(1, { type: "vm", vm: 1, request: { type: "format" } })], /format/],
    ["a wrong type", [frame(HELLO), request(1, { type: "disposeVm", vm: "1" })], /not a message/],
    ["deep nesting", [frame(HELLO), Buffer.concat([Buffer.from([0, 0, 0x27, 0x10]), Buffer.alloc(10_000, 0x91)])], /not a message/],
    ["one number for two requests", [frame(HELLO), twice], /still under way/],
  ];
  for (const [what, pieces, expected] of cases) {
    const received = await exchange(context, socket, ...pieces);
    const last = received.at(-1);
    assert.equal(last?.["type"], "fatal", what);
    const { code, message } = last["error"] as { code: string; message: string };
    assert.equal(code, "ERR_PROTOCOL", what);
    assert.match(message, expected, what);
  }
  assert.equal((await vm.javascript.evaluate("1")).value, 1);
});

test("a client that hangs up in the middle of a frame harms nobody else", async (context) => {
  const { socket } = await serve(context);
  await using bystander = await Client.connect({ socket });
  await using vm = await bystander.createVm();
  const connection = connect(socket);
  connection.on("error", () => {});
  connection.write(Buffer.concat([frame(HELLO), Buffer.from([0, 0, 1, 0, 0x81])]));
  await new Promise((resolve) => setTimeout(resolve, 50));
  connection.destroy();
  assert.equal((await vm.javascript.evaluate("1")).value, 1);
});

test("one client cannot reach the VMs of another", async (context) => {
  const { socket } = await serve(context);
  await using owner = await Client.connect({ socket });
  await using vm = await owner.createVm();
  await vm.filesystem.writeFile("/tmp/secret", "x");
  const connection = connect(socket);
  context.after(() => void connection.destroy());
  const decoder = new FrameDecoder();
  const answers: Message[] = [];
  const answered = new Promise<void>((resolve) => {
    connection.on("data", (bytes) => {
      for (const content of decoder.push(bytes)) answers.push(decode(content) as Message);
      if (answers.length === 4) resolve();
    });
  });
  connection.write(frame(HELLO));
  [1, 2, 3].forEach((number) => {
    const body = { type: "vm", vm: number, request: { type: "readFile", path: "/tmp/secret" } };
    connection.write(frame({ type: "request", id: number, body }));
  });
  await answered;
  for (const answer of answers.slice(1)) {
    assert.equal(((answer["body"] as Message)["error"] as { code: string }).code, "ERR_NOT_FOUND");
  }
});

test("a socket is for its owner only", async (context) => {
  const { socket } = await serve(context);
  assert.equal(statSync(socket).mode & 0o177, 0);
});
