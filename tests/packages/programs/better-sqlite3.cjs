// package: better-sqlite3
// node: fails
// Its addon is built by an install script, which does not run here: real Node fails as well.
const Database = require("better-sqlite3");
const db = new Database(":memory:");
console.log(db.prepare("select 1 + 1 as two").get());
