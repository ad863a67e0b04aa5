// package: cors
const http = require("node:http");
const cors = require("cors");
const handle = cors({
  origin: [/\.example\.com$/, "https://other.test"],
  methods: ["GET", "PUT"],
  credentials: true,
  maxAge: 60,
  exposedHeaders: ["x-a"],
});
const server = http.createServer((request, response) => handle(request, response, () => response.end("handled")));
server.listen(0, "127.0.0.1", async () => {
  for (const [method, origin] of [
    ["GET", "https://a.example.com"],
    ["OPTIONS", "https://other.test"],
    ["GET", "https://evil.test"],
    ["GET", undefined],
  ]) {
    await new Promise((resolve) =>
      http
        .request(
          {
            host: "127.0.0.1",
            port: server.address().port,
            method,
            headers: origin ? { origin, "access-control-request-headers": "x-b" } : {},
          },
          async (response) => {
            const headers = Object.entries(response.headers).filter(
              ([name]) => name.startsWith("access-") || name === "vary",
            );
            console.log(response.statusCode, headers, Buffer.concat(await response.toArray()).toString());
            resolve();
          },
        )
        .end(),
    );
  }
  server.close();
});
