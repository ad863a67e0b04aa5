/**
 * Servers in a VM: connections, HTTP and WebSocket. What a connection is to the VM is the Rust tests' part.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";

import { WebSocket } from "ws";

import { ErrorCode, NodeRuntime, type CordonError, type Vm } from "cordon";

import { binary, rejection, vm } from "./support.js";

const SERVER = `
const http = require("node:http");
const crypto = require("node:crypto");
const waiting = [];
const server = http.createServer((request, response) => {
  const { pathname } = new URL("http://localhost" + request.url);
  if (pathname === "/echo") request.pipe(response);
  else if (pathname === "/head") response.end(JSON.stringify([request.method, request.url, request.headers]));
  else if (pathname === "/cookies") response.writeHead(201, "Made", [["set-cookie", "a=1"], ["set-cookie", "b=2"]].flat()).end();
  else if (pathname === "/pieces") { response.write("one"); waiting.push(response); }
  else if (pathname === "/next") { waiting.pop().end("two"); response.end(); }
  else if (pathname === "/die") { response.writeHead(200, { "content-length": 1000 }); response.write("some", () => process.exit(1)); }
  else if (pathname === "/here") response.writeHead(307, { location: "/head" }).end("moved");
  else if (pathname === "/post") response.writeHead(303, { location: "/head" }).end();
  else if (pathname === "/there") response.writeHead(302, { location: "http://example.test/" }).end();
  else if (pathname === "/round") response.writeHead(302, { location: "/round" }).end();
  else if (pathname === "/empty") response.writeHead(204).end();
  else if (pathname === "/status") request.socket.end("HTTP/1.1 999 No\\r\\ncontent-length: 0\\r\\n\\r\\n");
  else if (pathname === "/nonsense") request.socket.end("nonsense\\r\\n\\r\\n");
  else if (pathname === "/long") { response.setHeader("x-long", "x".repeat(100_000)); response.end(); }
  else if (pathname === "/endless") { const more = () => { while (response.write(Buffer.alloc(65536))); response.once("drain", more); }; more(); }
  else if (pathname === "/never") waiting.push(response);
  else response.writeHead(404).end("not here");
});
// A WebSocket's other end in few lines: short unfragmented frames, back as they came.
server.on("upgrade", (request, socket) => {
  const accept = crypto.createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nupgrade: websocket\\r\\nconnection: upgrade\\r\\nsec-websocket-accept: " + accept + "\\r\\n\\r\\n");
  let held = Buffer.alloc(0);
  socket.on("data", (data) => {
    held = Buffer.concat([held, data]);
    while (held.length >= 6 && held.length >= 6 + (held[1] & 127)) {
      const length = held[1] & 127;
      const payload = Buffer.from(held.subarray(6, 6 + length).map((byte, at) => byte ^ held[2 + (at % 4)]));
      socket.write(Buffer.concat([Buffer.from([held[0], length]), payload]));
      if ((held[0] & 15) === 8) socket.end();
      held = held.subarray(6 + length);
    }
  });
});
server.listen(3000);
`;

/** A VM with the server in it, which may not listen yet. */
async function serving(): Promise<Vm> {
  const machine = await vm();
  void (await machine.process.spawn("node", ["-e", SERVER])).wait().catch(() => {});
  (await machine.connect(3000, { waitMs: 60_000 })).destroy();
  return machine;
}

test("a request is a path, a URL or a Request, and names its host", async () => {
  await using machine = await serving();
  const head = async (...[request, options]: [string | URL | Request, Parameters<Vm["fetch"]>[2]?]) =>
    (await machine.fetch(3000, request, options)).json();
  assert.deepEqual(await head("/head?a=1"), ["GET", "/head?a=1", { host: "localhost:3000", connection: "close" }]);
  const put = await head(new Request("http://site.test/head", { method: "PUT", body: "four", headers: { "x-mine": "yes" } }));
  assert.deepEqual(put, [
    "PUT",
    "/head",
    { host: "site.test", connection: "close", "x-mine": "yes", "content-type": "text/plain;charset=UTF-8", "transfer-encoding": "chunked" },
  ]);
  const post = await head(new URL("http://localhost/head"), { method: "POST", body: "four", headers: { host: "other.test", "keep-alive": "1", te: "gzip" } });
  assert.deepEqual(post, [
    "POST",
    "/head",
    { host: "other.test", connection: "close", "content-length": "4", "content-type": "text/plain;charset=UTF-8" },
  ]);
  // Two slashes begin a path like one.
  assert.deepEqual(await head("//head/").catch(() => "not JSON"), "not JSON");
  const cookies = await machine.fetch(3000, "/cookies");
  assert.deepEqual([cookies.status, cookies.statusText, cookies.headers.getSetCookie()], [201, "Made", ["a=1", "b=2"]]);
  const empty = await machine.fetch(3000, "/empty");
  assert.deepEqual([empty.status, empty.body], [204, null]);
  assert.equal(await (await machine.fetch(3000, "/head", { method: "HEAD" })).text(), "");
  const missing = await machine.fetch(3000, "/nowhere");
  assert.deepEqual([missing.ok, missing.status, await missing.text()], [false, 404, "not here"]);
});

