// package: hono
import { Hono } from "hono";
import { cors } from "hono/cors";
import { html } from "hono/html";
import { sign, verify } from "hono/jwt";
const app = new Hono().basePath("/api");
app.use("*", cors({ origin: "https://example.com" }));
app.get("/hello/:name", (c) => c.json({ hello: c.req.param("name"), q: c.req.query("q") }));
app.post("/form", async (c) => c.text(Object.entries(await c.req.parseBody()).join(";"), 201));
app.get("/page", (c) => c.html(html`<p>${"<escaped>"}</p>`));
app.onError((error, c) => c.text(error.message, 500));
app.get("/fail", () => {
  throw new Error("broken");
});
for (const [path, init] of [
  ["/api/hello/ada?q=1"],
  ["/api/form", { method: "POST", body: new URLSearchParams({ a: "1", b: "2" }) }],
  ["/api/page"],
  ["/api/fail"],
  ["/none"],
]) {
  const response = await app.request(path, init);
  console.log(
    response.status,
    response.headers.get("access-control-allow-origin"),
    response.headers.get("content-type"),
    await response.text(),
  );
}
console.log(await verify(await sign({ sub: "x" }, "secret", "HS256"), "secret", "HS256"));
