// package: helmet
const http = require("node:http");
const helmet = require("helmet");
const handle = helmet({
  contentSecurityPolicy: { directives: { scriptSrc: ["'self'", "example.com"] } },
  frameguard: { action: "deny" },
});
const server = http.createServer((request, response) =>
  handle(request, response, (error) => response.end(String(error))),
);
server.listen(0, "127.0.0.1", () =>
  http.get({ host: "127.0.0.1", port: server.address().port }, async (response) => {
    console.log(
      Object.entries(response.headers).filter(([name]) => !["date", "connection", "keep-alive"].includes(name)),
      Buffer.concat(await response.toArray()).toString(),
    );
    server.close();
  }),
);
