// package: @babel/preset-env
const babel = require("@babel/core");
const options = {
  presets: [["@babel/preset-env", { targets: "node 10", modules: "cjs", useBuiltIns: "usage", corejs: "3.40" }]],
  configFile: false,
  babelrc: false,
};
console.log(
  babel.transformSync(
    "export default async () => Object.groupBy([1].at(-1) ?? [], (x) => x?.y); import x from 'x'; x``;",
    options,
  ).code,
);
