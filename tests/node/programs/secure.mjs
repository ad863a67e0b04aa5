// A TLS server and its client, and a request over HTTPS, in one VM.
import crypto from "node:crypto";
import https from "node:https";
import tls from "node:tls";
import { once } from "node:events";

// Of this program alone, and trusted by nobody else.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEkcYrmObEc2Jyn93
vYcCmkYGm4mPdrPlkmyQzbcN9kGhRANCAAROT4MGiEiFAAfLIXJSTMj7WVeRC/1i
lmu8pH6Q4rZq5u9F4IFXvIaTtLaNzjtsTdsMspuZEI4ZXQQJ1UF3qt51
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBeDCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABE5PgwaISIUAB8sh
clJMyPtZV5EL/WKWa7ykfpDitmrm70XggVe8hpO0to3OO2xN2wyym5kQjhldBAnV
QXeq3nWjXjBcMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFLCI3D3H9gG01Hci
i3SZwemt14IFMCoGA1UdEQQjMCGCCWxvY2FsaG9zdIIOKi5leGFtcGxlLnRlc3SH
BH8AAAEwCgYIKoZIzj0EAwIDSQAwRgIhAMLSkr3GYgOEZrHfUJgTl6zY0G0VvAIm
UOYSmuFdxgQxAiEAqDaBxl71+9AHMGT9JTaO0Z25avehh4YsFBGc5oBId0Q=
-----END CERTIFICATE-----`;

const told = [];
const secrets = {};

// Two protocols to choose from, a certificate that is chosen late, sessions that are kept.
const server = tls.createServer({
  key,
  cert,
  ALPNProtocols: ["second", "first"],
  SNICallback: (name, done) => {
    told.push(`asked for ${name}`);
    setImmediate(done, null, tls.createSecureContext({ key, cert }));
  },
});
server.on("secureConnection", (socket) => {
  told.push(`server: ${socket.servername} ${socket.alpnProtocol} ${socket.getProtocol()}`);
  secrets.server = socket.exportKeyingMaterial(16, "test").toString("hex");
  socket.pipe(socket);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

async function talk(options, words) {
  const socket = tls.connect({
    port: server.address().port, host: "127.0.0.1", servername: "a.example.test", ca: [cert], ALPNProtocols: ["first"],
    ...options,
  });
  let session;
  socket.on("session", (last) => { session = last; });
  await once(socket, "secureConnect");
  const secret = socket.exportKeyingMaterial(16, "test").toString("hex");
  told.push(`client: ${socket.authorized} ${socket.alpnProtocol} ${socket.getCipher().standardName} ` +
    `${socket.isSessionReused()}`);
  const { subject, subjectaltname, nistCurve } = socket.getPeerCertificate();
  told.push(JSON.stringify({ subject, subjectaltname, nistCurve }));
  socket.end(words);
  let text = "";
  for await (const chunk of socket) text += chunk;
  told.push(`same secret: ${secret === secrets.server}`);
  told.push(`${text.length} ${crypto.createHash("sha256").update(text).digest("hex").slice(0, 16)}`);
  return session;
}

const first = await talk({}, "hello");
await talk({ session: first }, "x".repeat(300_000));
await talk({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }, "old");
for (const line of told) console.log(line);

// Nobody vouches for it, and then it is for somebody else.
for (const options of [{ ca: undefined }, { servername: "elsewhere.test" }, { minVersion: "TLSv1.3", ALPNProtocols: ["third"] }]) {
  const socket = tls.connect({
    port: server.address().port, host: "127.0.0.1", servername: "a.example.test", ca: [cert], ...options,
  });
  const [error] = await once(socket, "error");
  console.log(error.code, error.reason ?? "");
}
server.close();

// A client that shows who it is.
const site = https.createServer({ key, cert, ca: [cert], requestCert: true, rejectUnauthorized: false }, (request, response) => {
  const { socket } = request;
  request.resume().on("end", () => {
    response.end(`${request.method} ${request.url} ${socket.authorized} ${socket.authorizationError} ` +
      `${socket.getPeerCertificate().subject?.CN}`);
  });
});
site.listen(0, "localhost");
await once(site, "listening");
const agent = new https.Agent({ keepAlive: true, ca: [cert] });
for (const options of [{}, { key, cert }, { key, cert, method: "POST" }]) {
  const request = https.request({ port: site.address().port, host: "localhost", path: "/a?b", agent, ...options });
  request.end(options.method && "posted");
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  console.log(response.statusCode, text, request.reusedSocket);
}
agent.destroy();
site.close();

console.log(tls.rootCertificates.length > 100, tls.getCiphers().includes("tls_aes_256_gcm_sha384"), tls.DEFAULT_MIN_VERSION);
