// package: body-parser
const http = require("node:http");
const zlib = require("node:zlib");
const bodyParser = require("body-parser");
const parsers = [
  bodyParser.json({ limit: "1kb" }),
  bodyParser.urlencoded({ extended: true }),
  bodyParser.text(),
  bodyParser.raw(),
];
const server = http.createServer((request, response) => {
  const next = (index) => (error) => {
    if (error) return response.end(JSON.stringify([error.status, error.type]));
    if (index === parsers.length) return response.end(JSON.stringify(request.body));
    parsers[index](request, response, next(index + 1));
  };
  next(0)();
});
server.listen(0, "127.0.0.1", async () => {
  for (const [type, body, encoding] of [
    ["application/json", '{"a":[1]}'],
    ["application/json", "{"],
    ["application/json", `"${"x".repeat(2000)}"`],
    ["application/x-www-form-urlencoded", "a[b]=1&a[c][]=2"],
    ["text/plain", "text"],
    ["application/octet-stream", Buffer.from([1, 2])],
    ["application/json", zlib.gzipSync('{"z":1}'), "gzip"],
    ["text/plain; charset=iso-8859-1", Buffer.from([0xe9])],
  ]) {
    await new Promise((resolve) =>
      http
        .request(
          {
            host: "127.0.0.1",
            port: server.address().port,
            method: "POST",
            headers: { "content-type": type, ...(encoding && { "content-encoding": encoding }) },
          },
          async (response) => {
            console.log(Buffer.concat(await response.toArray()).toString());
            resolve();
          },
        )
        .end(body),
    );
  }
  server.close();
});
