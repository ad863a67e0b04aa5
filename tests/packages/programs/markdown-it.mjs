// package: markdown-it
import MarkdownIt from "markdown-it";
const md = new MarkdownIt({
  html: false,
  linkify: true,
  typographer: true,
  highlight: (code, lang) => `<i>${lang}:${code.length}</i>`,
});
console.log(
  md.render(
    '# Hi "there"\n\nSee https://example.com -- <b>no</b> (c)\n\n1. one\n2. two\n\n> quote\n\n```js\nx\n```\n\n| a |\n|---|\n| ~~b~~ |\n',
  ),
);
md.core.ruler.push("shout", (state) => {
  for (const token of state.tokens)
    for (const child of token.children ?? []) child.content = child.content.toUpperCase();
});
console.log(
  md.renderInline("some **words**"),
  md.parse("a\n\nb", {}).map((token) => token.type),
);
