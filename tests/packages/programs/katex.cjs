// package: katex
const katex = require("katex");
console.log(
  katex.renderToString("\\frac{a^2}{\\sqrt{b}} + \\sum_{i=0}^n x_i", { displayMode: true }).length,
  katex.renderToString("E = mc^2", { output: "mathml" }),
);
try {
  katex.renderToString("\\frac{1");
} catch (error) {
  console.log(error.name, error.position);
}
