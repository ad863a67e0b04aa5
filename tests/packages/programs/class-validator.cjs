// package: class-validator
require("reflect-metadata");
const { plainToInstance, Expose, Exclude, instanceToPlain, Transform } = require("class-transformer");
const { IsEmail, IsInt, Min, ValidateNested, validate } = require("class-validator");
class Child {}
IsInt()(Child.prototype, "n");
Min(2)(Child.prototype, "n");
class User {}
IsEmail()(User.prototype, "email");
ValidateNested()(User.prototype, "child");
Exclude()(User.prototype, "secret");
Expose()(User.prototype, "email");
Transform(({ value }) => Object.assign(new Child(), value))(User.prototype, "child");
const user = plainToInstance(User, { email: "no", child: { n: 1 }, secret: "s" });
validate(user).then((errors) =>
  console.log(
    errors.map((error) => [error.property, error.constraints, error.children.map((child) => child.constraints)]),
    instanceToPlain(user),
  ),
);
