// class: Node: SQL that reaches for files, libraries and memory
// rule: SQLite opens the VM's files only, loads nothing, and gives or takes no address of the process
// platforms: node
// expects: DENIED a file of the host: ERR_SQLITE_ERROR
// expects: DENIED through a link of a mount: ERR_SQLITE_ERROR
// expects: DENIED ATTACH through a link of a mount: ERR_SQLITE_ERROR
// expects: DENIED ATTACH with SQLite's own file system: ERR_SQLITE_ERROR
// expects: DENIED another of them: ERR_SQLITE_ERROR
// expects: DENIED a database of another's memory: this VM's
// expects: DENIED VACUUM INTO a folder that cannot be written: ERR_SQLITE_ERROR
// expects: DENIED load_extension: ERR_SQLITE_ERROR
// expects: DENIED loadExtension: ERR_CORDON_UNSUPPORTED
// expects: DENIED readfile: ERR_SQLITE_ERROR
// expects: DENIED writefile: ERR_SQLITE_ERROR
// expects: DENIED edit: ERR_SQLITE_ERROR
// expects: DENIED the address of a tokenizer: ERR_SQLITE_ERROR
// expects: DENIED a tokenizer at an address: ERR_SQLITE_ERROR
// expects: DENIED the address of FTS5: none
// expects: DENIED a schema that is no schema: ERR_SQLITE_ERROR
// expects: DENIED a file that is no database: ERR_SQLITE_ERROR
// expects: DENIED more memory than there is: ERR_SQLITE_ERROR
// expects: DENIED a text of more memory than there is: ERR_SQLITE_ERROR
// expects: DENIED nesting without end: ERR_SQLITE_ERROR
// expects: DENIED recursion without end: ERR_SQLITE_ERROR
const { attempt } = require("/escape/report.mjs");
const { DatabaseSync } = require("node:sqlite");
const fs = require("node:fs");

const folder = process.env.HOST_FOLDER;
const sql = (text, ...values) => Object.values(new DatabaseSync(":memory:").prepare(text).get(...values) ?? {})[0];
const exec = (text) => { new DatabaseSync(":memory:").exec(text); return true; };
attempt("a file of the host", () => { new DatabaseSync(`${folder}/secret.db`); return fs.existsSync(`${folder}/secret.db`) ? "the VM's own" : true; });
attempt("through a link of a mount", () => { new DatabaseSync("/m/link.txt").prepare("SELECT * FROM sqlite_master").all(); return true; });
attempt("ATTACH through a link of a mount", () => exec("ATTACH '/m/link-new' AS other; CREATE TABLE other.t (a)"));
attempt("ATTACH with SQLite's own file system", () => exec("ATTACH 'file:/etc/passwd?vfs=unix&mode=ro' AS other"));
attempt("another of them", () => exec("ATTACH 'file:/tmp/x.db?vfs=unix-none' AS other"));
attempt("a database of another's memory", () => exec("ATTACH 'file:/x?vfs=memdb' AS other; CREATE TABLE other.t (a)") && "this VM's");
attempt("VACUUM INTO a folder that cannot be written", () => exec("CREATE TABLE t (a); VACUUM INTO '/ro/x.db'"));
attempt("load_extension", () => sql("SELECT load_extension('/tmp/x.so')"));
attempt("loadExtension", () => { const database = new DatabaseSync(":memory:", { allowExtension: true }); database.enableLoadExtension(true); database.loadExtension("/tmp/x.so"); return true; });
attempt("readfile", () => sql("SELECT readfile('/etc/passwd')"));
attempt("writefile", () => sql("SELECT writefile('/tmp/x', 'y')"));
attempt("edit", () => sql("SELECT edit('x', 'sh')"));
attempt("the address of a tokenizer", () => (sql("SELECT fts3_tokenizer(?)", "simple") ? true : "none"));
attempt("a tokenizer at an address", () => { sql("SELECT fts3_tokenizer(?, ?)", "evil", Buffer.from("4141414141410000", "hex")); return true; });
attempt("the address of FTS5", () => (sql("SELECT fts5(?)", 1) ? true : "none"));
attempt("a schema that is no schema", () => exec("CREATE TABLE t (a); PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'CREATE TABLE t (a, b, c) x'; PRAGMA writable_schema = RESET; SELECT * FROM t"));
attempt("a file that is no database", () => { fs.writeFileSync("/tmp/x.db", Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(8176, 0xff)])); new DatabaseSync("/tmp/x.db").prepare("SELECT * FROM sqlite_master").all(); return true; });
attempt("more memory than there is", () => { sql("SELECT zeroblob(1000000000)"); return true; });
attempt("a text of more memory than there is", () => { sql("SELECT printf('%.*c', 900000000, 'x')"); return true; });
attempt("nesting without end", () => { sql(`SELECT ${"(".repeat(5000)}1${")".repeat(5000)}`); return true; });
attempt("recursion without end", () => { sql("WITH RECURSIVE r (x) AS (SELECT zeroblob(200000000) UNION ALL SELECT x || zeroblob(200000000) FROM r) SELECT sum(length(x)) FROM r"); return true; });
