// package: piscina
// deny: fails with timingMitigation is "freeze"
const fs = require("node:fs");
const Piscina = require("piscina");
fs.writeFileSync(
  "/tmp/piscina-worker.cjs",
  "module.exports = ({ n }) => n * n; module.exports.fail = () => { throw new RangeError('in worker'); };",
);
(async () => {
  const pool = new Piscina({ filename: "/tmp/piscina-worker.cjs", minThreads: 1, maxThreads: 2 });
  console.log(await Promise.all([1, 2, 3].map((n) => pool.run({ n }))));
  await pool.run({}, { name: "fail" }).catch((error) => console.log(error.name, error.message));
  await pool.destroy();
})();
