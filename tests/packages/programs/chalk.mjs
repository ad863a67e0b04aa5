// package: chalk
import chalk, { Chalk, supportsColor } from "chalk";
console.log(supportsColor, chalk.level, chalk.red("plain"));
const forced = new Chalk({ level: 3 });
console.log(
  JSON.stringify([
    forced.bold.red("a", forced.blue.underline("b"), "c"),
    forced.hex("#ff8800").bgRgb(1, 2, 3)("x"),
    forced.green("two\nlines"),
    new Chalk({ level: 1 }).hex("#ff8800")("16"),
  ]),
);
