// package: fastify
import http from "node:http";
import Fastify from "fastify";
const app = Fastify({ logger: false });
app.decorate("answer", 42);
app.addHook("onSend", async (request, reply, payload) => {
  reply.header("x-hook", "sent");
  return payload;
});
app.get(
  "/item/:id",
  {
    schema: {
      params: { type: "object", properties: { id: { type: "integer" } } },
      response: { 200: { type: "object", properties: { id: { type: "integer" }, answer: { type: "integer" } } } },
    },
  },
  async (request) => ({ id: request.params.id, answer: app.answer, hidden: true }),
);
app.post("/echo", async (request, reply) => reply.code(201).send({ got: request.body }));
app.register(
  async (child) => {
    child.get("/", async () => "in a plugin");
  },
  { prefix: "/child" },
);
for (const ask of [
  { url: "/item/5" },
  { url: "/item/x" },
  { method: "POST", url: "/echo", payload: { a: 1 } },
  { url: "/child" },
  { url: "/none" },
]) {
  const { statusCode, headers, body } = await app.inject(ask);
  console.log(statusCode, headers["content-type"], headers["x-hook"], body);
}
await app.listen({ port: 0, host: "127.0.0.1" });
const text = await new Promise((resolve) =>
  http.get({ port: app.server.address().port, host: "127.0.0.1", path: "/item/9" }, async (response) =>
    resolve(Buffer.concat(await response.toArray()).toString()),
  ),
);
console.log(text);
await app.close();
console.log("closed");
