// A program as an agent writes one: it uses packages that were installed, asks an API with a credential that it does not have,
// and serves what it has found out. What else it tries is for nothing.
import http from "node:http";
import net from "node:net";
import { createRequire } from "node:module";

const require = createRequire("/workspace/");
const greet = require("greeter");
require("tool");
const { API, TOKEN } = process.env;

const tried = {};
const attempt = async (name, action) => {
  try {
    tried[name] = await action();
  } catch (error) {
    const why = error.cause?.errors?.[0] ?? error.cause ?? error;
    tried[name] = `${why.code}: ${why.message}`;
  }
};
const status = (response) => response.text().then((text) => `${response.status} ${text}`);
await attempt("another path", async () => status(await fetch(`${API}/admin`)));
await attempt("another method", async () => status(await fetch(`${API}/api/items`, { method: "DELETE" })));
await attempt("another address", async () => status(await fetch("http://1.1.1.1:8080/")));
await attempt("the metadata service", async () => status(await fetch("http://169.254.169.254/latest/meta-data/")));
await attempt("another name", async () => status(await fetch("https://evil.example/")));
await attempt("bytes", () => new Promise((resolve, reject) => net.connect(443, "1.1.1.1", () => resolve("connected")).on("error", reject)));
await attempt("the credential in the path", async () => status(await fetch(`${API}/api/${TOKEN}`)));

const answer = await (await fetch(`${API}/api/items`, { headers: { authorization: `Bearer ${TOKEN}` } })).json();
const server = http.createServer((request, response) => {
  response.end(JSON.stringify({ greeting: greet(request.url.slice(1)), answer, token: TOKEN, tried }));
});
server.listen(3000, () => console.log("listening"));
