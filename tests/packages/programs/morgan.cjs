// package: morgan
const http = require("node:http");
const morgan = require("morgan");
const lines = [];
morgan.token("x", (request) => request.headers["x-a"]);
const log = morgan(":method :url :status :res[content-length] :x :user-agent", {
  stream: { write: (line) => lines.push(line.trim()) },
  skip: (request) => request.url === "/skip",
});
const server = http.createServer((request, response) =>
  log(request, response, () => {
    response.statusCode = request.url === "/bad" ? 500 : 200;
    response.setHeader("content-length", 2);
    response.end("ok");
  }),
);
server.listen(0, "127.0.0.1", async () => {
  for (const path of ["/a", "/bad", "/skip"])
    await new Promise((resolve) =>
      http.get(
        { host: "127.0.0.1", port: server.address().port, path, headers: { "x-a": "1", "user-agent": "t" } },
        (response) => response.resume().on("end", resolve),
      ),
    );
  server.close(() => console.log(lines));
});
