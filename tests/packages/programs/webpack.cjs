// package: webpack
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const fs = require("node:fs");
const webpack = require("webpack");
fs.rmSync("/tmp/webpack", { recursive: true, force: true });
fs.mkdirSync("/tmp/webpack/src", { recursive: true });
fs.writeFileSync(
  "/tmp/webpack/src/index.js",
  'import { used } from "./lib"; import data from "./data.json"; console.log(used(data.n), MODE); import("./lazy").then((m) => console.log(m.default));',
);
fs.writeFileSync("/tmp/webpack/src/lib.js", "export const used = (n) => n * 2; export const unused = 1;");
fs.writeFileSync("/tmp/webpack/src/lazy.js", "export default 'lazy';");
fs.writeFileSync("/tmp/webpack/src/data.json", '{"n":21}');
webpack(
  {
    mode: "production",
    context: "/tmp/webpack",
    entry: "./src/index.js",
    target: "node",
    cache: false,
    optimization: { minimize: false, concatenateModules: true },
    output: { path: "/tmp/webpack/dist", filename: "main.js", chunkFilename: "[name].chunk.js" },
    plugins: [new webpack.DefinePlugin({ MODE: '"built"' })],
  },
  (error, stats) => {
    if (error) throw error;
    console.log(
      stats.compilation.errors.map((each) => each.message),
      Object.keys(stats.compilation.assets),
    );
    if (!stats.hasErrors()) require("/tmp/webpack/dist/main.js");
  },
);
