// package: papaparse
const { Readable } = require("node:stream");
const Papa = require("papaparse");
const { data, errors, meta } = Papa.parse('a,b\n1,"x ""y"""\n2\n', {
  header: true,
  dynamicTyping: true,
  skipEmptyLines: true,
});
console.log(
  data,
  errors,
  meta.fields,
  meta.delimiter,
  Papa.parse("a;b\n1;2").data,
  Papa.unparse([
    { a: 1, b: "x,y" },
    { a: null, b: 'q"' },
  ]),
);
Papa.parse(Readable.from(["a,b\n1,2\n", "3,4\n"]), {
  header: true,
  step: (row) => console.log(row.data),
  complete: () => console.log("complete"),
});
const stream = Papa.parse(Papa.NODE_STREAM_INPUT, {});
stream.on("data", (row) => console.log(row)).on("end", () => console.log("end"));
stream.end("p,q\nr,s");
