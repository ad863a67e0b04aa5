// package: acorn
import * as acorn from "acorn";
const comments = [];
const ast = acorn.parse(
  "// c\nexport const f = async ({ a = 1, ...b }) => a?.b ?? `t${a}` ** 2n; class X { static #p = /x/v; }",
  { ecmaVersion: "latest", sourceType: "module", locations: true, onComment: comments },
);
console.log(
  JSON.stringify(ast, (key, value) => (typeof value === "bigint" ? String(value) : value)).length,
  ast.body.map((node) => node.type),
  comments[0].value,
  ast.body[0].declaration.declarations[0].init.params[0].type,
);
console.log(
  [...acorn.tokenizer("let x = 1 / /re/g", { ecmaVersion: 2022 })].map((token) => token.type.label),
  acorn.parseExpressionAt("1 + x; y", 0, { ecmaVersion: 6 }).end,
);
try {
  acorn.parse("let a = ;", { ecmaVersion: 6 });
} catch (error) {
  console.log(error.name, error.message, error.loc);
}
