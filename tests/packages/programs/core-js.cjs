// package: core-js
require("core-js/actual");
console.log(
  [3, 1, 2].toSorted(),
  Object.groupBy([1, 2, 3], (n) => (n % 2 ? "odd" : "even")),
  Array.from(new Set([1, 2]).union(new Set([3]))),
  structuredClone(new Map([[1, { a: new Date(0) }]])),
);
console.log(
  Iterator.from([1, 2, 3])
    .map((n) => n * 2)
    .toArray(),
  typeof Promise.try,
  new URL("a?b=1", "https://ex.com").href,
  RegExp.escape("a.b"),
  Math.sumPrecise?.([0.1, 0.2]),
);

setImmediate(() => console.log("immediate"));
queueMicrotask(() => console.log("microtask"));
