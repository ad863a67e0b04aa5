// package: http-proxy
const http = require("node:http");
const httpProxy = require("http-proxy");
const target = http.createServer((request, response) => {
  response.setHeader("x-target", "1");
  let body = "";
  request
    .on("data", (part) => {
      body += part;
    })
    .on("end", () => response.end(`${request.method} ${request.url} ${body} ${request.headers["x-added"]}`));
});
target.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.pipe(socket);
});
target.listen(0, "127.0.0.1", () => {
  const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${target.address().port}`, ws: true });
  proxy.on("proxyReq", (outgoing) => outgoing.setHeader("x-added", "yes"));
  proxy.on("error", (error, request, response) => response.writeHead?.(502).end(error.code));
  const front = http.createServer((request, response) =>
    proxy.web(request, response, request.url === "/dead" ? { target: "http://127.0.0.1:1" } : {}),
  );
  front.on("upgrade", (request, socket, head) => proxy.ws(request, socket, head));
  front.listen(0, "127.0.0.1", async () => {
    const { port } = front.address();
    for (const [method, path, body] of [
      ["GET", "/a"],
      ["POST", "/b", "body"],
      ["GET", "/dead"],
    ])
      await new Promise((resolve) =>
        http
          .request({ host: "127.0.0.1", port, method, path }, async (response) => {
            console.log(
              response.statusCode,
              response.headers["x-target"],
              Buffer.concat(await response.toArray()).toString(),
            );
            resolve();
          })
          .end(body),
      );
    http
      .get({ host: "127.0.0.1", port, headers: { connection: "Upgrade", upgrade: "websocket" } })
      .on("upgrade", (response, socket) => {
        socket.end("through");
        socket.on("data", (data) => {
          console.log(response.statusCode, data.toString());
          socket.destroy();
          front.close();
          target.close();
          front.closeAllConnections();
          target.closeAllConnections();
        });
      });
  });
});
