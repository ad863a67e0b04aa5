// package: cross-spawn
const spawn = require("cross-spawn");
const { stdout, status } = spawn.sync("printf", ["%s|", "a b", "$c", "'d'"], { encoding: "utf8" });
console.log(status, stdout, spawn.sync("no-such-program").error.code);
spawn("sh", ["-c", "exit 3"]).on("close", (code) => console.log("ended with", code));
spawn("no-such-program").on("error", (error) => console.log(error.code, error.syscall));
