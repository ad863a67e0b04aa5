// package: underscore
const _ = require("underscore");
console.log(
  _.countBy([1, 2, 3, 4, 5], (n) => (n % 2 ? "odd" : "even")),
  _.zip(["a", "b"], [1, 2]),
  _.range(0, 10, 3),
);
console.log(_.template("<% _.each(list, function (x) { %>[<%- x %>]<% }); %>")({ list: ["<a>", "b"] }));
console.log(
  _([3, 1, 2])
    .chain()
    .sortBy()
    .map((n) => n * n)
    .value(),
  _.omit({ a: 1, b: 2 }, "a"),
  _.isEqual([1, { b: 2 }], [1, { b: 2 }]),
);
const memo = _.memoize((n) => n + 1);
console.log(memo(1), memo(1), Object.keys(memo.cache));
_.defer(() => console.log("deferred"));
