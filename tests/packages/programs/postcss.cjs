// package: postcss
const postcss = require("postcss");
const double = () => ({
  postcssPlugin: "double",
  Declaration(node) {
    if (!node.seen && /px$/.test(node.value)) {
      node.seen = true;
      node.value = node.value.replace(/(\d+)px/g, (_, n) => `${n * 2}px`);
    }
  },
  AtRule: { custom: (rule) => rule.replaceWith(postcss.decl({ prop: "--x", value: rule.params })) },
});
double.postcss = true;
const root = postcss.parse(
  "a { color: red; &:hover { margin: 1px 2px } /* c */ @custom y; }\n@media print { b { c: d !important } }",
  { from: "a.css" },
);
root.walkDecls((decl) => console.log(decl.prop, decl.value, decl.important ?? false, decl.source.start.line));
postcss([double()])
  .process(root, { from: "a.css", to: "b.css", map: { inline: false } })
  .then((result) => {
    console.log(result.css, result.map.toJSON().sources, result.warnings().length);
    return postcss([double]).process("a { b: ", { from: "x.css" });
  })
  .catch((error) => console.log(error.name, error.reason, error.line));
