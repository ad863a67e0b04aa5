// package: gray-matter
const matter = require("gray-matter");
const file = matter("---\ntitle: T\nlist: [1, 2]\n---\nBody\n<!-- more -->\nrest", {
  excerpt: true,
  excerpt_separator: "<!-- more -->",
});
console.log(
  file.data,
  file.content,
  file.excerpt,
  matter.stringify("text", { a: [1] }),
  matter('---json\n{"x":1}\n---\ny').data,
  matter.test("---\n"),
);
