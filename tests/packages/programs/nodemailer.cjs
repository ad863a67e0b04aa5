// package: nodemailer
const net = require("node:net");
const nodemailer = require("nodemailer");
const received = [];
const server = net.createServer((socket) => {
  let data = false;
  socket.write("220 test ESMTP\r\n");
  socket.on("data", (chunk) => {
    for (const line of chunk.toString().split("\r\n").slice(0, -1)) {
      if (data) {
        if (line === ".") {
          data = false;
          socket.write("250 queued\r\n");
        } else received.push(line);
      } else if (line === "DATA") {
        data = true;
        socket.write("354 go\r\n");
      } else if (line === "QUIT") {
        socket.end("221 bye\r\n");
      } else {
        received.push(line.replace(/\[.*\]/, "[HOST]").replace(/^EHLO .*/, "EHLO"));
        socket.write("250 ok\r\n");
      }
    }
  });
});
server.listen(0, "127.0.0.1", async () => {
  const transport = nodemailer.createTransport({ host: "127.0.0.1", port: server.address().port, ignoreTLS: true });
  const info = await transport.sendMail({
    from: "a@example.com",
    to: "b@example.com",
    subject: "Grüße",
    text: "plain",
    html: "<b>html</b>",
    messageId: "<id@example.com>",
    date: new Date(0),
    baseBoundary: "B",
    attachments: [{ filename: "a.txt", content: "attached" }],
  });
  console.log(
    info.response,
    info.envelope,
    received.filter((line) => !/boundary|^----/.test(line)),
  );
  server.close();
});
