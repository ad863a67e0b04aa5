// package: unified
import rehypeStringify from "rehype-stringify";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
const shout = () => (tree) => {
  const walk = (node) => {
    if (node.type === "text") node.value = node.value.toUpperCase();
    node.children?.forEach(walk);
  };
  walk(tree);
};
const file = await unified()
  .use(remarkParse)
  .use(shout)
  .use(remarkRehype)
  .use(rehypeStringify)
  .process("# Title\n\n*some* `code`\n\n1. one\n2. two\n\n> quote <b>");
console.log(
  String(file),
  file.messages.length,
  unified()
    .use(remarkParse)
    .parse("a\n\n---")
    .children.map((node) => [node.type, node.position.start.line]),
);
