// package: terser
import { minify } from "terser";
const code =
  "function add(first, second) { /* comment */ const unused = 1; if (false) { never(); } return first + second; }\nconsole.log(add(1, 2), DEBUG ? 'debug' : 'release');\nclass A { #p = 1; get p() { return this.#p ?? null; } }\nexport { add, A };\n";
const result = await minify(
  { "a.js": code },
  {
    module: true,
    sourceMap: { filename: "out.js" },
    compress: { passes: 2, global_defs: { DEBUG: false } },
    mangle: true,
  },
);
console.log(
  result.code,
  JSON.parse(result.map).names,
  (await minify(code, { compress: false, mangle: false, format: { beautify: true, comments: true } })).code,
);
await minify("let = 1 +").catch((error) => console.log(error.name, error.message, error.line, error.col));
