// package: bcryptjs
import bcrypt from "bcryptjs";
const salt = "$2b$04$abcdefghijklmnopqrstuu";
console.log(bcrypt.hashSync("password", salt), await bcrypt.hash("ünï", salt), bcrypt.getRounds(salt));
const hash = await bcrypt.hash("secret", 4);
console.log(
  hash.length,
  await bcrypt.compare("secret", hash),
  bcrypt.compareSync("other", hash),
  bcrypt.genSaltSync(5).slice(0, 7),
  bcrypt.truncates("x".repeat(73)),
);
