// package: knex
import { DatabaseSync } from "node:sqlite";
import knex from "knex";
const query = knex({ client: "better-sqlite3", useNullAsDefault: true });
console.log(
  query("users").where({ a: 1 }).whereIn("b", [1, 2]).orWhereNull("c").orderBy("d", "desc").limit(5).toString(),
);
console.log(
  query
    .select("u.*")
    .from("users as u")
    .leftJoin("posts as p", "p.user", "u.id")
    .groupBy("u.id")
    .count("p.id as n")
    .toSQL().sql,
);
const db = new DatabaseSync(":memory:");
const run = (built) => {
  const { sql, bindings } = built.toSQL().toNative();
  const statement = db.prepare(sql);
  return /^\s*(select|with)/i.test(sql) ? statement.all(...bindings) : statement.run(...bindings);
};
for (const { sql } of query.schema
  .createTable("users", (table) => {
    table.increments();
    table.string("name").notNullable().unique();
    table.integer("age").defaultTo(1);
  })
  .toSQL())
  db.exec(sql);
run(
  query("users").insert([
    { name: "ada", age: 36 },
    { name: "alan", age: 41 },
  ]),
);
run(query("users").where("name", "alan").increment("age", 1));
console.log(
  run(query("users").select("name", "age").where("age", ">", 30).orderBy("name")),
  run(query("users").sum("age as total")),
);
