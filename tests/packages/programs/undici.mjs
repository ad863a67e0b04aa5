// package: undici
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import http from "node:http";
import { Agent, FormData, MockAgent, fetch, request, setGlobalDispatcher } from "undici";
const server = http.createServer((incoming, response) => {
  let body = "";
  incoming
    .on("data", (part) => {
      body += part;
    })
    .on("end", () =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ method: incoming.method, url: incoming.url, body })),
    );
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const { statusCode, headers, body } = await request(`${base}/a`, { query: { q: 1 } });
console.log(statusCode, headers["content-type"], await body.json());
console.log(await (await fetch(`${base}/b`, { method: "POST", body: JSON.stringify({ x: 1 }) })).json());
const agent = new Agent({ pipelining: 2 });
console.log(await (await request(`${base}/c`, { method: "PUT", body: "put", dispatcher: agent })).body.json());
const mock = new MockAgent();
mock.disableNetConnect();
mock.get("http://example.com").intercept({ path: "/m" }).reply(200, { mocked: true });
console.log(
  await (await fetch("http://example.com/m", { dispatcher: mock })).json(),
  new FormData() instanceof FormData,
);
setGlobalDispatcher(mock);
await fetch("http://example.org/").catch((error) => console.log(error.name, error.cause.name));
await agent.close();
server.close();
server.closeAllConnections();
