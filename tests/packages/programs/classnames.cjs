// package: classnames
const classNames = require("classnames");
console.log(classNames("a", { b: true, c: false }, ["d", { e: 1 }], null, undefined, 0, 7));
console.log(
  require("classnames/bind").call({ a: "hash-a" }, "a", { b: true }),
  require("classnames/dedupe")("x", "y", { x: false }),
);
