// A rejection that nothing handles ends the program as an exception does.
process.on("exit", (code) => console.log("exit", code));
Promise.reject(new RangeError("rejected"));
setTimeout(() => console.log("not reached"), 50);