test("what is wrong with a call is said before anything is sent", async () => {
  await using machine = await vm();
  for (const port of [0, 65536, 1.5, "3000"]) await assert.rejects(machine.fetch(port as number, "/"), TypeError);
  await assert.rejects(machine.connect(-1), TypeError);
  await assert.rejects(machine.fetch(3000, "https://localhost/"), TypeError);
  await assert.rejects(machine.fetch(3000, 7 as unknown as string), TypeError);
  await assert.rejects(machine.fetch(3000, "/", { redirect: "elsewhere" as "follow" }), TypeError);
  await assert.rejects(machine.fetch(3000, "/", { wait: 1 } as object));
});

test("large bodies stream both ways, no faster than they are read", async () => {
  await using machine = await serving();
  const piece = Buffer.alloc(65536, "x");
  const pieces = 320;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < pieces) controller.enqueue(piece);
      else controller.close();
    },
  });
  const response = await machine.fetch(3000, "/echo", { method: "POST", body: body as NonNullable<RequestInit["body"]> });
  // What nobody reads holds up the server, and that holds up what is sent to it.
  for (let before = -1; before !== sent; ) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(sent < pieces, `${sent} pieces went without being read`);
  let length = 0;
  for await (const chunk of response.body ?? []) length += (chunk as Uint8Array).length;
  assert.equal(length, piece.length * pieces);
});

test("many requests are answered at once", async () => {
  await using machine = await serving();
  const ask = async (at: number) => {
    const body = String(at).repeat(at);
    assert.equal(await (await machine.fetch(3000, "/echo", { method: "POST", body })).text(), body);
  };
  await Promise.all(Array.from({ length: 50 }, (_, at) => ask(at)));
});

test("pieces of a response arrive before its end", async () => {
  await using machine = await serving();
  const reader = (await machine.fetch(3000, "/pieces")).body?.getReader();
  const first = await reader?.read();
  assert.equal(Buffer.from(first?.value ?? []).toString(), "one");
  await machine.fetch(3000, "/next");
  const second = await reader?.read();
  assert.equal(Buffer.from(second?.value ?? []).toString(), "two");
  assert.equal((await reader?.read())?.done, true);
});

test("redirects are answers, and are followed only within their origin", async () => {
  await using machine = await serving();
  const here = await machine.fetch(3000, "/here");
  assert.deepEqual([here.status, here.headers.get("location"), await here.text()], [307, "/head", "moved"]);
  assert.equal((await machine.fetch(3000, new Request("http://localhost:3000/there"))).status, 302);
  const follow = { redirect: "follow" } as const;
  const [method, path] = (await (await machine.fetch(3000, "/here", { ...follow, method: "PUT", body: "x" })).json()) as string[];
  assert.deepEqual([method, path], ["PUT", "/head"]);
  const [other, , headers] = (await (await machine.fetch(3000, "/post", { ...follow, method: "POST", body: "x" })).json()) as [string, string, object];
  assert.deepEqual([other, Object.keys(headers).sort()], ["GET", ["connection", "host"]]);
  for (const away of ["/there", "/round"]) {
    assert.equal((await rejection(machine.fetch(3000, away, follow))).code, ErrorCode.HTTP);
  }
  assert.equal((await rejection(machine.fetch(3000, "/here", { redirect: "error" }))).code, ErrorCode.HTTP);
  const once = new ReadableStream({ start: (controller) => controller.close() });
  const again = machine.fetch(3000, "/here", { ...follow, method: "PUT", body: once as NonNullable<RequestInit["body"]> });
  assert.match((await rejection(again)).message, /sent again/);
});

