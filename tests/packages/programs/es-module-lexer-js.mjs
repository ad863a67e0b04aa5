// package: es-module-lexer
// webAssembly: deny allow
import { init, parse } from "es-module-lexer/js";
await init;
const [imports, exports] = parse("import a from 'x'; import('y'); export const b = 1; export * from './z';");
console.log(
  imports.map(({ n, s, e, d }) => [n, s, e, d]),
  exports.map(({ n }) => n),
);
