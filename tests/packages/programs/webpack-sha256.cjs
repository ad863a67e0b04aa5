// package: webpack
// webAssembly: deny allow
const fs = require("node:fs");
const webpack = require("webpack");
fs.rmSync("/tmp/webpack-sha256", { recursive: true, force: true });
fs.mkdirSync("/tmp/webpack-sha256/src", { recursive: true });
fs.writeFileSync(
  "/tmp/webpack-sha256/src/index.js",
  'import { used } from "./lib"; import data from "./data.json"; console.log(used(data.n), MODE); import("./lazy").then((m) => console.log(m.default));',
);
fs.writeFileSync("/tmp/webpack-sha256/src/lib.js", "export const used = (n) => n * 2; export const unused = 1;");
fs.writeFileSync("/tmp/webpack-sha256/src/lazy.js", "export default 'lazy';");
fs.writeFileSync("/tmp/webpack-sha256/src/data.json", '{"n":21}');
webpack(
  {
    mode: "production",
    context: "/tmp/webpack-sha256",
    entry: "./src/index.js",
    target: "node",
    cache: false,
    optimization: { minimize: false, concatenateModules: true },
    output: {
      path: "/tmp/webpack-sha256/dist",
      hashFunction: "sha256",
      filename: "main.js",
      chunkFilename: "[name].chunk.js",
    },
    plugins: [new webpack.DefinePlugin({ MODE: '"built"' })],
  },
  (error, stats) => {
    if (error) throw error;
    console.log(
      stats.compilation.errors.map((each) => each.message),
      Object.keys(stats.compilation.assets),
    );
    if (!stats.hasErrors()) require("/tmp/webpack-sha256/dist/main.js");
  },
);
