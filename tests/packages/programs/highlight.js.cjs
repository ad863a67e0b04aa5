// package: highlight.js
const hljs = require("highlight.js");
console.log(
  hljs.highlight("const a = `x${1}`; // <c>", { language: "javascript" }).value,
  hljs.highlight("<p a='1'>&amp;</p>", { language: "xml" }).value,
  hljs.listLanguages().length,
);
const { language, relevance } = hljs.highlightAuto("SELECT a FROM b WHERE c = 'd' ORDER BY e", ["sql", "python"]);
console.log(language, relevance, hljs.getLanguage("py").name);
