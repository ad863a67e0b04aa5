// package: async
const async = require("async");
(async () => {
  console.log(
    await async.mapLimit([3, 1, 2], 2, async (n) => n * 2),
    await async.parallel({ a: async () => 1, b: (done) => setTimeout(done, 5, null, 2) }),
  );
  async.auto(
    { one: (done) => done(null, 1), two: ["one", (results, done) => setImmediate(done, null, results.one + 1)] },
    (error, results) => console.log(error, results),
  );
  const queue = async.queue(
    (task, done) =>
      setTimeout(() => {
        console.log("task", task);
        done();
      }, 2),
    1,
  );
  queue.push(["a", "b"]);
  queue.unshift("first");
  await queue.drain();
  async.waterfall([(done) => done(null, 1, 2), (a, b, done) => done(new Error(`sum ${a + b}`))], (error) =>
    console.log(error.message),
  );
  let tries = 0;
  console.log(
    await async.retry({ times: 3, interval: 1 }, async () => {
      if (++tries < 3) throw new Error("no");
      return tries;
    }),
  );
})();
