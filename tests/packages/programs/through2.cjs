// package: through2
const { Readable } = require("node:stream");
const { objectTransform, transform: through2 } = require("through2");
const out = [];
Readable.from(["a", "b"])
  .pipe(
    through2(
      function transform(chunk, encoding, done) {
        this.push(`<${chunk}>`);
        done();
      },
      function flush(done) {
        this.push("end");
        done();
      },
    ),
  )
  .pipe(
    objectTransform((chunk, encoding, done) => {
      out.push(String(chunk));
      done();
    }),
  )
  .on("finish", () => console.log(out));
