// package: ramda
import * as R from "ramda";
const total = R.pipe(
  R.filter((o) => o.paid),
  R.map(R.prop("amount")),
  R.sum,
);
console.log(
  total([
    { paid: true, amount: 3 },
    { paid: false, amount: 9 },
    { paid: true, amount: 4 },
  ]),
);
console.log(
  R.over(R.lensPath(["a", "b"]), R.inc, { a: { b: 1 } }),
  R.transpose([
    [1, 2],
    [3, 4],
  ]),
);
console.log(R.curry((a, b, c) => a + b + c)(1)(2)(3), R.equals({ a: [1] }, { a: [1] }), R.toString({ a: new Date(0) }));
console.log(
  R.transduce(R.compose(R.map(R.add(1)), R.take(2)), R.flip(R.append), [], [1, 2, 3]),
  R.groupBy(R.length, ["a", "bb", "c"]),
);
