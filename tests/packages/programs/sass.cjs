// package: sass
const fs = require("node:fs");
const sass = require("sass");
console.log(
  sass.compileString(
    "@use 'sass:math'; @use 'sass:color'; $w: 10px; @mixin m($x) { width: math.div($x, 2); @content; } .a { &:hover { @include m($w) { color: color.adjust(#123, $lightness: 10%); } } @each $k, $v in (x: 1, y: 2) { .#{$k} { order: $v; } } }",
  ).css,
);
fs.mkdirSync("/tmp/sass", { recursive: true });
fs.writeFileSync("/tmp/sass/_part.scss", "$c: blue; %p { top: 0 }");
fs.writeFileSync("/tmp/sass/main.scss", "@use 'part'; a { color: part.$c; @extend %p; }");
const { css, loadedUrls, sourceMap } = sass.compile("/tmp/sass/main.scss", { style: "compressed", sourceMap: true });
console.log(css, loadedUrls.map(String), sourceMap.mappings.length > 0);
sass
  .compileStringAsync("a { b: f(2) }", {
    functions: { "f($x)": async ([x]) => new sass.SassNumber(x.assertNumber().value * 3) },
  })
  .then((result) => console.log(result.css));
try {
  sass.compileString("a { b: $none }");
} catch (error) {
  console.log(error.sassMessage, error.span.start.column);
}
