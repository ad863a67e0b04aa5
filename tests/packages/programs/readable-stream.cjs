// package: readable-stream
const { Duplex, PassThrough, Readable, Transform, finished, pipeline } = require("readable-stream");
const upper = new Transform({
  transform(chunk, encoding, done) {
    done(null, chunk.toString().toUpperCase());
  },
});
pipeline(
  Readable.from(["a", "b"]),
  upper,
  async function* gather(source) {
    let text = "";
    for await (const part of source) text += part;
    yield text;
  },
  new PassThrough().on("data", (part) => console.log(String(part))),
  (error) => console.log("pipeline", error),
);
finished(
  new Readable({
    read() {
      this.destroy(new Error("broken"));
    },
  }).resume(),
  (error) => console.log(error.message),
);
Readable.from([1, 2, 3, 4])
  .filter((n) => n % 2)
  .map((n) => n * 10)
  .toArray()
  .then((list) =>
    console.log(
      list,
      Duplex.from(async function* (source) {
        yield* source;
      }) instanceof Duplex,
    ),
  );
