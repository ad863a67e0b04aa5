// package: knex
import knex from "knex";
for (const client of ["pg", "mysql2", "better-sqlite3", "mssql"]) {
  try {
    const query = knex({ client });
    console.log(client, query("t").insert({ a: 1, b: "x'y" }).onConflict("a").merge().toString());
    console.log(
      client,
      query.schema
        .createTable("u", (table) => {
          table.uuid("id").primary();
          table.json("j");
          table.timestamps(true, true);
        })
        .toString(),
    );
  } catch (error) {
    console.log(client, error.message.split("\n")[0]);
  }
}
