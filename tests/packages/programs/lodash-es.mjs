// package: lodash-es
import _, { chunk, debounce, mapValues, partition } from "lodash-es";
console.log(
  chunk([1, 2, 3, 4, 5], 2),
  mapValues({ a: 1 }, (n) => n + 1),
  partition([1, 2, 3], (n) => n > 1),
  _.camelCase("foo bar"),
  typeof debounce,
  Object.keys(await import("lodash-es")).length,
);
