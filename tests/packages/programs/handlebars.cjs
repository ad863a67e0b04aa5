// package: handlebars
const Handlebars = require("handlebars");
Handlebars.registerHelper("loud", (text) => text.toUpperCase());
Handlebars.registerPartial("item", "<li>{{name}}{{#if @last}}.{{/if}}</li>");
const template = Handlebars.compile(
  "{{#each list}}{{> item}}{{else}}none{{/each}} {{loud title}} {{{raw}}} {{raw}} {{#with a.b}}{{c}}{{/with}}",
);
console.log(
  template({ list: [{ name: "x" }, { name: "y" }], title: "hey", raw: "<b>", a: { b: { c: 1 } } }),
  template({ title: "t" }),
);
console.log(
  Handlebars.template(eval(`(${Handlebars.precompile("Hi {{name}}")})`))({ name: "&" }),
  Handlebars.parse("{{a}}").body[0].type,
);
try {
  Handlebars.compile("{{#if}}")({});
} catch (error) {
  console.log(error.message);
}
