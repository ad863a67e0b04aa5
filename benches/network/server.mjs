/** The server that both sides ask: `/` answers a few bytes, `/megabytes/N` so many of them, `PUT` counts what it is sent. */
import { createServer } from "node:http";

const chunk = Buffer.alloc(1 << 20, 7);

const server = createServer(async (request, response) => {
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
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
