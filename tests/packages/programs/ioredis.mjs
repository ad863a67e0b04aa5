// package: ioredis
import net from "node:net";
import { Redis } from "ioredis";
const store = new Map();
const server = net.createServer((socket) =>
  socket.on("data", (data) => {
    for (const command of data.toString().split(/(?=\*\d+\r\n)/)) {
      const words = command.split("\r\n").filter((_, index) => index && index % 2 === 0);
      const [name, key, value] = words;
      if (/^set$/i.test(name)) {
        store.set(key, value);
        socket.write("+OK\r\n");
      } else if (/^get$/i.test(name))
        socket.write(store.has(key) ? `$${store.get(key).length}\r\n${store.get(key)}\r\n` : "$-1\r\n");
      else if (/^(multi|client|hello|info)$/i.test(name)) socket.write("+OK\r\n");
      else if (/^lrange$/i.test(name)) socket.write("*2\r\n$1\r\na\r\n:5\r\n");
      else socket.write("-ERR unknown\r\n");
    }
  }),
);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const redis = new Redis(server.address().port, "127.0.0.1", { enableReadyCheck: false });
console.log(
  await redis.set("k", "v"),
  await redis.get("k"),
  await redis.get("none"),
  await redis.lrange("l", 0, -1),
  await redis.pipeline().set("a", "1").get("a").exec(),
);
await redis.call("nope").catch((error) => console.log(error.name, error.message));
redis.disconnect();
server.close();
