// package: yargs
import yargs from "yargs";
const make = (args) =>
  yargs(args)
    .scriptName("tool")
    .exitProcess(false)
    .version("1.0.0")
    .command(
      "get <url> [more..]",
      "gets it",
      (y) => y.option("times", { alias: "t", type: "number", default: 1, describe: "how often" }),
      (argv) => console.log("get", argv.url, argv.more, argv.times),
    )
    .option("verbose", { type: "count", alias: "v" })
    .strict()
    .wrap(80)
    .fail((message, error, y) => console.log("fail:", message));
await make(["get", "http://x", "a", "b", "-t", "3", "-vv"]).parse();
await make(["get"]).parse();
await make(["get", "x", "--unknown"]).parse();
console.log(await make([]).getHelp());
console.log(yargs(["--a.b=1", "--list", "x", "y", "--no-c", "--", "z"]).array("list").parse());
