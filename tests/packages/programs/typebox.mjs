// package: @sinclair/typebox
import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { Value } from "@sinclair/typebox/value";
const T = Type.Object({
  x: Type.Integer({ minimum: 1 }),
  y: Type.Optional(Type.Union([Type.Literal("a"), Type.Null()])),
  list: Type.Array(Type.String()),
});
const check = TypeCompiler.Compile(T);
console.log(
  check.Check({ x: 1, list: [] }),
  [...check.Errors({ x: 0, y: 1, list: [2] })].map((error) => `${error.path} ${error.message}`),
  Value.Create(T),
  Value.Convert(T, { x: "5", list: "q" }),
  Value.Diff({ a: 1 }, { a: 2, b: 3 }),
);
