// Files at once, with callbacks and with promises; what errors say.
const fs = require("node:fs");
const path = require("node:path");
const { pipeline } = require("node:stream/promises");

const folder = fs.mkdtempSync("/tmp/files-");
const at = (name) => path.join(folder, name);
fs.writeFileSync(at("a"), "héllo");
fs.appendFileSync(at("a"), " wörld");
console.log(fs.readFileSync(at("a"), "utf8"), fs.readFileSync(at("a")).length, fs.existsSync(at("b")));
fs.mkdirSync(at("x/y/z"), { recursive: true });
fs.symlinkSync("../a", at("x/link"));
fs.copyFileSync(at("a"), at("x/y/copy"));
fs.renameSync(at("x/y/copy"), at("x/y/moved"));
fs.truncateSync(at("x/y/moved"), 3);
console.log(fs.readdirSync(folder, { recursive: true }).sort().join());
console.log(fs.readlinkSync(at("x/link")), fs.lstatSync(at("x/link")).isSymbolicLink(), fs.statSync(at("x/link")).size);
const descriptor = fs.openSync(at("a"), "r+");
const buffer = Buffer.alloc(5);
console.log(fs.readSync(descriptor, buffer, 0, 5, 1), buffer.toString("latin1"), fs.writeSync(descriptor, "HI", 0));
fs.closeSync(descriptor);
for (const [what, call] of [
  ["open", () => fs.readFileSync(at("none"))],
  ["directory", () => fs.readFileSync(folder)],
  ["exists", () => fs.mkdirSync(at("x"))],
  ["not empty", () => fs.rmdirSync(at("x"))],
  ["descriptor", () => fs.closeSync(9999)],
  ["argument", () => fs.readFileSync({})],
]) {
  try {
    call();
  } catch (error) {
    console.log(what, error.code, error.errno, error.syscall, error.message.replaceAll(folder, "FOLDER"));
  }
}
fs.readFile(at("none"), async (error, contents) => {
  console.log(error.code, contents);
  const file = await fs.promises.open(at("lines"), "w+");
  await file.writeFile("one\ntwo\nthree\n");
  await file.close();
  const lines = [];
  for await (const line of (await fs.promises.open(at("lines"))).readLines()) lines.push(line);
  console.log(lines);
  await pipeline(fs.createReadStream(at("lines"), { highWaterMark: 3 }), async function* (source) {
    for await (const chunk of source) yield chunk.toString().toUpperCase();
  }, fs.createWriteStream(at("upper")));
  console.log(fs.readFileSync(at("upper"), "utf8"));
  fs.rmSync(folder, { recursive: true });
  console.log(fs.existsSync(folder));
});
