// package: ejs
const fs = require("node:fs");
const ejs = require("ejs");
console.log(ejs.render("<% for (const n of list) { %><%= n %>,<%- n %>;<% } %>", { list: ["<a>", 2] }));
fs.mkdirSync("/tmp/views", { recursive: true });
fs.writeFileSync("/tmp/views/main.ejs", "<%- include('part', { who }) -%>\n!");
fs.writeFileSync("/tmp/views/part.ejs", "Hello <%= who %>");
ejs.renderFile("/tmp/views/main.ejs", { who: "you & me" }, (error, html) => console.log(error, JSON.stringify(html)));
console.log(ejs.compile("<?= a ?>", { delimiter: "?" })({ a: 1 }));
ejs.render("<%= await p %>", { p: Promise.resolve(5) }, { async: true }).then((text) => console.log(text));
try {
  ejs.render("line\n<%= missing.x %>", {});
} catch (error) {
  console.log(error.name, error.message.split("\n")[0]);
}
