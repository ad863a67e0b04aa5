// A server of HTTP/2 and its client in one VM: bodies larger than the windows, push, trailers, resets, settings.
import http2 from "node:http2";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const { constants } = http2;
const LARGE = Buffer.alloc(3 << 20, "0123456789abcdef");
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const file = path.join(tmpdir(), `http2-${process.pid}.txt`);
writeFileSync(file, LARGE.subarray(0, 300_000));

async function body(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const server = http2.createServer({ settings: { maxConcurrentStreams: 50 } });
server.on("stream", async (stream, headers) => {
  stream.on("error", (error) => console.log("server's stream", error.code));
  switch (headers[":path"]) {
    case "/echo": {
      const bytes = await body(stream);
      stream.respond({ "x-length": bytes.length, "x-digest": digest(bytes) }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "all sent" }));
      stream.end(bytes);
      break;
    }
    case "/push":
      stream.additionalHeaders({ ":status": 103, link: "</pushed>" });
      stream.pushStream({ ":path": "/pushed" }, (error, pushed) => {
        pushed.respond({ ":status": 200, "x-pushed": "yes" });
        pushed.end("pushed");
        stream.respond({ ":status": 200 });
        stream.end("pushing");
      });
      break;
    case "/file":
      stream.respondWithFile(file, { "content-type": "text/plain" }, { offset: 10, length: 200_000 });
      break;
    case "/reset":
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      break;
    default:
      stream.respond({ ":status": 404 }, { endStream: true });
  }
});
server.listen(0);
await once(server, "listening");

const client = http2.connect(`http://localhost:${server.address().port}`);
const [remote] = await once(client, "remoteSettings");
console.log("settings", remote.maxConcurrentStreams, remote.initialWindowSize);

// A reader that stops now and then: the windows hold the writer back.
const echo = client.request({ ":path": "/echo", ":method": "POST" });
echo.end(LARGE);
echo.on("trailers", (trailers) => console.log("trailers", trailers["x-end"]));
const [answer] = await once(echo, "response");
let count = 0;
const hash = createHash("sha256");
for await (const chunk of echo) {
  count += chunk.length;
  hash.update(chunk);
  if (count % 5 === 0) await new Promise((done) => setImmediate(done));
}
console.log("echo", answer[":status"], answer["x-length"], answer["x-digest"] === digest(LARGE), count,
  hash.digest("hex").slice(0, 16) === digest(LARGE));

const pushed = once(client, "stream");
const pushing = client.request({ ":path": "/push" });
pushing.on("headers", (headers) => console.log("early", headers[":status"], headers.link));
const main = body(pushing);
const [stream, promised] = await pushed;
const [[response], extra] = await Promise.all([once(stream, "push"), body(stream)]);
console.log("pushed", promised[":path"], response["x-pushed"], String(extra), String(await main));

const sent = client.request({ ":path": "/file" });
const [head] = await once(sent, "response");
const part = await body(sent);
console.log("file", head["content-length"], part.equals(LARGE.subarray(10, 200_010)));

const refused = client.request({ ":path": "/reset" });
const [error] = await once(refused, "error");
console.log("reset", error.code, refused.rstCode);

const many = await Promise.all(Array.from({ length: 40 }, async () => {
  const request = client.request({ ":path": "/nothing" });
  const [headers] = await once(request, "response");
  request.resume();
  await once(request, "close");
  return headers[":status"];
}));
console.log("many", many.length, new Set(many));

client.ping(Buffer.from("12345678"), (error, duration, payload) => {
  console.log("ping", error, typeof duration, String(payload));
  client.close();
  server.close();
});
await once(client, "close");
rmSync(file);

// The same by way of requests and responses, with a body that is piped.
const compatible = http2.createServer((request, response) => {
  response.setHeader("x-method", request.method);
  response.writeHead(201);
  request.pipe(response);
});
compatible.listen(0);
await once(compatible, "listening");
const session = http2.connect(`http://localhost:${compatible.address().port}`);
const request = session.request({ ":method": "PUT", ":path": "/" });
request.end("through");
const [created] = await once(request, "response");
console.log(created[":status"], created["x-method"], String(await body(request)));
session.close();
compatible.close();
