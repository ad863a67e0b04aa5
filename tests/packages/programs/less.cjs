// package: less
const less = require("less");
less
  .render(
    "@c: #336699; .m(@x: 2px) when (@x > 1px) { margin: @x } .a { color: darken(@c, 10%); &:hover { .m(3px); } @media (min-width: 1px) { width: (10px * 2) } .b; } .b { top: ~'calc(1px + 2px)' } .c:extend(.b) {} @plugin-x: e('y');",
    { compress: false },
  )
  .then((out) => console.log(out.css));
less
  .render(".a { color: @none }", { filename: "x.less" })
  .catch((error) => console.log(error.type, error.message, error.line));
