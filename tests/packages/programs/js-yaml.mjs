// package: js-yaml
import * as yaml from "js-yaml";
console.log(yaml.load("a: 1\nb:\n  - x\n  - {y: true, z: null}\nc: >\n  folded\n  text\nd: &r {e: 1.5}\nf: *r\n"));
console.log(
  yaml.dump(
    { list: [1, "two", { three: 3 }], text: "multi\nline", odd: "yes: no", empty: [] },
    { sortKeys: true, lineWidth: 40 },
  ),
);
console.log(yaml.loadAll("--- a\n--- b\n"));
try {
  yaml.load("a: [1, 2\nb: }");
} catch (error) {
  console.log(error.name, error.reason, error.mark?.line);
}
