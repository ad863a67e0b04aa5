import { DatabaseSync } from "node:sqlite";

/** Which file has which words, how often. */
export class Database {
  #database;

  constructor(file) {
    this.#database = new DatabaseSync(file, { enableForeignKeyConstraints: true });
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL CHECK (bytes > 0)) STRICT;
      CREATE TABLE IF NOT EXISTS words (file INTEGER NOT NULL REFERENCES files, word TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (file, word)) STRICT, WITHOUT ROWID;
    `);
    this.#database.function("is_long", { deterministic: true }, (word) => (word.length > 5 ? 1 : 0));
  }

  add({ name, bytes, words }) {
    this.#database.exec("BEGIN");
    try {
      const { lastInsertRowid } = this.#database.prepare("INSERT INTO files (name, bytes) VALUES (?, ?)").run(name, bytes);
      const insert = this.#database.prepare("INSERT INTO words VALUES ($file, $word, $count)");
      for (const [word, count] of words) insert.run({ $file: lastInsertRowid, word, count });
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  common(limit) {
    const select = "SELECT word, sum(count) AS count, group_concat(name, ' ') AS files FROM words JOIN files ON files.id = file WHERE is_long(word) GROUP BY word ORDER BY 2 DESC, 1 LIMIT ?";
    return this.#database.prepare(select).all(limit).map((row) => ({ ...row }));
  }

  totals() {
    const statement = this.#database.prepare("SELECT count(*) AS files, sum(bytes) AS bytes, (SELECT count(DISTINCT word) FROM words) AS words FROM files");
    statement.setReadBigInts(true);
    return statement.get();
  }

  [Symbol.dispose]() {
    this.#database.close();
  }
}
