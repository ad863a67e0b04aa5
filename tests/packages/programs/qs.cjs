// package: qs
const qs = require("qs");
console.log(
  JSON.stringify(
    qs.parse("a[b][c]=1&a[d][]=2&a[d][]=3&e=%C3%A9&f.g=1&h", { allowDots: true, strictNullHandling: true }),
  ),
  qs.stringify(
    { a: { b: [1, 2], c: null }, d: new Date(0), u: undefined },
    { arrayFormat: "brackets", skipNulls: true },
  ),
);
console.log(
  qs.parse("a=1;b=2", { delimiter: ";" }),
  qs.parse("a[0]=x&a[50]=y"),
  qs.stringify({ q: "ä ö" }, { charset: "iso-8859-1", format: "RFC1738" }),
  qs.parse("__proto__[x]=1&toString=2"),
);
