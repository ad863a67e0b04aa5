import assert from "node:assert/strict";
import { test } from "node:test";

import { format, parse } from "../src/money.js";

for (const [cents, text] of [[0, "0.00"], [5, "0.05"], [-1234, "-12.34"]]) {
  test(`${cents} is ${text}`, () => {
    assert.equal(format(cents), text);
    assert.equal(parse(text), cents);
  });
}

test("what is no amount is refused", () => {
  assert.throws(() => parse("1,00"), { name: "SyntaxError", message: "not an amount: 1,00" });
});

test("currencies", { todo: "not yet" }, () => assert.equal(format(1), "€ 0.01"));
test("fractions", { skip: true }, () => assert.fail());
