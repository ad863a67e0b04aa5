// package: bn.js
const BN = require("bn.js");
const a = new BN("123456789012345678901234567890"),
  b = new BN("ff", 16);
console.log(
  a.mul(b).toString(),
  a.mod(b).toNumber(),
  a.pow(new BN(3)).toString(16),
  a.toRed(BN.red("k256")).redInvm().fromRed().toString(16),
  a.toArrayLike(Buffer, "be", 16).toString("hex"),
  a.gcd(b).toString(),
  a.ushln(5).bitLength(),
  b.neg().toTwos(16).toString(16),
);
