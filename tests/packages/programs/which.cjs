// package: which
const which = require("which");
(async () => {
  console.log(
    typeof (await which("sh")),
    await which("no-such-program", { nothrow: true }),
    which.sync("sort").endsWith("/sort"),
    (await which("cat", { all: true })).length > 0,
  );
  await which("no-such-program").catch((error) => console.log(error.code, error.message));
})();
