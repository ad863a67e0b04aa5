// package: es-module-lexer
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import { init, parse } from "es-module-lexer";
await init;
const source =
  "import a, { b as c } from 'x'; import('y'); export { d as e } from './z'; export default 1; import.meta.url; import data from 'j.json' with { type: 'json' };";
const [imports, exports, facade, hasModuleSyntax] = parse(source);
console.log(
  imports.map(({ n, s, e, d }) => [n, s, e, d]),
  exports.map(({ n, ln }) => [n, ln]),
  facade,
  hasModuleSyntax,
);
try {
  parse("import { a from 'x'");
} catch (error) {
  console.log(error.message.split("\n")[0]);
}
