// package: compression
const http = require("node:http");
const zlib = require("node:zlib");
const compression = require("compression");
const handle = compression({ threshold: 100 });
const server = http.createServer((request, response) =>
  handle(request, response, () => {
    response.setHeader("content-type", request.url === "/png" ? "image/png" : "text/plain");
    response.end(request.url === "/small" ? "small" : "large ".repeat(200));
  }),
);
server.listen(0, "127.0.0.1", async () => {
  for (const [path, encoding, decode] of [
    ["/", "gzip", zlib.gunzipSync],
    ["/", "deflate", zlib.inflateSync],
    ["/", "br", zlib.brotliDecompressSync],
    ["/small", "gzip"],
    ["/png", "gzip"],
    ["/", "identity"],
  ]) {
    await new Promise((resolve) =>
      http.get(
        { host: "127.0.0.1", port: server.address().port, path, headers: { "accept-encoding": encoding } },
        async (response) => {
          const body = Buffer.concat(await response.toArray());
          console.log(
            path,
            encoding,
            response.headers["content-encoding"],
            response.headers.vary,
            (decode?.(body) ?? body).length,
          );
          resolve();
        },
      ),
    );
  }
  server.close();
});
