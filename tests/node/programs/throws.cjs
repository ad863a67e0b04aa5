// What is printed of an exception that nothing catches, and the exit code.
process.on("exit", (code) => console.log("exit", code));
setTimeout(() => {
  throw new TypeError("thrown in a timer", { cause: new Error("the cause") });
}, 1);
