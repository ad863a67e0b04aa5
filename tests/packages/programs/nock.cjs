// package: nock
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
// Its interceptors bring their own HTTP parser, in WebAssembly.
const http = require("node:http");
const { default: nock } = require("nock");
nock.disableNetConnect();
const scope = nock("http://example.test")
  .get("/a")
  .query({ q: "1" })
  .reply(200, { ok: true })
  .post("/b", { n: 1 })
  .matchHeader("x-a", "1")
  .reply(201, (uri, body) => `${uri} ${JSON.stringify(body)}`)
  .get("/fail")
  .replyWithError("broken");
const ask = (method, path, body, headers = {}) =>
  new Promise((resolve) =>
    http
      .request(
        `http://example.test${path}`,
        { method, headers: { ...headers, ...(body && { "content-type": "application/json" }) } },
        async (response) => resolve(`${response.statusCode} ${Buffer.concat(await response.toArray())}`),
      )
      .on("error", (error) => resolve(error.message.split("\n")[0]))
      .end(body),
  );
(async () => {
  console.log(
    await ask("GET", "/a?q=1"),
    await ask("POST", "/b", '{"n":1}', { "x-a": "1" }),
    await ask("GET", "/fail"),
    scope.isDone(),
    await ask("GET", "/none"),
    nock.pendingMocks(),
  );
})();
