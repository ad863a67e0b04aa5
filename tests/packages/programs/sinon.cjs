// package: sinon
const sinon = require("sinon");
const target = { add: (a, b) => a + b, later: (done) => setTimeout(done, 1000) };
const spy = sinon.spy(target, "add");
target.add(1, 2);
console.log(
  spy.calledWith(1, 2),
  spy.firstCall.returnValue,
  sinon.stub().onFirstCall().returns(1).onSecondCall().throws(new TypeError("x"))(),
  sinon.match({ a: sinon.match.number }).test({ a: 1, b: 2 }),
);
const clock = sinon.useFakeTimers({ now: 5000 });
let fired = 0;
setInterval(() => {
  fired += 1;
}, 100);
target.later(() => console.log("later at", Date.now()));
clock.tick(1050);
console.log(fired, Date.now());
clock.restore();
sinon.restore();
const mock = sinon.mock(target);
mock.expects("add").once().withArgs(1).returns(9);
console.log(target.add(1), mock.verify());
try {
  sinon.assert.calledOnce(sinon.fake());
} catch (error) {
  console.log(error.name, error.message);
}
