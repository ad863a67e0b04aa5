// package: ora
// stderr: compared
import ora from "ora";
const spinner = ora({ text: "working", color: "yellow" }).start();
await new Promise((resolve) => setTimeout(resolve, 30));
spinner.text = "more";
spinner.succeed("done");
ora("other").start().fail("failed");
ora().info("info").stopAndPersist({ symbol: "*", text: "kept" });
console.log(spinner.isSpinning, spinner.frame().length > 0);
