// package: mocha
const { spawn } = require("node:child_process");
const fs = require("node:fs");
fs.mkdirSync("/tmp/mocha", { recursive: true });
fs.writeFileSync(
  "/tmp/mocha/a.test.mjs",
  "import assert from 'node:assert';\ndescribe('a', () => { it('works', () => assert.ok(1)); it('fails', () => assert.equal(1, 2)); });\n",
);
fs.writeFileSync(
  "/tmp/mocha/b.test.cjs",
  "describe('b', function () { this.retries(1); let n = 0; it('retries', () => { if (n++ < 1) throw new Error('no'); }); });\n",
);
const child = spawn(
  process.execPath,
  [
    require.resolve("mocha/bin/mocha.js"),
    "--no-config",
    "--reporter",
    "json",
    "/tmp/mocha/a.test.mjs",
    "/tmp/mocha/b.test.cjs",
  ],
  { cwd: "/tmp/mocha", stdio: ["ignore", "pipe", "inherit"] },
);
let text = "";
child.stdout.on("data", (part) => {
  text += part;
});
child.on("close", (code) => {
  const { stats, failures } = JSON.parse(text);
  console.log(
    code,
    stats.tests,
    stats.passes,
    failures.map((each) => [each.fullTitle, each.err.message]),
  );
});
