// The guest's own handlers of exceptions, and a program that ends itself.
process.on("uncaughtException", (error, origin) => console.log("caught", error.message, origin));
process.on("unhandledRejection", (reason) => console.log("unhandled", reason));
setTimeout(() => { throw new Error("one"); }, 1);
setTimeout(() => { Promise.reject("two"); }, 20);
setTimeout(() => { process.exitCode = 4; process.exit(); }, 60);
setInterval(() => {}, 1000);
