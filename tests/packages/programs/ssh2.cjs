// package: ssh2
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const { Client, Server, utils } = require("ssh2");
const { private: hostKey } = utils.generateKeyPairSync("ed25519");
const server = new Server({ hostKeys: [hostKey] }, (client) => {
  client.on("authentication", (context) =>
    context.method === "password" && context.password === "p" ? context.accept() : context.reject(["password"]),
  );
  client.on("ready", () =>
    client.on("session", (accept) =>
      accept().on("exec", (acceptExec, reject, info) => {
        const stream = acceptExec();
        stream.write(`ran ${info.command}\n`);
        stream.stderr.write("warned\n");
        stream.exit(3);
        stream.end();
      }),
    ),
  );
  client.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => {
  const client = new Client();
  client.on("ready", () =>
    client.exec("uname -a", (error, stream) => {
      let text = "";
      stream
        .on("data", (data) => {
          text += data;
        })
        .stderr.on("data", (data) => {
          text += data;
        });
      stream.on("close", (code) => {
        console.log(code, text.split("\n").sort());
        client.end();
        server.close();
      });
    }),
  );
  client.on("error", (error) => console.log(error.level, error.message));
  client.connect({ host: "127.0.0.1", port: server.address().port, username: "u", password: "p" });
});
