// package: koa
const http = require("node:http");
const Koa = require("koa");
const app = new Koa({ keys: ["k"] });
app.silent = true;
const order = [];
app.use(async (ctx, next) => {
  order.push("in");
  await next();
  order.push("out");
  ctx.set("x-order", order.splice(0).join(","));
});
app.use(async (ctx) => {
  if (ctx.path === "/json") ctx.body = { query: ctx.query, ip: ctx.ip };
  else if (ctx.path === "/cookie") {
    ctx.cookies.set("a", "1", { signed: true });
    ctx.body = "set";
  } else if (ctx.path === "/fail") ctx.throw(418, "teapot");
});
const server = app.listen(0, "127.0.0.1", async () => {
  for (const path of ["/json?a=1", "/cookie", "/fail", "/none"]) {
    await new Promise((resolve) =>
      http.get({ host: "127.0.0.1", port: server.address().port, path }, async (response) => {
        console.log(
          response.statusCode,
          response.headers["x-order"],
          response.headers["set-cookie"],
          Buffer.concat(await response.toArray()).toString(),
        );
        resolve();
      }),
    );
  }
  server.close();
});
