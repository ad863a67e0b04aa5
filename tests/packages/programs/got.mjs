// package: got
import http from "node:http";
import got from "got";
let tries = 0;
const server = http.createServer((request, response) => {
  if (request.url === "/flaky" && tries++ < 1) return response.writeHead(503, { "retry-after": "0" }).end("later");
  if (request.url === "/moved") return response.writeHead(302, { location: "/ok" }).end();
  if (request.url === "/bad") return response.writeHead(404).end("no");
  let body = "";
  request
    .on("data", (part) => {
      body += part;
    })
    .on("end", () => response.end(JSON.stringify({ method: request.method, url: request.url, body })));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const api = got.extend({ prefixUrl: `http://127.0.0.1:${server.address().port}` });
console.log(await api.get("ok", { searchParams: { a: 1 } }).json(), await api.post("p", { json: { x: 1 } }).json());
console.log(await api("moved").json(), await api("flaky", { retry: { limit: 2 } }).json(), tries);
await api("bad").catch((error) => console.log(error.name, error.code, error.response.statusCode, error.response.body));
const parts = [];
for await (const part of api.stream("s")) parts.push(part);
console.log(Buffer.concat(parts).toString());
server.close();
server.closeAllConnections();
