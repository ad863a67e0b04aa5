// package: graphql
import {
  buildSchema,
  execute,
  graphql,
  introspectionFromSchema,
  parse,
  print,
  printSchema,
  subscribe,
  validate,
} from "graphql";
const schema = buildSchema(
  "interface N { id: ID! } type User implements N { id: ID! name: String friends(first: Int = 1): [User!] } type Query { user(id: ID!): User fail: Int } type Mutation { add(n: Int!): Int } type Subscription { tick: Int }",
);
const users = {
  1: { id: 1, name: "Ada", friends: ({ first }) => [users[2]].slice(0, first) },
  2: { id: 2, name: async () => "Alan", friends: () => [] },
};
const rootValue = {
  user: ({ id }) => users[id],
  fail: () => {
    throw new Error("failed");
  },
  add: ({ n }) => n + 1,
  tick: async function* () {
    yield { tick: 1 };
    yield { tick: 2 };
  },
};
console.log(
  JSON.stringify(
    await graphql({
      schema,
      rootValue,
      source:
        "query Q($id: ID!) { user(id: $id) { ...F friends { name __typename } } fail } fragment F on User { id name }",
      variableValues: { id: 1 },
    }),
  ),
);
console.log(
  validate(schema, parse("{ user { nope } }")).map((error) => error.message),
  print(parse('{a(x:[1,{b:"c"}])@include(if:true){b}}')),
  (await execute({ schema, rootValue, document: parse("mutation { add(n: 4) }") })).data,
);
for await (const each of await subscribe({ schema, rootValue, document: parse("subscription { tick }") }))
  console.log(each.data);
console.log(printSchema(schema).length, introspectionFromSchema(schema).__schema.types.length);
try {
  parse("{ a(");
} catch (error) {
  console.log(error.message, error.locations);
}
