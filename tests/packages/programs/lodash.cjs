// package: lodash
const _ = require("lodash");
const people = [
  { name: "Ada", age: 36 },
  { name: "Alan", age: 41 },
  { name: "Grace", age: 36 },
];
console.log(_.groupBy(people, "age"), _.orderBy(people, ["age", "name"], ["desc", "asc"]));
console.log(
  _.chain([1, 2, 3, 4])
    .filter((n) => n % 2)
    .map((n) => n * 10)
    .sum()
    .value(),
);
console.log(_.merge({ a: { b: [1, 2] } }, { a: { b: [3], c: 4 } }), _.cloneDeep(new Map([["x", { y: 1 }]])));
console.log(_.template("Hello <%= name %><% if (n > 1) { %>s<% } %>")({ name: "world", n: 2 }));
console.log(
  _.isEqual({ a: [1, new Date(0)] }, { a: [1, new Date(0)] }),
  _.kebabCase("fooBar Baz"),
  _.get({ a: [{ b: 7 }] }, "a[0].b"),
);
const calls = [];
const debounced = _.debounce((x) => calls.push(x), 5);
debounced(1);
debounced(2);
setTimeout(() => console.log("debounced", calls), 60);
