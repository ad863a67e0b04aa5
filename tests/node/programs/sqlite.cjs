// Databases: in memory, and in files of the VM.
'use strict';

const { existsSync, mkdtempSync, readdirSync, rmSync, statSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { backup, constants, DatabaseSync, StatementSync } = require('node:sqlite');

const folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
const shown = (error) => [error.name, error.code, error.errcode, error.errstr, error.message].join(' | ');
const fails = (what, call) => {
  try {
    console.log(what, 'did not fail', call());
  } catch (error) {
    console.log(what, shown(error).replaceAll(folder, ''));
  }
};

// Values there and back.
const db = new DatabaseSync(':memory:');
db.exec('CREATE TABLE data(id INTEGER PRIMARY KEY, text TEXT, real REAL, blob BLOB, any ANY)');
const insert = db.prepare('INSERT INTO data(text, real, blob, any) VALUES ($text, :real, @blob, ?)');
console.log(insert.run({ text: 'grüße 🦆', real: 1.5, blob: new Uint8Array([1, 2]) }, 7n));
console.log(insert.run({ $text: '', ':real': -0, '@blob': new Uint8Array() }, null));
console.log(db.prepare('SELECT * FROM data').all());
console.log(db.prepare('SELECT * FROM data', { returnArrays: true, readBigInts: true }).get());
console.log(insert.sourceSQL, insert.expandedSQL);
console.log(db.prepare('SELECT text AS t, 1 + 1 FROM data').columns());
console.log([...db.prepare('SELECT id FROM data').iterate()].map((row) => row.id));
fails('large', () => db.prepare('SELECT 9007199254740993 AS n').get());
fails('unknown', () => insert.run({ nobody: 1 }));
fails('type', () => insert.run({ text: Symbol('s') }));
fails('syntax', () => db.prepare('SELECT FROM'));
fails('table', () => db.exec('SELECT * FROM nowhere'));
fails('constraint', () => db.exec('INSERT INTO data(id) VALUES (1)'));
fails('none', () => db.prepare('-- nothing'));
fails('constructor', () => new StatementSync());
fails('path', () => new DatabaseSync(5));
fails('absent', () => new DatabaseSync(join(folder, 'no', 'such.db')));
fails('directory', () => new DatabaseSync(folder));

// Functions and aggregates of JavaScript's.
db.function('twice', { deterministic: true }, (value) => value * 2);
db.function('joined', { varargs: true }, (...parts) => parts.join('-'));
db.function('fails', () => {
  throw new RangeError('from within');
});
console.log(db.prepare("SELECT twice(21) AS a, joined('x', 1, NULL) AS b").get());
fails('throws', () => db.prepare('SELECT fails()').get());
fails('promise', () => {
  db.function('later', async () => 1);
  return db.prepare('SELECT later()').get();
});
fails('closing', () => {
  db.function('closes', () => db.close());
  return db.prepare('SELECT closes()').get();
});
db.aggregate('total_length', { start: 0, step: (sum, text) => sum + text.length, result: (sum) => `${sum}!` });
db.aggregate('moving', { start: 0, step: (sum, n) => sum + n, inverse: (sum, n) => sum - n });
console.log(db.prepare('SELECT total_length(text) AS total FROM data').get());
console.log(db.prepare(
  'SELECT moving(value) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m FROM json_each(?)',
).all('[1,2,3,4]').map((row) => row.m));

// What SQLite is built with.
db.exec('CREATE VIRTUAL TABLE words USING fts5(content); INSERT INTO words VALUES (\'some words to find\')');
console.log(db.prepare('SELECT * FROM words WHERE words MATCH ?').all('find'));
db.exec('CREATE VIRTUAL TABLE boxes USING rtree(id, x1, x2); INSERT INTO boxes VALUES (1, 0, 1)');
console.log(db.prepare('SELECT id, sqrt(16) AS root FROM boxes WHERE x1 < 0.5').all());

// Tagged templates, limits, an authorizer, a table of JavaScript's rows.
const sql = db.createTagStore(2);
sql.run`INSERT INTO data(text) VALUES (${'tagged'})`;
console.log(sql.get`SELECT text FROM data WHERE text = ${'tagged'}`, sql.size, sql.capacity, sql.db === db);
console.log(db.limits.attach, (db.limits.attach = 1, db.limits.attach));
db.setAuthorizer((action, table) => (
  action === constants.SQLITE_READ && table === 'words' ? constants.SQLITE_DENY : constants.SQLITE_OK
));
fails('denied', () => db.prepare('SELECT * FROM words'));
db.setAuthorizer(null);
db.createModule('squares', {
  columns: [{ name: 'n', type: 'INTEGER' }, { name: 'square', type: 'INTEGER' }, { name: 'top', type: 'INTEGER', hidden: true }],
  *rows(top) {
    for (let n = 1; n <= top; n++) yield [n, n * n];
  },
});
console.log(db.prepare('SELECT sum(square) AS s FROM squares(4)').get());

// Changes that are carried over.
const [from, to] = [new DatabaseSync(':memory:'), new DatabaseSync(':memory:')];
for (const each of [from, to]) each.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)');
const session = from.createSession();
from.exec("INSERT INTO t VALUES (1, 'from'), (2, 'two')");
to.exec("INSERT INTO t VALUES (1, 'to')");
const changes = session.changeset();
console.log(to.applyChangeset(changes), to.prepare('SELECT * FROM t').all());
console.log(to.applyChangeset(changes, { onConflict: () => constants.SQLITE_CHANGESET_REPLACE }));
console.log(to.prepare('SELECT * FROM t').all(), session.patchset().length > 0);

// Files: locks, a write-ahead log, copies.
const path = join(folder, 'file.db');
const first = new DatabaseSync(path);
first.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
const second = new DatabaseSync(path, { timeout: 5 });
first.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (2)');
fails('locked', () => second.exec('INSERT INTO t VALUES (3)'));
console.log(second.prepare('SELECT count(*) AS n FROM t').get(), first.isTransaction, readdirSync(folder).sort());
first.exec('COMMIT');
console.log(second.prepare('SELECT count(*) AS n FROM t').get(), statSync(path).size);
console.log(first.prepare('PRAGMA journal_mode = WAL').get(), second.prepare('SELECT a FROM t').all());
first.exec('INSERT INTO t VALUES (4)');
second.exec('INSERT INTO t VALUES (5)');
console.log(first.prepare('SELECT sum(a) AS s FROM t').get(), existsSync(`${path}-wal`));
console.log(first.prepare('PRAGMA integrity_check').get());
fails('read only', () => new DatabaseSync(path, { readOnly: true }).exec('DELETE FROM t'));
console.log(first.location() === path, new DatabaseSync(`file:${path}?mode=ro`).prepare('SELECT a FROM t').get());

backup(first, join(folder, 'copy.db'), { rate: 1, progress: ({ totalPages, remainingPages }) => console.log(totalPages, remainingPages) })
  .then((pages) => {
    const copy = new DatabaseSync(join(folder, 'copy.db'));
    console.log(pages, copy.prepare('SELECT sum(a) AS s FROM t').get());
    copy.exec('PRAGMA journal_mode = DELETE');
    const again = new DatabaseSync(':memory:');
    again.deserialize(copy.serialize());
    console.log(again.prepare('SELECT count(*) AS n FROM t').get());
    for (const each of [first, second, copy]) each.close();
    console.log(readdirSync(folder).includes('file.db-wal'));
    fails('closed', () => first.prepare('SELECT 1'));
    rmSync(folder, { recursive: true });
  });
