// package: valibot
import * as v from "valibot";
const schema = v.object({
  name: v.pipe(v.string(), v.minLength(2)),
  email: v.optional(v.pipe(v.string(), v.email())),
  n: v.pipe(v.string(), v.transform(Number), v.integer()),
});
console.log(
  v.parse(schema, { name: "Ada", n: "5" }),
  v.flatten(v.safeParse(schema, { name: "A", email: "x", n: "1.5" }).issues),
  v.is(v.union([v.literal("a"), v.number()]), 3),
);
