// package: bluebird
const Promise = require("bluebird");
Promise.config({ cancellation: true, longStackTraces: false });
Promise.map([1, 2, 3], (n) => Promise.delay(5 * (4 - n), n * n), { concurrency: 2 })
  .then((list) => console.log(list))
  .then(() => Promise.promisify(require("node:fs").readFile)("/none"))
  .catch({ code: "ENOENT" }, (error) => console.log(error.code, error.name))
  .then(() => Promise.delay(1000).timeout(5))
  .catch(Promise.TimeoutError, (error) => console.log(error.name, error.message))
  .then(() => Promise.reduce([1, 2, 3], (a, b) => a + b, 0))
  .tap((sum) => console.log(sum))
  .then(() => Promise.props({ a: 1, b: Promise.resolve(2) }))
  .then((props) => console.log(props))
  .finally(() => console.log("finally"));
const cancelled = new Promise((resolve, reject, onCancel) => onCancel(() => console.log("cancelled")));
cancelled.cancel();
Promise.coroutine(function* () {
  console.log(yield Promise.resolve("co"));
})();
Promise.using(
  Promise.resolve("r").disposer((r) => console.log("disposed", r)),
  (r) => console.log("using", r),
);
