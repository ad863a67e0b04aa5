// package: path-to-regexp
import { compile, match, parse, pathToRegexp } from "path-to-regexp";
console.log(
  match("/users/:id{/:more}")("/users/5"),
  match("/files/*path")("/files/a/b"),
  compile("/x/:y")({ y: "a b" }),
  parse("/a{/:b}").tokens,
  pathToRegexp("/:a-:b").regexp.source,
);
try {
  parse("/:");
} catch (error) {
  console.log(error.message.split(":")[0]);
}
