// package: mocha
const Mocha = require("mocha");
const assert = require("node:assert");
const mocha = new Mocha({ reporter: "tap", timeout: 20_000 });
mocha.suite.emit("pre-require", globalThis, null, mocha);
describe("outer", () => {
  before(() => console.log("before"));
  it("passes", () => assert.equal(1, 1));
  it("waits", async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
  it("fails", () => assert.deepEqual({ a: 1 }, { a: 2 }));
  it("takes too long", function (done) {
    this.timeout(100);
  });
  it.skip("skipped", () => {});
  describe("inner", () => it("calls back", (done) => setImmediate(done)));
});
mocha.run((failures) => console.log("failures", failures));
