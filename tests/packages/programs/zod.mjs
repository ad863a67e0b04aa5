// package: zod
import { z } from "zod";
const User = z.object({
  name: z.string().min(2),
  age: z.coerce.number().int().positive(),
  email: z.email().optional(),
  role: z.enum(["admin", "user"]).default("user"),
  tags: z.array(z.string()).max(2),
});
console.log(User.parse({ name: "Ada", age: "36", tags: ["x"] }));
const bad = User.safeParse({ name: "A", age: -1, email: "nope", tags: ["a", "b", "c"] });
console.log(
  bad.success,
  bad.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
);
const shape = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("c"), r: z.number() }),
  z.object({ kind: z.literal("s"), a: z.number() }),
]);
console.log(
  shape.parse({ kind: "s", a: 2 }),
  z
    .string()
    .transform((s) => s.length)
    .parse("four"),
);
console.log(
  JSON.stringify(z.toJSONSchema(User)),
  await z
    .string()
    .refine(async (s) => s === "ok")
    .safeParseAsync("no")
    .then((r) => r.success),
);
