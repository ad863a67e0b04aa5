// package: mathjs
import {
  chain,
  create,
  all,
  bignumber,
  complex,
  derivative,
  evaluate,
  fraction,
  inv,
  matrix,
  multiply,
  parse,
  simplify,
  unit,
} from "mathjs";
console.log(
  evaluate("sqrt(3^2 + 4^2) cm + 2 inch to cm").toString(),
  evaluate("f(x) = x^2 + a; f(3)", { a: 1 }).entries,
  String(derivative("x^3 + sin(x)", "x")),
  String(simplify("2x + 3x")),
);
console.log(
  String(
    multiply(
      matrix([
        [1, 2],
        [3, 4],
      ]),
      inv([
        [1, 2],
        [3, 4],
      ]),
    ),
  ),
  String(complex(1, 2).mul(complex(0, 1))),
  String(fraction(1, 3).add(fraction(1, 6))),
  unit("5 km/h").to("m/s").toString(),
);
const big = create(all, { number: "BigNumber", precision: 40 });
console.log(
  String(big.evaluate("1/3 + 1e-30")),
  chain(3).add(4).multiply(2).done(),
  parse("a*b^2").toTex(),
  String(bignumber("0.1").plus("0.2")),
  evaluate("det([1,2;3,4])"),
  evaluate("std([1,2,3,4])"),
);
try {
  evaluate("1 +");
} catch (error) {
  console.log(error.name, error.message);
}
