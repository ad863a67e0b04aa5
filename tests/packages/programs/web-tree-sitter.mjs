// package: web-tree-sitter
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import { createRequire } from "node:module";
import { Language, Parser, Query } from "web-tree-sitter";
const require = createRequire(import.meta.url);
await Parser.init();
const language = await Language.load(require.resolve("tree-sitter-javascript/tree-sitter-javascript.wasm"));
const parser = new Parser();
parser.setLanguage(language);
const tree = parser.parse("function f(a) { return a + 1; }\nlet x = f(2);");
console.log(tree.rootNode.toString());
console.log(
  new Query(language, "(function_declaration name: (identifier) @name)")
    .matches(tree.rootNode)
    .map((match) => match.captures[0].node.text),
  tree.rootNode.descendantForIndex(40).type,
);
