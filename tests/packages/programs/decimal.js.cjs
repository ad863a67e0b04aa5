// package: decimal.js
const Decimal = require("decimal.js");
Decimal.set({ precision: 50, rounding: Decimal.ROUND_HALF_EVEN });
console.log(
  new Decimal("0.1").plus("0.2").toString(),
  Decimal.sqrt(2).toFixed(40),
  new Decimal(2).pow("0.5").toSignificantDigits(10).toString(),
  Decimal.exp(1).toString(),
  Decimal.acos(-1).toString(),
);
console.log(
  new Decimal("123456.789").toFraction(1000).toString(),
  new Decimal("0xff.8").toNumber(),
  Decimal.max(1, "1e500").toString(),
  new Decimal(-7).mod(3).toString(),
  new Decimal("1e-8").toJSON(),
);
try {
  new Decimal("x");
} catch (error) {
  console.log(error.message);
}
