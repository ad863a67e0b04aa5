// package: commander
const { Command, Option } = require("commander");
const make = () => {
  const program = new Command("tool")
    .version("1.2.3")
    .exitOverride()
    .configureOutput({ writeErr: (text) => console.log("err:", text.trim()) });
  program
    .command("build <source> [dest...]")
    .description("builds it")
    .option("-f, --force", "by force")
    .addOption(new Option("-l, --level <n>", "level").choices(["1", "2"]).default("1"))
    .action((source, dest, options) => console.log("build", source, dest, options));
  program.option("--no-color").option("-n, --num <n>", "a number", parseInt);
  return program;
};
make().parse(["build", "a", "b", "c", "-fl", "2"], { from: "user" });
console.log(
  make().parse(["--num", "5", "--no-color", "build", "x"], { from: "user" }).opts(),
  make().helpInformation(),
);
for (const args of [["build"], ["biuld"], ["build", "a", "--level", "9"], ["--version"]]) {
  try {
    make().parse(args, { from: "user" });
  } catch (error) {
    console.log(error.code, error.exitCode);
  }
}
