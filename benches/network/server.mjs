/**
 * The server that both sides ask: `/` answers a few bytes, `/megabytes/N` so many of them, `PUT` counts what it is sent. Over
 * TLS where it is told a certificate and its key, in JSON.
 */
import http from "node:http";
import https from "node:https";

const chunk = Buffer.alloc(1 << 20, 7);

const tls = process.argv[2] && JSON.parse(process.argv[2]);
const answer = async (request, response) => {
  if (request.method === "PUT") {
    let length = 0;
    for await (const part of request) length += part.length;
    return response.end(String(length));
  }
  const megabytes = Number(/^\/megabytes\/(\d+)$/.exec(request.url)?.[1] ?? 0);
  if (megabytes === 0) return response.end("hello");
  response.setHeader("content-length", megabytes * chunk.length);
  for (let sent = 0; sent < megabytes; sent++) {
    if (!response.write(chunk)) await new Promise((done) => response.once("drain", done));
  }
  response.end();
};
const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
