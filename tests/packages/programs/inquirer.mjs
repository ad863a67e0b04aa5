// package: inquirer
import { PassThrough } from "node:stream";
import inquirer from "inquirer";
const input = Object.assign(new PassThrough(), {
  isTTY: true,
  setRawMode() {
    return this;
  },
});
const output = Object.assign(new PassThrough(), { end() {} });
const ask = inquirer.createPromptModule({ input, output });
let seen = "";
const keys = ["Ada\n", "y\n", "\x1b[B\n", " \x1b[B \n"];
const questions = [
  { type: "input", name: "name", message: "Name?", validate: (text) => text.length > 1 || "too short" },
  { type: "confirm", name: "sure", message: "Sure?", when: (answers) => answers.name === "Ada" },
  { type: "select", name: "one", message: "One?", choices: ["a", "b", "c"] },
  { type: "checkbox", name: "many", message: "Many?", choices: ["x", "y", "z"] },
];
output.on("data", (part) => {
  seen += part;
  const next = questions.findIndex(({ message }, index) => seen.includes(message) && keys[index]);
  if (next !== -1) {
    const key = keys[next];
    keys[next] = undefined;
    for (const [at, each] of key
      .split(/(\x1b\[B|.|\n)/)
      .filter(Boolean)
      .entries())
      setTimeout(() => input.write(each), 20 * (at + 1));
  }
});
console.log(await ask(questions));
