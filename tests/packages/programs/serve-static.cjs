// package: serve-static
const fs = require("node:fs");
const http = require("node:http");
const serveStatic = require("serve-static");
fs.mkdirSync("/tmp/static/sub", { recursive: true });
fs.writeFileSync("/tmp/static/index.html", "<h1>index</h1>");
fs.writeFileSync("/tmp/static/a.txt", "0123456789");
fs.writeFileSync("/tmp/static/.hidden", "h");
const serve = serveStatic("/tmp/static", {
  maxAge: "1h",
  etag: false,
  lastModified: false,
  extensions: ["txt"],
  dotfiles: "deny",
});
const server = http.createServer((request, response) =>
  serve(request, response, (error) => {
    response.statusCode = error?.statusCode ?? 404;
    response.end(error?.message ?? "none");
  }),
);
server.listen(0, "127.0.0.1", async () => {
  for (const [path, headers] of [
    ["/", {}],
    ["/a.txt", { range: "bytes=2-4" }],
    ["/a", {}],
    ["/sub", {}],
    ["/.hidden", {}],
    ["/../x", {}],
    ["/a.txt", { range: "bytes=90-" }],
  ]) {
    await new Promise((resolve) =>
      http.get({ host: "127.0.0.1", port: server.address().port, path, headers }, async (response) => {
        console.log(
          path,
          response.statusCode,
          response.headers["content-type"],
          response.headers["content-range"],
          response.headers.location,
          response.headers["cache-control"],
          Buffer.concat(await response.toArray())
            .toString()
            .slice(0, 40)
            .replaceAll("\n", " "),
        );
        resolve();
      }),
    );
  }
  server.close();
});
