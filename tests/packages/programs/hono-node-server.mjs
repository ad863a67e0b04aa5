// package: @hono/node-server
import http from "node:http";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { stream } from "hono/streaming";
const app = new Hono();
app.get("/", (c) => c.text("hello"));
app.post("/sum", async (c) => c.json({ sum: (await c.req.json()).reduce((a, b) => a + b) }));
app.get("/stream", (c) =>
  stream(c, async (out) => {
    for (const part of ["a", "b", "c"]) await out.write(part);
  }),
);
const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, async ({ port }) => {
  const ask = (method, path, body) =>
    new Promise((resolve, reject) =>
      http
        .request({ host: "127.0.0.1", port, method, path }, async (response) =>
          resolve(`${response.statusCode} ${Buffer.concat(await response.toArray())}`),
        )
        .on("error", reject)
        .end(body),
    );
  console.log(
    await ask("GET", "/"),
    await ask("POST", "/sum", "[1,2,3]"),
    await ask("GET", "/stream"),
    await ask("GET", "/none"),
  );
  server.close(() => console.log("closed"));
});
