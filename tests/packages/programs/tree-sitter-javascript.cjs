// package: tree-sitter-javascript
// deny: fails with native addons
const language = require("tree-sitter-javascript");
console.log(typeof language.language, language.name);
