// package: drizzle-orm
import { and, eq, gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
const users = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  name: text("name").notNull(),
  age: integer("age"),
});
const asked = [];
const db = drizzle(async (query, params, method) => {
  asked.push([query, params, method]);
  return { rows: method === "get" ? [1, "ada", 36] : [[1, "ada", 36]] };
});
console.log(
  await db
    .select()
    .from(users)
    .where(and(eq(users.name, "ada"), gt(users.age, 5)))
    .limit(3),
  await db.insert(users).values({ name: "x" }).returning(),
);
console.log(
  asked,
  db
    .update(users)
    .set({ age: sql`${users.age} + 1` })
    .toSQL(),
);
