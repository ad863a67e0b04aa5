// package: prettier
import * as prettier from "prettier";
for (const [parser, text] of [
  ["babel", "const a={b:1,c:[1,2,3],...d};async function f(x){return await x?.y??`t${x}`}"],
  ["typescript", "type A<T>={[K in keyof T]?:T[K]};let x=<any>y as unknown;@dec class B{private z!:string}"],
  ["css", "a{color:RED;b{margin:0 0 1px}}@media(max-width:1px){c{d:e}}"],
  ["html", "<div><p>text<b>bold</b></p><script>let a=1</script></div>"],
  ["json", '{"a":[1,2],"b":null}'],
  ["markdown", "# a\n* x\n* y\n\n|a|b|\n|-|-|\n|1|22|\n"],
  ["yaml", "a:   [1,2]\nb:\n      - c"],
  ["graphql", "query Q($a:Int){f(a:$a){b}}"],
  ["vue", "<template><a :b='c+1'/></template>\n<script>export default{a:1}</script>"],
])
  console.log(await prettier.format(text, { parser, printWidth: 60, singleQuote: true }));
console.log(
  await prettier.check("a;\n", { parser: "babel" }),
  (await prettier.getFileInfo("a.tsx")).inferredParser,
  (await prettier.formatWithCursor("a  ;", { parser: "babel", cursorOffset: 3 })).cursorOffset,
);
await prettier.format("let a = ;", { parser: "babel" }).catch((error) => console.log(error.name, error.loc.start));
