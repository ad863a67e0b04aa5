// package: ws
import WebSocket, { WebSocketServer } from "ws";
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 10 } });
server.on("connection", (socket, request) => {
  socket.on("message", (data, binary) =>
    socket.send(binary ? data : `${request.url} ${data.toString().toUpperCase()}`),
  );
  socket.on("ping", (data) => console.log("server pinged", data.toString()));
});
server.on("listening", () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}/path`);
  const got = [];
  socket.on("open", () => {
    socket.ping("p");
    socket.send("hello");
    socket.send("x".repeat(200));
    socket.send(Buffer.from([1, 2, 3]));
  });
  socket.on("message", (data, binary) => {
    got.push(binary ? data : data.toString().slice(0, 20));
    if (got.length === 3) {
      console.log(got, socket.extensions);
      socket.close(4001, "bye");
    }
  });
  socket.on("close", (code, reason) => {
    console.log(code, reason.toString());
    server.close(() => console.log("closed"));
  });
});
