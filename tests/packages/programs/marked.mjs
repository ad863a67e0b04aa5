// package: marked
import { marked, Marked } from "marked";
const text =
  "# Title\n\nSome *text* with `code` and [a link](https://example.com).\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n- item\n\n```js\nlet x = 1 < 2;\n```\n";
console.log(
  marked.parse(text),
  marked.lexer(text).map((token) => token.type),
);
const own = new Marked({
  gfm: true,
  breaks: true,
  renderer: { heading: ({ depth, text: inner }) => `<h${depth} id="x">${inner}</h${depth}>\n` },
});
console.log(own.parse("## Hi\na\nb"), await own.parse("*x*", { async: true }));
