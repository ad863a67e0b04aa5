// package: ajv
const Ajv = require("ajv");
const ajv = new Ajv({ allErrors: true, useDefaults: true, coerceTypes: true });
ajv.addKeyword({ keyword: "even", validate: (on, n) => (n % 2 === 0) === on });
const validate = ajv.compile({
  type: "object",
  required: ["id"],
  additionalProperties: false,
  properties: {
    id: { type: "integer", even: true },
    name: { type: "string", default: "none", pattern: "^[a-z]+$" },
    list: { type: "array", items: { $ref: "#/definitions/item" } },
  },
  definitions: { item: { type: "string", maxLength: 3 } },
});
const good = { id: "4" };
console.log(validate(good), good);
console.log(
  validate({ id: 3, name: "X", list: ["abcd"], more: 1 }),
  ajv.errorsText(validate.errors),
  validate.errors.map((e) => e.instancePath),
);
const jtd = new (require("ajv/dist/jtd"))();
const parse = jtd.compileParser({ properties: { a: { type: "int32" } } });
console.log(
  parse('{"a":1}'),
  parse('{"a":"x"}'),
  parse.message,
  jtd.compileSerializer({ properties: { a: { type: "int32" } } })({ a: 5 }),
);
