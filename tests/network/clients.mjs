// What the tests run in a VM and in Node, to compare: the clients that programs use, each against the servers of
// servers.mjs. PORTS is where those are.
import { createHash } from "node:crypto";
import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { Readable } from "node:stream";

import axios from "axios";
import got from "got";
import { Client } from "undici";
import WebSocket from "ws";

const ports = JSON.parse(process.env.PORTS);
const base = `https://127.0.0.1:${ports.https}`;
const LARGE = 50 << 20;
const show = (name, value) => console.log(name, typeof value === "string" ? value : JSON.stringify(value));

function* blocks(length) {
  const block = Buffer.alloc(65_536, "y");
  for (let left = length; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
}

async function digest(stream) {
  const hash = createHash("sha256");
  let length = 0;
  for await (const data of stream) {
    hash.update(data);
    length += data.length;
  }
  return `${length} ${hash.digest("hex")}`;
}

show("fetch", await (await fetch(`${base}/a?b=1`)).json());
show("fetch post", await (await fetch(`${base}/p`, { method: "POST", body: "body" })).json());
show("redirect", await (await fetch(`${base}/redirect`)).json());
show("slow", await (await fetch(`${base}/slow`)).text());
show("down", await digest((await fetch(`${base}/bytes?length=${LARGE}`)).body));
show("up", await (await fetch(`${base}/hash`, { method: "POST", duplex: "half", body: Readable.toWeb(Readable.from(blocks(LARGE))) })).json());
show("dies", await fetch(`${base}/dies`).then((response) => response.text()).catch((error) => `${error.name} ${error.cause?.code}`));

show("axios", (await axios.get(`${base}/axios`)).data);
show("axios post", (await axios.post(`${base}/axios`, { a: 1 })).data);
show("got", await got.post(`${base}/got`, { json: { a: 1 } }).json());
show("got stream", await digest(got.stream(`${base}/bytes?length=${1 << 20}`)));

const client = new Client(base);
const { statusCode, body } = await client.request({ path: "/undici", method: "GET" });
show("undici", [statusCode, await body.json()]);
await client.close();

const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
const get = (path) =>
  new Promise((resolve, reject) => {
    https.get(`${base}${path}`, { agent }, (response) => {
      const shown = [response.statusCode, response.socket.authorized, response.socket.getProtocol()];
      response.resume().on("end", () => resolve(shown));
    }).on("error", reject);
  });
show("https", await get("/https"));
show("https kept", (await Promise.all(Array.from({ length: 40 }, (_, index) => get(`/${index}`)))).length);
agent.destroy();

const session = http2.connect(`https://127.0.0.1:${ports.http2}`);
const ask = async (headers, content) => {
  const stream = session.request(headers);
  stream.end(content);
  let text = "";
  for await (const data of stream.setEncoding("utf8")) text += data;
  return JSON.parse(text);
};
show("http2", await Promise.all([ask({ ":path": "/one" }), ask({ ":path": "/two", ":method": "POST" }, "body")]));
session.close();

const socket = new WebSocket(`wss://127.0.0.1:${ports.https}/`);
await once(socket, "open");
const heard = [];
for (const message of ["text", Buffer.alloc(200_000, "z")]) {
  socket.send(message);
  const [data, isBinary] = await once(socket, "message");
  heard.push([data.length, isBinary]);
}
socket.close();
await once(socket, "close");
show("ws", heard);

const standard = new globalThis.WebSocket(`wss://127.0.0.1:${ports.https}/`);
await once(standard, "open");
standard.send("hello");
const [{ data }] = await once(standard, "message");
standard.close();
show("WebSocket", data);

if (ports.half) {
  const half = net.connect(ports.half, "127.0.0.1");
  half.end("x".repeat(100_000));
  show("half", (await half.setEncoding("utf8").toArray()).join(""));
  const many = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const one = net.connect(ports.half, "127.0.0.1");
      await once(one, "connect");
      one.end("x");
      return (await one.setEncoding("utf8").toArray()).join("");
    }),
  );
  show("many", [many.length, [...new Set(many)]]);
}
