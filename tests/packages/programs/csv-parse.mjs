// package: csv-parse
import { Readable } from "node:stream";
import { parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
const text = 'name,age,note\nAda,36,"multi\nline"\n"Alan ""T""",41,\n# comment\nGrace,85,x\n';
console.log(
  parseSync(text, {
    columns: true,
    cast: (value, { column }) => (column === "age" ? Number(value) : value),
    comment: "#",
  }),
);
for await (const record of Readable.from([text.slice(0, 20), text.slice(20)]).pipe(
  parse({ from: 2, comment: "#", info: true }),
))
  console.log(record.info.lines, record.record);
try {
  parseSync("a,b\n1,2,3\n", { columns: true });
} catch (error) {
  console.log(error.code, error.message);
}
console.log(
  parseSync("a;b|c;d", { delimiter: ";", record_delimiter: "|" }),
  parseSync(Buffer.from("\ufeffä,b", "utf16le"), { bom: true, encoding: "utf16le" }),
);
