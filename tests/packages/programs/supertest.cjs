// package: supertest
const http = require("node:http");
const express = require("express");
const request = require("supertest");
const app = express();
app.get("/user", (incoming, response) => response.set("x-a", "b").json({ name: "ada" }));
app.post("/form", express.urlencoded({ extended: false }), (incoming, response) => response.send(incoming.body));
(async () => {
  const response = await request(app)
    .get("/user")
    .set("accept", "application/json")
    .expect("content-type", /json/)
    .expect(200, { name: "ada" });
  console.log(response.body, response.headers["x-a"]);
  console.log((await request(app).post("/form").type("form").send({ a: 1 })).text);
  await request(app)
    .get("/none")
    .expect(200)
    .catch((error) => console.log(error.message));
  const agent = request.agent(
    http.createServer((incoming, outgoing) =>
      outgoing.setHeader("set-cookie", "s=1").end(incoming.headers.cookie ?? "none"),
    ),
  );
  console.log((await agent.get("/")).text, (await agent.get("/")).text);
})();
