// package: chai
import { assert, expect, should, use } from "chai";
should();
expect({ a: [1, { b: 2 }] })
  .to.deep.include({ a: [1, { b: 2 }] })
  .and.have.nested.property("a[1].b", 2);
[1, 2].should.have.lengthOf(2);
use((chai, utils) =>
  utils.addMethod(chai.Assertion.prototype, "even", function even() {
    this.assert(this._obj % 2 === 0, "expected #{this} to be even", "expected #{this} not to be even");
  }),
);
for (const check of [
  () => expect(3).to.be.even(),
  () => expect([1, 2]).to.eql([1, 3]),
  () => assert.throws(() => {}, TypeError),
  () => expect("abc").to.match(/x/),
  () => expect(new Map([[1, 2]])).to.be.empty,
]) {
  try {
    check();
    console.log("passed");
  } catch (error) {
    console.log(error.name, error.message);
  }
}
