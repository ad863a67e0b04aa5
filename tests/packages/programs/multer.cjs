// package: multer
const fs = require("node:fs");
const express = require("express");
const FormData = require("form-data");
const multer = require("multer");
const app = express();
const memory = multer({ storage: multer.memoryStorage(), limits: { fileSize: 10 } });
const disk = multer({ dest: "/tmp/uploads" });
app.post("/memory", memory.single("file"), (request, response) =>
  response.json({ body: request.body, name: request.file.originalname, text: request.file.buffer.toString() }),
);
app.post("/disk", disk.array("file"), (request, response) =>
  response.json(request.files.map((file) => [file.mimetype, file.size, fs.readFileSync(file.path, "utf8")])),
);
app.use((error, request, response, next) => response.status(400).json({ code: error.code }));
const server = app.listen(0, "127.0.0.1", async () => {
  const send = (path, text) =>
    new Promise((resolve) => {
      const form = new FormData();
      form.append("a", "1");
      form.append("file", Buffer.from(text), { filename: "x.txt" });
      form.submit({ host: "127.0.0.1", port: server.address().port, path }, async (error, response) =>
        resolve(Buffer.concat(await response.toArray()).toString()),
      );
    });
  console.log(await send("/memory", "small"), await send("/memory", "far too large"), await send("/disk", "on disk"));
  server.close();
});
