// package: express-session
const http = require("node:http");
const express = require("express");
const session = require("express-session");
const app = express();
app.use(
  session({
    secret: "s",
    resave: false,
    saveUninitialized: true,
    name: "sid",
    genid: () => "fixed",
    cookie: { maxAge: 60_000, sameSite: "lax" },
  }),
);
app.get("/", (request, response) => {
  request.session.views = (request.session.views ?? 0) + 1;
  response.send(`views ${request.session.views}`);
});
app.get("/out", (request, response) => request.session.destroy(() => response.send("out")));
const server = app.listen(0, "127.0.0.1", async () => {
  const ask = (path, cookie) =>
    new Promise((resolve) =>
      http.get(
        { host: "127.0.0.1", port: server.address().port, path, headers: cookie ? { cookie } : {} },
        async (response) =>
          resolve([Buffer.concat(await response.toArray()).toString(), response.headers["set-cookie"]?.[0]]),
      ),
    );
  const [first, set] = await ask("/");
  const cookie = set.split(";")[0];
  console.log(
    first,
    set.replace(/Expires=[^;]+/, "Expires"),
    (await ask("/", cookie))[0],
    (await ask("/out", cookie))[0],
    (await ask("/", cookie))[0],
  );
  server.close();
});
