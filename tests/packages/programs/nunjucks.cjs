// package: nunjucks
const fs = require("node:fs");
const nunjucks = require("nunjucks");
fs.mkdirSync("/tmp/nunjucks", { recursive: true });
fs.writeFileSync(
  "/tmp/nunjucks/base.html",
  "<title>{% block title %}none{% endblock %}</title>{% block body %}{% endblock %}",
);
fs.writeFileSync(
  "/tmp/nunjucks/page.html",
  '{% extends "base.html" %}{% block title %}{{ title | upper }}{% endblock %}{% block body %}{% for k, v in map %}{{ loop.index }}:{{ k }}={{ v | default("-") }} {% endfor %}{{ x | shorten(2) }}{% endblock %}',
);
const env = nunjucks.configure("/tmp/nunjucks", { autoescape: true, watch: false });
env.addFilter("shorten", (text, n) => text.slice(0, n));
console.log(env.render("page.html", { title: "a<b", map: { a: 1, b: undefined }, x: "wxyz" }));
console.log(
  nunjucks.renderString(
    "{% set a = [1,2,3] %}{{ a | join('-') }} {{ a | sum }}{% macro m(x='d') %}<{{ x }}>{% endmacro %}{{ m() }}",
    {},
  ),
);
env.renderString("{{ 1 +", {}, (error) => console.log(error.name));
