// package: concurrently
const { Writable } = require("node:stream");
const { concurrently } = require("concurrently");
const lines = [];
const outputStream = new Writable({
  write(chunk, encoding, done) {
    lines.push(...chunk.toString().split("\n").filter(Boolean));
    done();
  },
});
const { result } = concurrently(
  [
    { command: "echo one", name: "a" },
    { command: "echo two && exit 2", name: "b" },
  ],
  { outputStream, prefix: "name", successCondition: "all" },
);
result
  .then(
    () => console.log("succeeded"),
    (events) => console.log(events.map((event) => [event.command.name, event.exitCode]).sort()),
  )
  .then(() => setTimeout(() => console.log(lines.sort()), 50));
