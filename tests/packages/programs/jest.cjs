// package: jest
// deny: fails with jest-circus/build/runner.js in the testRunner option was not found
// It looks for files with unrs-resolver, a native addon, and takes its absence for that of the file.
const fs = require("node:fs");
const { runCLI } = require("jest");
fs.mkdirSync("/tmp/jest", { recursive: true });
fs.writeFileSync("/tmp/jest/package.json", "{}");
fs.writeFileSync("/tmp/jest/lib.js", "module.exports = { add: (a, b) => a + b };");
fs.writeFileSync(
  "/tmp/jest/a.test.js",
  "jest.mock('./lib', () => ({ add: jest.fn(() => 7) }));\nconst { add } = require('./lib');\ntest('mocks', () => { expect(add(1, 2)).toBe(7); expect(add).toHaveBeenCalledWith(1, 2); });\ntest('fails', () => { expect([1]).toEqual([2]); });\ndescribe('timers', () => { it('are fake', () => { jest.useFakeTimers(); const f = jest.fn(); setTimeout(f, 1000); jest.runAllTimers(); expect(f).toHaveBeenCalled(); }); });\n",
);
const config = {
  testEnvironment: "node",
  transform: {},
  haste: { enableSymlinks: false },
  reporters: [],
  cacheDirectory: "/tmp/jest-cache",
};
runCLI({ runInBand: true, watchman: false, silent: true, config: JSON.stringify(config), $0: "", _: [] }, [
  "/tmp/jest",
]).then(({ results }) => {
  console.log(
    results.numTotalTests,
    results.numPassedTests,
    results.testResults[0].testResults.map((each) => [each.fullName, each.status]),
    results.testResults[0].failureMessage?.includes("Expected"),
  );
});
