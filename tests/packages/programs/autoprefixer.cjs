// package: autoprefixer
const autoprefixer = require("autoprefixer");
const postcss = require("postcss");
const css =
  "a { user-select: none; display: grid; appearance: none; background: image-set('a.png' 1x) } ::placeholder { color: red } @media (min-resolution: 2dppx) { b { mask: none } }";
postcss([autoprefixer({ overrideBrowserslist: ["chrome 60", "safari 10", "firefox 50"] })])
  .process(css, { from: "a.css" })
  .then((result) => console.log(result.css));
