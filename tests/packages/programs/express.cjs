// package: express
const express = require("express");
const app = express();
app.disable("x-powered-by");
app.use(express.json(), (request, response, next) => {
  response.set("x-seen", request.method);
  next();
});
const router = express.Router();
router.get("/:id", (request, response) => response.json({ id: request.params.id, query: request.query }));
router.post("/", (request, response) => response.status(201).send(`made ${request.body.name}`));
app.use("/users", router);
app.get("/fail", async () => {
  throw new Error("no");
});
app.get("/redirect", (request, response) => response.redirect("/users/1"));
app.use((error, request, response, next) =>
  response
    .status(error.status ?? 500)
    .type("text")
    .send(`error: ${error.message}`),
);
const server = app.listen(0, "127.0.0.1", async () => {
  const { get, request } = require("node:http");
  const port = server.address().port;
  const ask = (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = body ? { "content-type": "application/json" } : {};
      request({ host: "127.0.0.1", port, method, path, headers }, (response) => {
        let text = "";
        response
          .setEncoding("utf8")
          .on("data", (part) => {
            text += part;
          })
          .on("end", () =>
            resolve([
              response.statusCode,
              response.headers["x-seen"],
              response.headers.etag,
              response.headers.location,
              text,
            ]),
          );
      })
        .on("error", reject)
        .end(body);
    });
  console.log(await ask("GET", "/users/7?a[b]=1&c=2"));
  console.log(await ask("POST", "/users", '{"name":"Ada"}'));
  console.log(await ask("POST", "/users", "{bad"));
  console.log(await ask("GET", "/fail"), await ask("GET", "/redirect"), (await ask("GET", "/none"))[0]);
  server.close(() => console.log("closed"));
});
