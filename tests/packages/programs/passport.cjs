// package: passport
const http = require("node:http");
const express = require("express");
const session = require("express-session");
const passport = require("passport");
class Header extends passport.Strategy {
  name = "header";
  authenticate(request) {
    const user = request.get("x-user");
    if (user) this.success({ id: user });
    else this.fail({ message: "who?" }, 401);
  }
}
passport.use(new Header());
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => done(null, { id, again: true }));
const app = express();
app.use(session({ secret: "s", resave: false, saveUninitialized: false }), passport.initialize(), passport.session());
app.get("/login", passport.authenticate("header"), (request, response) => response.json(request.user));
app.get("/me", (request, response) => response.json({ user: request.user ?? null, is: request.isAuthenticated() }));
const server = app.listen(0, "127.0.0.1", async () => {
  const ask = (path, headers = {}) =>
    new Promise((resolve) =>
      http.get({ host: "127.0.0.1", port: server.address().port, path, headers }, async (response) =>
        resolve([
          response.statusCode,
          Buffer.concat(await response.toArray()).toString(),
          response.headers["set-cookie"]?.[0].split(";")[0],
        ]),
      ),
    );
  const [status, body, cookie] = await ask("/login", { "x-user": "ada" });
  console.log(
    status,
    body,
    Boolean(cookie),
    (await ask("/login"))[0],
    (await ask("/me", { cookie }))[1],
    (await ask("/me"))[1],
  );
  server.close();
});
