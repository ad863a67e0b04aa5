// package: superstruct
import {
  array,
  assert,
  coerce,
  create,
  defaulted,
  number,
  object,
  optional,
  refine,
  string,
  validate,
} from "superstruct";
const User = object({
  id: coerce(number(), string(), parseFloat),
  name: refine(string(), "short", (s) => s.length < 5),
  tags: defaulted(array(string()), () => []),
  more: optional(number()),
});
console.log(
  create({ id: "5", name: "ada" }, User),
  validate({ id: 1, name: "too long", tags: [1] }, User)[0]
    .failures()
    .map((f) => f.message),
);
try {
  assert({}, User);
} catch (error) {
  console.log(error.name, error.path);
}
