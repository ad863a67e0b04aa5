"use strict";

// Starts the server, is its client, and stops it.
const fs = require("node:fs");
const http = require("node:http");
const { once } = require("node:events");

const makeApp = require("./app");

const shown = ["content-type", "content-length", "location", "transfer-encoding", "cache-control", "accept-ranges"];

async function show(name, response) {
  const headers = shown.filter((header) => response.headers.has(header)).map((header) => `${header}: ${response.headers.get(header)}`);
  const body = await response.text();
  console.log(name, response.status, response.statusText, headers, body.length > 120 ? `${body.length} characters` : body);
}

async function main() {
  const log = fs.createWriteStream("access.log");
  const server = makeApp({ log: (line) => log.write(`${line}\n`) }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${server.address().port}`;
  const post = (path, body, type = "application/json") => fetch(base + path, { method: "POST", body, headers: { "content-type": type } });

  const order = { customer: "ada", items: [{ price: 250, count: 2 }, { price: 99, count: 1 }] };
  const made = await post("/orders", JSON.stringify(order));
  const location = made.headers.get("location");
  await show("made", made);
  await show("all", await fetch(`${base}/orders?customer=ada`));
  await show("none", await fetch(`${base}/orders?customer=bob`));
  await show("one", await fetch(base + location));
  await show("deleted", await fetch(base + location, { method: "DELETE" }));
  await show("gone", await fetch(base + location));
  await show("static", await fetch(`${base}/public/`));
  await show("traversal", await fetch(`${base}/public/..%2fpackage.json`));
  await show("streamed", await fetch(`${base}/lines/20000`));
  await show("invalid JSON", await post("/orders", "{"));
  await show("too large", await post("/orders", JSON.stringify("x".repeat(4096))));
  await show("wrong", await post("/orders", "{}"));
  await show("thrown", await fetch(`${base}/broken`));
  await show("rejected", await fetch(`${base}/rejected`));
  await show("nothing", await fetch(`${base}/nothing`));

  // A body that is written piece by piece, over a connection that is kept.
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (const pieces of [3, 5]) {
    const request = http.request(`${base}/sum`, { method: "POST", agent, headers: { "content-type": "application/octet-stream" } });
    const answered = once(request, "response");
    for (let i = 0; i < pieces; i++) {
      if (!request.write(Buffer.alloc(100_000, i))) await once(request, "drain");
    }
    request.end();
    const [response] = await answered;
    response.setEncoding("utf8");
    let body = "";
    for await (const part of response) body += part;
    console.log("sum", response.statusCode, body, request.reusedSocket);
  }
  agent.destroy();
  server.close();
  await once(server, "close");
  log.end();
  await once(log, "finish");
  if (process.argv.includes("--twice")) makeApp({ log: console.log }).listen(-1);
}

main();
