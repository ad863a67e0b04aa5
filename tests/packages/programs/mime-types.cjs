// package: mime-types
const mime = require("mime-types");
console.log(
  mime.lookup("a.json"),
  mime.lookup("x/y.tar.gz"),
  mime.contentType("html"),
  mime.extension("image/svg+xml"),
  mime.charset("text/css"),
  mime.lookup("none.unknown"),
  Object.keys(mime.types).length > 900,
);
