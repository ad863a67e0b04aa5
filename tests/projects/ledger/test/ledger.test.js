import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, describe, it, mock } from "node:test";

import { Ledger } from "../src/ledger.js";

describe("a ledger", () => {
  let ledger;
  const clock = mock.fn(() => 1234);

  beforeEach(() => {
    ledger = new Ledger({ clock }).open("ada", 1000).open("bob");
  });

  afterEach(() => clock.mock.resetCalls());

  it("moves money", async (context) => {
    const moved = once(ledger, "moved");
    await ledger.move("ada", "bob", 250);
    assert.deepEqual(await moved, [{ from: "ada", to: "bob", cents: 250, at: 1234 }]);
    assert.equal(clock.mock.callCount(), 1);
    context.diagnostic("one call of the clock");
  });

  it("refuses what is not there", async (context) => {
    await context.test("money", () => assert.rejects(ledger.move("bob", "ada", 1), /bob has 0.00 only/));
    await context.test("accounts", () => assert.throws(() => ledger.balance("eve"), RangeError));
  });

  it("does nothing later by itself", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 5000 });
    const late = context.mock.fn();
    setTimeout(late, 60_000);
    context.mock.timers.tick(60_000);
    assert.equal(late.mock.callCount(), 1);
    assert.equal(Date.now(), 65_000);
  });

  it("writes statements", (context) => {
    context.assert.snapshot(ledger.statement());
  });
});
