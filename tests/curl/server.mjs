// The server of the cases beside: at 8000, and at 8001 for those that go elsewhere. Tells who asks what it saw.
import { createServer } from "node:http";
import { deflateSync, gzipSync, deflateRawSync } from "node:zlib";

const text = "0123456789".repeat(20);
const tries = new Map();

const routes = {
  // What was asked, as it came; what is drawn by lot has a name.
  echo(request, response, url, body) {
    let seen = `${request.method} ${request.url} HTTP/${request.httpVersion}\n`;
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      seen += `${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}\n`;
    }
    seen += `\n${body.toString("latin1")}`;
    const boundary = /boundary=(-+\w+)/.exec(request.headers["content-type"])?.[1];
    if (boundary) seen = seen.replaceAll(boundary, "BOUNDARY").replace(/Content-Length: \d+/, "Content-Length: N");
    response.setHeader("content-type", "text/plain; charset=latin1");
    response.end(Buffer.from(seen, "latin1"));
  },
  length: (request, response, url, body) => response.end(`${request.method} ${body.length} ${request.headers.expect}\n`),
  status: (request, response, url) => response.writeHead(Number(url.pathname.split("/")[2])).end("the page\n"),
  redirect(request, response, url) {
    response.writeHead(Number(url.pathname.split("/")[2]), { location: url.searchParams.get("to") });
    response.end("it is elsewhere\n");
  },
  loop: (request, response) => response.writeHead(302, { location: "/loop" }).end(),
  gzip: (request, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(text)),
  deflate: (request, response) => response.setHeader("content-encoding", "deflate").end(deflateSync(text)),
  raw: (request, response) => response.setHeader("content-encoding", "deflate").end(deflateRawSync(text)),
  damaged: (request, response) => response.setHeader("content-encoding", "gzip").end("this is no gzip"),
  odd: (request, response) => response.setHeader("content-encoding", "odd").end("x"),
  chunked(request, response) {
    response.setHeader("trailer", "x-trailer");
    response.write("one ");
    response.write("two ");
    response.addTrailers({ "x-trailer": "behind" });
    response.end("three\n");
  },
  large(request, response, url) {
    let left = Number(url.searchParams.get("n"));
    const piece = Buffer.alloc(65536, "x");
    const more = () => {
      while (left > 0) {
        const part = piece.subarray(0, left);
        left -= part.length;
        if (!response.write(part)) return response.once("drain", more);
      }
      response.end();
    };
    more();
  },
  none: (request, response) => response.writeHead(204).end(),
  hang() {},
  slowly(request, response) {
    response.writeHead(200, { "content-length": 10 });
    response.write("abc");
  },
  empty: (request) => request.socket.destroy(),
  cut(request, response) {
    response.writeHead(200, { "content-length": 10, date: "x" });
    response.write("abc", () => request.socket.destroy());
  },
  cutchunk(request, response) {
    response.write("abc", () => request.socket.destroy());
  },
  early(request, response) {
    response.writeHead(413, { connection: "close" }).end("too much\n");
  },
  count(request, response) {
    let all = 0;
    request.on("data", (piece) => (all += piece.length));
    request.on("end", () => response.end(`${all}\n`));
  },
  junk: (request) => request.socket.end("what is this\r\n\r\n"),
  heads: (request) => request.socket.end(`HTTP/1.1 200 OK\r\n${"x-a: b\r\n".repeat(5000)}`),
  old: (request) => request.socket.end("HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\nold\n"),
  hints(request, response) {
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    response.end("hinted\n");
  },
  cookies(request, response) {
    response.setHeader("set-cookie", ["a=1; Path=/", "b=2; Path=/echo; HttpOnly", "gone=1; Max-Age=0", "safe=1; Secure"]);
    response.end("set\n");
  },
  range(request, response) {
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (!range) return response.end(text);
    const from = Number(range[1]);
    if (from >= text.length) return response.writeHead(416).end("no such range\n");
    const part = text.slice(from, range[2] === "" ? undefined : Number(range[2]) + 1);
    response.writeHead(206, { "content-range": `bytes ${from}-${from + part.length - 1}/${text.length}` }).end(part);
  },
  named(request, response, url) {
    response.setHeader("content-disposition", `attachment; filename=${url.searchParams.get("as")}`).end("named\n");
  },
  dated: (request, response) => response.setHeader("last-modified", "Fri, 02 Jan 2015 03:04:05 GMT").end("dated\n"),
  auth(request, response) {
    const is = request.headers.authorization === "Basic bWU6cHc=";
    response.writeHead(is ? 200 : 401, { "www-authenticate": "Basic" }).end(is ? "you\n" : "who?\n");
  },
  // Fails until it was asked so many times.
  try(request, response, url) {
    const name = url.searchParams.get("name");
    tries.set(name, (tries.get(name) ?? 0) + 1);
    const fails = tries.get(name) < Number(url.searchParams.get("times"));
    response.writeHead(fails ? 503 : 200).end(`try ${tries.get(name)}\n`);
  },
  // Whether it was asked over the connection of the request before.
  reused(request, response) {
    request.socket.asked = (request.socket.asked ?? 0) + 1;
    response.end(`${request.socket.asked}\n`);
  },
  closing: (request, response) => response.setHeader("connection", "close").end("closing\n"),
};

function answer(request, response) {
  const url = new URL(request.url, "http://server");
  const route = routes[url.pathname.split("/")[1]];
  response.sendDate = false;
  if (!route) return response.writeHead(404).end("there is no such page\n");
  if (["/early", "/count"].includes(url.pathname)) return route(request, response);
  const body = [];
  request.on("data", (piece) => body.push(piece));
  request.on("end", () => route(request, response, url, Buffer.concat(body)));
}

const [...ports] = process.argv.slice(2).map(Number);
let listening = 0;
for (const port of ports) {
  createServer(answer).listen(port, "127.0.0.1", () => {
    if (++listening === ports.length) console.log("listening");
  });
}
