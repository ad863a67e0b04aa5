// package: eslint
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { ESLint, Linter } from "eslint";
const linter = new Linter();
const rules = {
  "no-unused-vars": "error",
  "prefer-const": "warn",
  eqeqeq: 2,
  semi: ["error", "always"],
  "no-undef": "error",
};
const text = "let a = 1\nif (a == b) { debugger }\nfunction f() { var x; return y => y; }\n";
console.log(
  linter
    .verify(text, { rules: { ...rules, "no-debugger": 1 } })
    .map((m) => [m.line, m.column, m.severity, m.ruleId, m.message]),
);
console.log(linter.verifyAndFix(text, { rules }).output);
mkdirSync("/tmp/eslint", { recursive: true });
writeFileSync("/tmp/eslint/a.js", "var x = 'a'; /* eslint-disable-next-line */\nvar y = 2\nexport default x + 1\n");
const plugin = {
  rules: {
    "no-x": {
      meta: { fixable: "code", messages: { m: "no {{name}}" }, schema: [] },
      create: (context) => ({
        'Identifier[name="x"]': (node) => context.report({ node, messageId: "m", data: { name: node.name } }),
      }),
    },
  },
};
const eslint = new ESLint({
  cwd: "/tmp/eslint",
  overrideConfigFile: true,
  overrideConfig: [{ plugins: { own: plugin }, rules: { "no-var": "error", "own/no-x": "warn" } }],
  fix: true,
});
const results = await eslint.lintFiles(["*.js"]);
await ESLint.outputFixes(results);
console.log((await eslint.loadFormatter("stylish")).format(results), readFileSync("/tmp/eslint/a.js", "utf8"));
