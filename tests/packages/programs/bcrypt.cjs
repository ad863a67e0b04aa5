// package: bcrypt
// deny: fails with native addons
const bcrypt = require("bcrypt");
console.log(bcrypt.hashSync("password", "$2b$04$abcdefghijklmnopqrstuu"));
