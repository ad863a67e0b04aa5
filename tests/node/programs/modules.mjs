// Both module systems, conditions of packages, JSON, cycles, and what a module knows of itself.
import assert from "node:assert";
import { createRequire, isBuiltin } from "node:module";

import dual, { kind } from "dual";
import plain from "plain";
import data from "./data.json" with { type: "json" };
import * as cycle from "./cycle-a.mjs";

const require = createRequire(import.meta.url);
console.log(kind, dual, require("dual").kind, plain.answer, data.list);
console.log(cycle.names().join(), import.meta.filename.endsWith("modules.mjs"), import.meta.main);
console.log(isBuiltin("fs"), isBuiltin("node:test"), isBuiltin("nothing"));
console.log(require("./esm.mjs").default, (await import("dual/feature")).feature);
for (const specifier of ["missing", "./missing.mjs", "dual/hidden", "#none"]) {
  await assert.rejects(import(specifier), (error) => {
    console.log(specifier, error.code);
    return true;
  });
}
try {
  require("missing");
} catch (error) {
  console.log(error.code, error.message.split("\n")[0]);
}
console.log((await import("./types.ts")).area({ width: 2, height: 3 }));
console.log((await import("data:text/javascript,export default 42")).default, typeof require.cache, require.resolve("plain").endsWith("plain/index.js"));
