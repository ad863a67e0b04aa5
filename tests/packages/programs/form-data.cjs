// package: form-data
const http = require("node:http");
const { Readable } = require("node:stream");
const FormData = require("form-data");
const form = new FormData();
form.setBoundary("BOUNDARY");
form.append("field", "value");
form.append("file", Buffer.from("content"), { filename: "a.txt", contentType: "text/plain" });
form.append("stream", Readable.from(["one", "two"]), { filename: "b.bin", knownLength: 6 });
form.getLength((error, length) => console.log(error, length, form.getHeaders()));
const server = http.createServer(async (request, response) => response.end(Buffer.concat(await request.toArray())));
server.listen(0, "127.0.0.1", () => {
  form.submit({ host: "127.0.0.1", port: server.address().port, path: "/" }, async (error, response) => {
    console.log(error, Buffer.concat(await response.toArray()).toString());
    server.close();
  });
});
