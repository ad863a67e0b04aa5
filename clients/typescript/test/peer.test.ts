/**
 * What the client does when the other end misbehaves or goes away. The other end is played by a socket of the test.
 */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { decode, encode } from "@msgpack/msgpack";
import { Client, shutdown } from "cordon";

import { FrameDecoder } from "#internal/codec.js";
import { FRAME_BYTES_MAX } from "#internal/generated/wire.js";

import { rejection, repositoryJson, serve, temporaryFolder, until, vm } from "./support.js";

type Received = Record<string, unknown>;

function frame(message: unknown): Buffer {
  const content = encode(message);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(content.length);
  return Buffer.concat([header, content]);
}

const WELCOME = frame({ type: "welcome", protocol: 1, version: "0.1.0", frameBytesMax: FRAME_BYTES_MAX });

/** Listens, and answers each message of a client as it is told. */
async function peer(context: TestContext, answer: (message: Received, socket: Socket) => void): Promise<string> {
  const path = join(temporaryFolder(context), "socket");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const decoder = new FrameDecoder();
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const content of decoder.push(bytes)) answer(decode(content) as Received, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

/** The first answer to a hello is a welcome; what comes after it is up to the test. */
function welcomed(answer: (message: Received, socket: Socket) => void): (message: Received, socket: Socket) => void {
  return (message, socket) => {
    if (message["type"] === "hello") socket.write(WELCOME);
    else answer(message, socket);
  };
}

test("another version of the protocol is refused", async (context) => {
  const socket = await peer(context, (_, socket) => {
    socket.write(frame({ type: "welcome", protocol: 99, version: "9.0.0", frameBytesMax: 1 }));
  });
  const error = await rejection(Client.connect({ socket }));
  assert.equal(error.code, "ERR_PROTOCOL");
  assert.match(error.hint ?? "", /same release/);
});

test("an error that ends the handshake is told", async (context) => {
  const socket = await peer(context, (_, socket) => {
    socket.write(frame({ type: "fatal", error: { code: "ERR_PROTOCOL", name: "CordonError", message: "not with you" } }));
  });
  assert.match((await rejection(Client.connect({ socket }))).message, /not with you/);
});

test("a sidecar that hangs up instead of answering is told", async (context) => {
  const socket = await peer(context, (_, socket) => void socket.destroy());
  assert.equal((await rejection(Client.connect({ socket }))).code, "ERR_DISCONNECTED");
});

test("a socket that nobody serves is told, with what to do", async (context) => {
  const error = await rejection(Client.connect({ socket: join(temporaryFolder(context), "nothing") }));
  assert.equal(error.code, "ERR_DISCONNECTED");
  assert.match(error.hint ?? "", /cordon serve --socket/);
});

const breakages: readonly [string, (socket: Socket) => void, string][] = [
  ["hangs up", (socket) => void socket.destroy(), "ERR_DISCONNECTED"],
  ["ends in the middle of a frame", (socket) => void socket.end(WELCOME.subarray(0, 9)), "ERR_DISCONNECTED"],
  ["sends what is no message", (socket) => void socket.write(frame([1, 2, 3])), "ERR_PROTOCOL"],
  ["sends an unknown message", (socket) => void socket.write(frame({ type: "surprise" })), "ERR_PROTOCOL"],
  ["sends a second welcome", (socket) => void socket.write(WELCOME), "ERR_PROTOCOL"],
  ["announces a frame that is too long", (socket) => void socket.write(Buffer.from([255, 255, 255, 255])), "ERR_PROTOCOL"],
  [
    "says why it ends the connection",
    (socket) => void socket.end(frame({ type: "fatal", error: { code: "ERR_INTERNAL", name: "CordonError", message: "enough" } })),
    "ERR_INTERNAL",
  ],
];

for (const [what, breakage, code] of breakages) {
  test(`every pending call settles when the sidecar ${what}`, async (context) => {
    const socket = await peer(
      context,
      welcomed((message, socket) => {
        if (message["id"] === 3) breakage(socket);
      }),
    );
    const client = await Client.connect({ socket });
    const calls = [1, 2, 3].map(() => rejection(client.createVm()));
    for (const error of await Promise.all(calls)) assert.equal(error.code, code, error.message);
    assert.ok(client.isClosed);
    assert.equal((await rejection(client.createVm())).code, code);
    await client.close();
  });
}

test("a VM whose connection is lost may be disposed of", async (context) => {
  const { socket, pid } = await serve(context);
  const client = await Client.connect({ socket });
  const machine = await client.createVm();
  process.kill(pid, "SIGKILL");
  await until("the end of the connection", () => client.isClosed);
  await machine.dispose();
  assert.equal((await rejection(machine.filesystem.readFile("/a"))).code, "ERR_DISCONNECTED");
});

test("a message that is too long is an error of its own call", async () => {
  await using machine = await vm();
  const source = `"${"x".repeat(FRAME_BYTES_MAX)}"`;
  for (const call of [machine.javascript.evaluate(source), machine.process.run("echo", [source])]) {
    const error = await rejection(call);
    assert.equal(error.code, "ERR_LIMIT");
    assert.match(error.message, new RegExp(`FRAME_BYTES_MAX, which is ${FRAME_BYTES_MAX}`));
  }
  assert.equal((await machine.javascript.evaluate("1")).value, 1);
  await shutdown();
});

test("answers to requests that nobody made are ignored", async (context) => {
  const vectors = repositoryJson("tests/vectors/messages.json") as { name: string; json: { engine?: unknown; body?: { engine?: unknown } } }[];
  const engine = vectors.find(({ name }) => name.startsWith("response.vmCreated"))?.json.body?.engine;
  const socket = await peer(
    context,
    welcomed((message, socket) => {
      for (const id of [77, message["id"], message["id"]]) {
        socket.write(frame({ type: "started", id, pid: 1 }));
        socket.write(frame({ type: "output", id, stream: "stdout", data: new Uint8Array(3) }));
        socket.write(frame({ type: "inputTaken", id, bytes: 3 }));
        socket.write(frame({ type: "response", id, body: { type: "vmCreated", vm: 1, engine } }));
      }
    }),
  );
  await using client = await Client.connect({ socket });
  const vm = await client.createVm();
  assert.equal(vm.engine.wasm, "absent");
  assert.equal((await rejection(vm.filesystem.readFile("/a"))).code, "ERR_PROTOCOL", "an answer of another kind");
});

test("a host call that nobody serves is answered", async (context) => {
  const answers: Received[] = [];
  const socket = await peer(
    context,
    welcomed((message, socket) => {
      if (message["type"] === "hostResult") {
        answers.push(message);
        socket.write(frame({ type: "response", id: 1, body: { type: "error", error: { code: "X", name: "Error", message: "done" } } }));
      } else socket.write(frame({ type: "hostCall", call: 5, vm: 1, name: "f", input: "null" }));
    }),
  );
  await using client = await Client.connect({ socket });
  assert.equal((await rejection(client.createVm())).code, "X");
  assert.deepEqual(answers, [
    { type: "hostResult", call: 5, outcome: { type: "threw", message: 'no host function "f" is registered' } },
  ]);
});
