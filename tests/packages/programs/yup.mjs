// package: yup
import * as yup from "yup";
const schema = yup.object({
  name: yup.string().trim().required(),
  age: yup.number().min(18).integer(),
  site: yup.string().url().nullable(),
  when: yup.date(),
});
console.log(await schema.validate({ name: " Ada ", age: "36", site: null, when: "2020-01-02T00:00:00Z" }));
try {
  await schema.validate({ age: 3.5, site: "x" }, { abortEarly: false });
} catch (error) {
  console.log(error.name, error.errors);
}
console.log(
  schema.cast({ name: 5, age: "7" }),
  yup.array().of(yup.boolean()).isValidSync(["true", 0, {}]),
  schema.describe().fields.name.tests,
);
