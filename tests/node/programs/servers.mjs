// A server and its client in one VM.
import http from "node:http";
import net from "node:net";
import { once } from "node:events";

const echo = net.createServer((socket) => socket.pipe(socket));
echo.listen(0, "127.0.0.1");
await once(echo, "listening");
const socket = net.connect(echo.address().port, "127.0.0.1");
socket.end("echoed");
let text = "";
for await (const chunk of socket) text += chunk;
console.log(text);
echo.close();

const server = http.createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  response.setHeader("x-method", request.method);
  response.end(JSON.stringify({ url: request.url, body }));
});
server.listen(0);
await once(server, "listening");
const { port } = server.address();
const request = http.request({ port, path: "/a?b", method: "POST" });
request.end("posted");
const [response] = await once(request, "response");
let answer = "";
for await (const chunk of response) answer += chunk;
console.log(response.statusCode, response.headers["x-method"], answer);
server.close();
