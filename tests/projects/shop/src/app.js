"use strict";

const path = require("node:path");
const express = require("express");

const orders = require("./routes/orders");
const { ShopError, report } = require("./errors");

module.exports = function makeApp({ log }) {
  const app = express();
  app.disable("x-powered-by");
  app.use((request, response, next) => {
    response.on("finish", () => log(`${request.method} ${request.originalUrl} ${response.statusCode}`));
    next();
  });
  app.use(express.json({ limit: "2kb" }));
  app.use("/orders", orders());
  app.use("/public", express.static(path.join(__dirname, "../public"), { etag: false, lastModified: false }));
  app.get("/lines/:count", async (request, response) => {
    response.type("text/plain");
    for (let i = 1; i <= Number(request.params.count); i++) {
      if (!response.write(`line ${i}\n`)) await new Promise((done) => response.once("drain", done));
    }
    response.end();
  });
  app.post("/sum", async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    response.json({ bytes });
  });
  app.get("/broken", () => {
    throw new ShopError(418, "no coffee here");
  });
  app.get("/rejected", async () => {
    await null;
    JSON.parse("{");
  });
  app.use((request, response, next) => next(new ShopError(404, `nothing at ${request.path}`)));
  app.use(report(log));
  return app;
};
