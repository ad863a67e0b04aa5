// package: magic-string
import MagicString, { Bundle } from "magic-string";
const s = new MagicString("let answer = 42;\nlog(answer);");
s.overwrite(4, 10, "result", { storeName: true })
  .prepend("// head\n")
  .appendLeft(s.length(), "!")
  .remove(0, 4)
  .move(17, 20, 0);
console.log(
  s.toString(),
  s.generateMap({ source: "a.js", includeContent: true, hires: true }).toString(),
  s.hasChanged(),
  s.snip(4, 12).toString(),
  s.clone().indent().toString(),
);
const bundle = new Bundle({ separator: "\n---\n" });
for (const name of ["x", "y"]) bundle.addSource({ filename: name, content: new MagicString(`// ${name}`) });
console.log(
  bundle.toString(),
  bundle.generateMap({ file: "out" }).sources,
  new MagicString("aXbX").replaceAll("X", "-").toString(),
);