test("what a server does wrong is told", async () => {
  await using machine = await serving();
  for (const path of ["/nonsense", "/status", "/long"]) {
    assert.equal((await rejection(machine.fetch(3000, path))).code, ErrorCode.HTTP, path);
  }
  const late = await rejection(machine.fetch(3000, "/never", { headersTimeoutMs: 100 }));
  assert.deepEqual([late.code, late.details], [ErrorCode.HTTP, { port: "3000" }]);
  const dying = await machine.fetch(3000, "/die");
  await rejection(dying.text());
  const refused = await rejection(machine.fetch(3001, "/"));
  assert.equal(refused.code, "ECONNREFUSED");
  assert.match(refused.message, /port 3001/);
  assert.equal((await rejection(machine.connect(3001, { waitMs: 1 }))).code, "ECONNREFUSED");
});

test("a signal breaks off a request, its response, and the waiting", async () => {
  await using machine = await serving();
  const reason = new Error("no longer wanted");
  const aborted = (promise: Promise<unknown>) => assert.rejects(promise, (error) => error === reason);
  await aborted(machine.fetch(3000, "/", { signal: AbortSignal.abort(reason) }));
  for (const port of [3000, 3001]) {
    const controller = new AbortController();
    const asking = machine.fetch(port, "/never", { signal: controller.signal, waitMs: 60_000 });
    setTimeout(() => controller.abort(reason), 100);
    await aborted(asking);
  }
  const controller = new AbortController();
  const { body } = await machine.fetch(3000, "/endless", { signal: controller.signal });
  const reader = body?.getReader();
  await reader?.read();
  controller.abort(reason);
  await aborted((async () => { while (!(await reader?.read())?.done); })());
  // Of a `Request` as well. What is left unread is let go.
  const other = new AbortController();
  const asking = machine.fetch(3000, new Request("http://localhost/never", { signal: other.signal }));
  other.abort(reason);
  await aborted(asking);
  await (await machine.fetch(3000, "/endless")).body?.cancel();
});

test("a WebSocket over a connection", async () => {
  await using machine = await serving();
  const connection = await machine.connect(3000);
  const socket = new WebSocket("ws://localhost:3000/", { createConnection: () => connection as never });
  await once(socket, "open");
  for (const message of ["one", "two"]) {
    socket.send(message);
    const [data] = (await once(socket, "message")) as [Buffer];
    assert.equal(data.toString(), message);
  }
  socket.close();
  await once(socket, "close");
});

test("each direction of a connection ends by itself", async () => {
  await using machine = await vm();
  const source = `
    const net = require("node:net");
    net.createServer({ allowHalfOpen: true }, (socket) => {
      let all = "";
      socket.on("data", (data) => (all += data)).on("end", () => socket.end("had " + all));
    }).listen(3000);
    net.createServer((socket) => socket.resetAndDestroy()).listen(3001);`;
  void (await machine.process.spawn("node", ["-e", source])).wait().catch(() => {});
  const connection = await machine.connect(3000, { waitMs: 60_000 });
  connection.write("some");
  connection.end("thing");
  assert.equal(await text(connection), "had something");
  const broken = await machine.connect(3001, { waitMs: 60_000 });
  const [error] = broken.errored ? [broken.errored] : ((await once(broken.resume(), "error").catch((thrown: unknown) => [thrown])) as [CordonError]);
  assert.equal((error as CordonError).code, "ECONNRESET");
});

test("the end of a VM ends its connections", async () => {
  const machine = await serving();
  const response = await machine.fetch(3000, "/pieces");
  const connection = await machine.connect(3000);
  const closed = new Promise((resolve) => connection.once("close", resolve));
  await machine.dispose();
  await rejection(response.text());
  await closed;
  assert.ok(connection.errored);
  await rejection(machine.fetch(3000, "/"));
});

test("connections are counted", async () => {
  await using machine = await vm({ limits: { inboundConnections: 1 } });
  void (await machine.process.spawn("node", ["-e", SERVER])).wait().catch(() => {});
  const only = await machine.connect(3000, { waitMs: 60_000 });
  const refused = await rejection(machine.fetch(3000, "/"));
  assert.deepEqual([refused.code, refused.field], [ErrorCode.LIMIT, "limits.inboundConnections"]);
  only.destroy();
});

test("a runtime has the same", async () => {
  await using runtime = await NodeRuntime.create({ binary: binary() });
  void (await runtime.spawn("node", ["-e", SERVER])).wait().catch(() => {});
  (await runtime.connect(3000, { waitMs: 60_000 })).destroy();
  assert.equal((await runtime.fetch(3000, "/nowhere")).status, 404);
});
