// package: tape
const test = require("tape");
test("passes", (t) => {
  t.plan(3);
  t.equal(1, 1);
  t.deepEqual({ a: [1] }, { a: [1] });
  setTimeout(() => t.pass("later"), 2);
});
test("throws", (t) => {
  t.throws(() => {
    throw new TypeError("x");
  }, TypeError);
  t.match("abc", /b/);
  t.end();
});
test.skip("skipped", (t) => t.fail());
test("async", async (t) => {
  await null;
  t.ok(true, "awaited");
});
