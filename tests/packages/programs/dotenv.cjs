// package: dotenv
const fs = require("node:fs");
const dotenv = require("dotenv");
fs.writeFileSync(
  "/tmp/.env",
  'A=1\nB="two\\nlines" # note\nC=\'single $A\'\nexport D=x=y\nE=`back"tick`\n# F=no\nG=\nMULTI="a\nb"\n',
);
process.env.A = "already";
const { parsed, error } = dotenv.config({ path: "/tmp/.env", quiet: true });
console.log(parsed, error, process.env.A, process.env.D, dotenv.parse("X: 5\nY = ' z '"));
const target = {};
console.log(dotenv.populate(target, { Q: "1" }), target, dotenv.config({ path: "/tmp/none", quiet: true }).error.code);
