// package: pug
const pug = require("pug");
const source =
  "doctype html\nhtml\n  body.main#top(data-x=1+1)\n    mixin item(n)\n      li= n\n    ul\n      each n in list\n        +item(n)\n      else\n        li none\n    if user\n      p Hello #{user} !{'<b>'}\n    case list.length\n      when 2\n        | two\n    script.\n      let a = 1;\n";
console.log(
  pug.render(source, { list: ["a", "<b>"], user: "me", pretty: true }),
  pug.compileClient("p= x", { name: "t", compileDebug: false }).length > 100,
);
try {
  pug.render("p\n   a\n  b", {});
} catch (error) {
  console.log(error.code, error.line);
}
