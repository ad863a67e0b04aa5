// package: minimatch
import { Minimatch, minimatch } from "minimatch";
for (const [path, pattern, options] of [
  ["a/b/c.js", "a/**/*.js"],
  ["a/.b", "a/*"],
  ["a/.b", "a/*", { dot: true }],
  ["x.md", "*.+(md|txt)"],
  ["foo", "!(foo|bar)"],
  ["b3", "{a..c}{1..3}"],
  ["é", "[[:alpha:]]"],
  ["A.JS", "*.js", { nocase: true }],
  ["a/b/c", "c", { matchBase: true }],
])
  console.log(path, pattern, minimatch(path, pattern, options));
console.log(
  minimatch.braceExpand("{a,b{1..3}}x"),
  new Minimatch("a/*.{js,ts}").match("a/b.ts"),
  ["a.js", "b.ts"].filter(minimatch.filter("*.js")),
);
