// package: semver
const semver = require("semver");
console.log(
  semver.satisfies("1.2.3", "^1.0.0 || >=3"),
  semver.valid("v1.2.3-beta.1+x"),
  semver.inc("1.2.3", "prerelease", "rc"),
  semver.diff("1.2.3", "2.0.0"),
);
console.log(
  ["1.10.0", "1.2.0", "1.2.0-a"].sort(semver.compare),
  semver.maxSatisfying(["1.2.3", "1.3.0", "2.0.0"], "~1.2"),
  semver.coerce("v4.x foo").version,
);
console.log(
  new semver.Range("1.x - 2.3").format(),
  semver.minVersion(">1.2 <3").version,
  semver.intersects("^1", ">=1.5 <2"),
  semver.subset("~1.2.3", "^1"),
);
try {
  new semver.SemVer("nope");
} catch (error) {
  console.log(error.name, error.message);
}
