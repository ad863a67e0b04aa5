// package: joi
const Joi = require("joi");
const schema = Joi.object({
  name: Joi.string().alphanum().min(3).required(),
  email: Joi.string().email(),
  birth: Joi.date().iso().max("2020-01-01"),
  repeat: Joi.ref("name"),
  list: Joi.array().items(Joi.number()).unique(),
}).with("email", "birth");
console.log(schema.validate({ name: "ada", email: "ada@example.com", birth: "1999-12-31", list: ["1", 2] }));
const { error } = schema.validate({ name: "a!", email: "x", list: [1, 1] }, { abortEarly: false });
console.log(
  error.name,
  error.details.map((each) => `${each.type}: ${each.message}`),
);
Joi.number()
  .external(async (n) => n * 2)
  .validateAsync(21)
  .then((value) => console.log(value));
