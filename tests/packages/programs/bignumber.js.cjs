// package: bignumber.js
const BigNumber = require("bignumber.js");
BigNumber.config({ DECIMAL_PLACES: 30, EXPONENTIAL_AT: 50 });
console.log(
  BigNumber("0.1").plus("0.2").toString(),
  BigNumber(1).div(3).toString(),
  BigNumber("1e40").toFormat(2),
  BigNumber("ff.8", 16).toString(2),
  BigNumber(2).sqrt().toString(),
  BigNumber("123.456").dp(1).toFixed(),
  BigNumber.random(5).lt(1),
  BigNumber(NaN).isNaN(),
  BigNumber.sum(1, "2", 3).eq(6),
);
