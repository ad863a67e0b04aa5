// Real servers for the tests: Node's own over TLS, with certificates of an authority of the tests.
//
// Owns:   the authority, the servers, how each of them behaves.
import { createHash } from "node:crypto";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { createRequire } from "node:module";

/** Packages of the tests, wherever they were installed. */
export function load(folder) {
  const require = createRequire(`${folder}/`);
  return { forge: require("node-forge"), ws: require("ws") };
}

/** An authority, and what it issues for 127.0.0.1 and localhost. In PEM. */
export function certificates(forge) {
  const { pki } = forge;
  const make = (serial, name, issuer, extensions) => {
    const keys = pki.rsa.generateKeyPair(2048);
    const certificate = pki.createCertificate();
    certificate.publicKey = keys.publicKey;
    certificate.serialNumber = serial;
    certificate.validity.notBefore = new Date(Date.now() - 86_400_000);
    certificate.validity.notAfter = new Date(Date.now() + 7 * 86_400_000);
    const subject = [{ name: "commonName", value: name }];
    certificate.setSubject(subject);
    certificate.setIssuer(issuer?.subject ?? subject);
    certificate.setExtensions(extensions);
    certificate.sign(issuer?.key ?? keys.privateKey, forge.md.sha256.create());
    return { subject, key: keys.privateKey, pem: pki.certificateToPem(certificate), keyPem: pki.privateKeyToPem(keys.privateKey) };
  };
  const authority = make("01", "Authority of tests", undefined, [{ name: "basicConstraints", cA: true }, { name: "keyUsage", keyCertSign: true }]);
  const server = make("02", "localhost", authority, [
    { name: "basicConstraints", cA: false },
    { name: "extKeyUsage", serverAuth: true },
    { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }, { type: 7, ip: "127.0.0.1" }] },
  ]);
  return { ca: authority.pem, cert: server.pem, key: server.keyPem };
}

const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

async function hashed(stream) {
  const hash = createHash("sha256");
  let length = 0;
  for await (const data of stream) {
    hash.update(data);
    length += data.length;
  }
  return { length, digest: hash.digest("hex") };
}

/** What every request of the servers is answered with. */
async function answer(request, response) {
  const url = new URL(request.url, "https://localhost");
  switch (url.pathname) {
    case "/hash":
      return response.end(JSON.stringify(await hashed(request)));
    case "/bytes": {
      let left = Number(url.searchParams.get("length"));
      const block = Buffer.alloc(65_536, "x");
      while (left > 0) {
        const length = Math.min(left, block.length);
        left -= length;
        if (!response.write(block.subarray(0, length))) await new Promise((resolve) => response.once("drain", resolve));
      }
      return response.end();
    }
    case "/slow":
      response.write("one ");
      return setTimeout(() => response.end("two"), 300);
    case "/dies":
      response.writeHead(200, { "content-length": "1000" });
      response.write("a beginning");
      return setTimeout(() => request.socket.destroy(), 50);
    case "/redirect":
      response.writeHead(302, { location: "/json" });
      return response.end();
    default: {
      let body = "";
      for await (const data of request) body += data;
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify({ method: request.method, path: url.pathname, body, version: request.httpVersion }));
    }
  }
}

/** Starts them all. `ports` are where they listen; `close` ends them. */
export async function start({ forge, ws }) {
  const tls = certificates(forge);
  const credentials = [];
  const serve = (request, response) => {
    if (request.headers.authorization) credentials.push(request.headers.authorization);
    void answer(request, response).catch(() => response.destroy());
  };
  const one = https.createServer(tls, serve);
  const two = http2.createSecureServer({ ...tls, allowHTTP1: false }, serve);
  const sockets = new ws.WebSocketServer({ server: one });
  sockets.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
  // Ends its half when it has heard the other's.
  const halves = net.createServer({ allowHalfOpen: true }, (socket) => {
    let length = 0;
    socket.on("data", (data) => (length += data.length)).on("end", () => socket.end(`heard ${length}`)).on("error", () => {});
  });
  const servers = [one, two, halves];
  for (const server of servers) server.on("error", () => {}).on("clientError", () => {}).on("tlsClientError", () => {});
  const [https1, https2, half] = await Promise.all(servers.map(listening));
  return {
    ca: tls.ca,
    /** What requests have shown, one by one. */
    credentials,
    ports: { https: https1, http2: https2, half },
    close: () => {
      sockets.close();
      one.closeAllConnections();
      for (const server of servers) server.close();
    },
  };
}
