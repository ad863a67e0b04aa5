// package: @apollo/server
import { ApolloServer } from "@apollo/server";
const server = new ApolloServer({
  typeDefs: "type Book { title: String! } type Query { books(n: Int = 1): [Book!]! fail: Int }",
  resolvers: {
    Query: {
      books: (_, { n }, { who }) => Array.from({ length: n }, (_, i) => ({ title: `${who} ${i}` })),
      fail: () => {
        throw new Error("broken");
      },
    },
  },
  includeStacktraceInErrorResponses: false,
});
await server.start();
const run = async (query, variables) =>
  JSON.stringify(
    (await server.executeOperation({ query, variables }, { contextValue: { who: "ada" } })).body.singleResult,
  );
console.log(
  await run("query Q($n: Int) { books(n: $n) { title } }", { n: 2 }),
  await run("{ fail }"),
  await run("{ nope }"),
);
await server.stop();
