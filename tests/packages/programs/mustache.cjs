// package: mustache
const Mustache = require("mustache");
console.log(
  Mustache.render(
    "{{#people}}{{name}}{{^last}}, {{/last}}{{/people}} {{{raw}}} {{raw}} {{> p}}",
    { people: [{ name: "A" }, { name: "B", last: true }], raw: "<i>", x: 3 },
    { p: "[{{x}}]" },
  ),
);
console.log(
  Mustache.render("{{#bold}}Hi {{n}}{{/bold}}", { n: "you", bold: () => (text, render) => `<b>${render(text)}</b>` }),
  Mustache.parse("a {{b}}").map((t) => t[0]),
);
try {
  Mustache.render("{{#a}}", {});
} catch (error) {
  console.log(error.message);
}
