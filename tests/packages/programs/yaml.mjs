// package: yaml
import YAML, { Document, parseAllDocuments, parseDocument } from "yaml";
console.log(
  YAML.parse("a: &x [1, 0x10, ~, 1e3]\nb: *x\nc: |\n  two\n  lines\nd: 2001-12-14\n? [k]\n: v\n", { mapAsMap: true }),
);
const document = parseDocument("# head\nlist:\n  - one # first\n  - two\n");
document.get("list").add("three");
console.log(String(document), YAML.stringify({ text: "a: b", multi: "x\ny\n", date: new Date(0), empty: {}, n: null }));
console.log(
  parseAllDocuments("a\n---\nb\n").map((each) => each.toJS()),
  parseDocument("a: [1\nb: 2").errors.map((e) => [e.code, e.linePos]),
);
const made = new Document({ a: 1 });
made.commentBefore = " made";
console.log(made.toString());
