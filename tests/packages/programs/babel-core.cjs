// package: @babel/core
const babel = require("@babel/core");
const code =
  "class A { #x = 1; static async *g() { yield* [await 1]; } get y() { return this.#x ?? a?.b; } }\nconst [p, ...q] = { ...r };\nlabel: for (const k of p) { k ** 2; }";
console.log(
  babel.transformSync(code, {
    presets: [["@babel/preset-env", { targets: { ie: "11" } }]],
    configFile: false,
    babelrc: false,
    filename: "a.js",
  }).code,
);
const plugin = ({ types: t }) => ({
  visitor: {
    Identifier(path) {
      if (path.node.name === "p") path.node.name = "renamed";
    },
    BinaryExpression(path) {
      const { confident, value } = path.evaluate();
      if (confident) path.replaceWith(t.valueToNode(value));
    },
  },
});
const { code: out, map } = babel.transformSync("let p = 1 + 2 * 3; // c", {
  plugins: [plugin],
  sourceMaps: true,
  configFile: false,
});
console.log(out, map.mappings, babel.template.expression.ast`a + ${babel.types.numericLiteral(1)}`.type);
babel
  .transformAsync("let a = 1; let a = 2;", { configFile: false })
  .catch((error) => console.log(error.code, error.reasonCode, error.loc));
