import assert from "node:assert/strict";
import { describe, it, test } from "node:test";

import { Ledger } from "../src/ledger.js";

test("passes", () => {});

test("compares what differs", () => {
  assert.deepEqual(new Ledger().open("ada", 100).statement().split("\n"), ["ada: 2.00"]);
});

test("lets an error through", async () => {
  await new Ledger().open("ada").open("bob").move("ada", "bob", 1);
});

describe("in a suite", () => {
  it("is true", () => assert.ok(false, "it is not"));
  it("passes beside it", () => {});
});

test("leaves something behind", () => {
  setImmediate(() => {
    throw new TypeError("after the test");
  });
});

test("takes too long", { timeout: 20 }, () => new Promise((done) => setTimeout(done, 2000).unref()));
