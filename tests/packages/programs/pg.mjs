// package: pg
import net from "node:net";
import pg from "pg";
const message = (type, ...parts) => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const int = (value, size) => {
  const buffer = Buffer.alloc(size);
  buffer.writeIntBE(value, 0, size);
  return buffer;
};
const ready = message("Z", Buffer.from("I"));
const asked = [];
const server = net.createServer((socket) => {
  let started = false;
  socket.on("data", (data) => {
    if (!started) {
      started = true;
      return socket.write(Buffer.concat([message("R", int(0, 4)), ready]));
    }
    const type = String.fromCharCode(data[0]);
    if (type === "X") return socket.end();
    asked.push(type);
    const columns = message(
      "T",
      int(2, 2),
      Buffer.from("id\0"),
      int(0, 4),
      int(0, 2),
      int(23, 4),
      int(4, 2),
      int(-1, 4),
      int(0, 2),
      Buffer.from("j\0"),
      int(0, 4),
      int(0, 2),
      int(114, 4),
      int(-1, 2),
      int(-1, 4),
      int(0, 2),
    );
    const row = message("D", int(2, 2), int(2, 4), Buffer.from("42"), int(7, 4), Buffer.from('{"a":1}'));
    const parsed = type === "P" ? [message("1"), message("2")] : [];
    socket.write(Buffer.concat([...parsed, columns, row, message("C", Buffer.from("SELECT 1\0")), ready]));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new pg.Client({ host: "127.0.0.1", port: server.address().port, user: "u", database: "d" });
await client.connect();
console.log(
  (await client.query("select 1")).rows,
  (await client.query("select $1::int", [5])).rows,
  asked,
  pg.escapeLiteral("it's"),
  pg.escapeIdentifier('a"b'),
);
await client.end();
server.close();
