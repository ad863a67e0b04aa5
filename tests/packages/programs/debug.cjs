// package: debug
// stderr: compared
const debug = require("debug");
debug.enable("app:*,-app:secret,other");
debug.formatters.h = (buffer) => buffer.toString("hex");
const log = debug("app:main");
log.diff = 0;
console.log(
  log.enabled,
  debug("app:secret").enabled,
  debug("x").enabled,
  debug("other").enabled,
  log.extend("sub").namespace,
);
const lines = [];
log.log = (...args) =>
  lines.push(
    args.map((arg) =>
      String(arg)
        .replace(/^\S+Z /, "TIME ")
        .replace(/\+\d+ms/, "+0ms"),
    ),
  );
log("hello %s %d %o %h", "x", 5, { a: [1] }, Buffer.from("hi"));
console.log(lines, debug.disable());
