// package: node-fetch
import http from "node:http";
import zlib from "node:zlib";
import fetch, { FormData, Headers, Request } from "node-fetch";
const server = http.createServer((request, response) => {
  if (request.url === "/gzip")
    return response.writeHead(200, { "content-encoding": "gzip" }).end(zlib.gzipSync("squeezed"));
  if (request.url === "/moved") return response.writeHead(301, { location: "/x" }).end();
  let body = "";
  request
    .on("data", (part) => {
      body += part;
    })
    .on("end", () =>
      response
        .writeHead(request.url === "/bad" ? 500 : 200)
        .end(`${request.method} ${request.url} ${body.replace(/-{6,}\d+/g, "BOUNDARY")}`),
    );
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const at = (path) => `http://127.0.0.1:${server.address().port}${path}`;
console.log(await (await fetch(at("/a?b=1"))).text(), await (await fetch(at("/gzip"))).text());
console.log(
  await (await fetch(new Request(at("/p"), { method: "POST", body: "hi", headers: new Headers({ a: "b" }) }))).text(),
);
const moved = await fetch(at("/moved")),
  bad = await fetch(at("/bad"));
console.log(moved.redirected, new URL(moved.url).pathname, bad.ok, bad.status);
const form = new FormData();
form.set("field", "value");
console.log(await (await fetch(at("/f"), { method: "PUT", body: form })).text());
await fetch("http://127.0.0.1:1/").catch((error) => console.log(error.name, error.code));
server.close();
server.closeAllConnections();
