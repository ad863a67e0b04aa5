// package: validator
const validator = require("validator");
for (const [name, ...args] of [
  ["isEmail", "foo@example.com"],
  ["isEmail", "foo@@x"],
  ["isURL", "https://example.com/a?b=c"],
  ["isIP", "::1", 6],
  ["isISBN", "978-3-16-148410-0"],
  ["isCreditCard", "4111 1111 1111 1111"],
  ["isUUID", "9c858901-8a57-4791-81fe-4c455b099bc9"],
  ["isJWT", "a.b.c"],
  ["isMobilePhone", "+4915112345678", "de-DE"],
  ["isStrongPassword", "aA1!aaaa"],
  ["escape", "<b>&'\"</b>"],
  ["normalizeEmail", "Foo.Bar+x@Gmail.com"],
  ["isISO8601", "2020-02-30", { strict: true }],
  ["trim", "  x "],
])
  console.log(name, args[0], validator[name](...args));
