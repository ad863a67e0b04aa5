// package: socket.io
import http from "node:http";
import { Server } from "socket.io";
import { io } from "socket.io-client";
const server = http.createServer();
const sockets = new Server(server);
sockets.on("connection", (socket) => {
  socket.join("room");
  socket.on("add", (a, b, answer) => answer(a + b));
  socket.on("bin", (data) => sockets.to("room").emit("bin", { size: data.length, back: data }));
});
server.listen(0, "127.0.0.1", async () => {
  const socket = io(`http://127.0.0.1:${server.address().port}`, { transports: ["polling", "websocket"] });
  socket.on("connect_error", (error) => {
    console.log("failed", error.message);
    process.exit(1);
  });
  console.log(await socket.emitWithAck("add", 2, 3));
  socket.on("bin", (message) => {
    console.log(message.size, message.back);
    socket.close();
    sockets.close(() => console.log("closed"));
  });
  socket.emit("bin", Buffer.from([1, 2, 3]));
});
