// What is done with each project: lines of a command line, one after the other, in one folder. The VM has the default
// configuration, and what `config` says beside it.
//
//   args    what follows `node` (or `cordon run --platform node`, or `cordon node` if they begin with an option)
//   input   standard input
//   env     variables beside those that all have
//   todo    what is missing so that they are equal
//   code    the exit code, so that a line that fails in both for a reason of its own is noticed
const tsc = "../node_modules/typescript/bin/tsc";
const notes = "bin/notes.js";

export const cases = [
  {
    project: "notes",
    name: "a command line reads and writes files",
    lines: [
      { args: [notes, "add", "write", "to", "ada", "--tag", "mail", "friends", "-p", "2"] },
      { args: [notes, "add", "-t", "garden"], input: "water the  plants\n" },
      { args: [notes, "import", "lines.txt"] },
      { args: [notes, "list"] },
      { args: [notes, "ls", "--tag", "garden", "--output", "json"] },
      { args: [notes, "list", "-o", "console"] },
      { args: [notes, "list"], env: { FORCE_COLOR: "1" } },
      { args: [notes, "add", "elsewhere"], env: { NOTES_FILE: "deep/er/notes.json" } },
      { args: [notes, "export", "notes.json.gz"] },
      { args: [notes, "--help"] },
      { args: [notes, "help", "list"] },
      { args: [notes, "--version"] },
    ],
  },
  {
    project: "notes",
    name: "a command line says what is wrong",
    lines: [
      { args: [notes], code: 1 },
      { args: [notes, "list", "--wrong"], code: 1 },
      { args: [notes, "lst"], code: 1 },
      { args: [notes, "add", "x", "--priority", "much"], code: 1 },
      { args: [notes, "list", "--output", "xml"], code: 1 },
      { args: [notes, "export"], code: 1 },
      { args: [notes, "add"], input: " ", code: 3 },
      { args: [notes, "import", "nowhere.txt"], code: 1 },
      { args: [notes, "--file", "broken.json", "list"], code: 1 },
      { args: [notes, "export", "no/such/folder/x.gz"], code: 1 },
      { args: ["--no-warnings", "bin/nothing.js"], code: 1 },
    ],
  },
  {
    project: "shop",
    name: "an express server and its client",
    lines: [{ args: ["src/main.js"] }, { args: ["src/main.js", "--twice"], code: 1 }],
  },
  {
    project: "shapes",
    name: "the TypeScript compiler",
    lines: [
      { args: [tsc, "-p", ".", "--listEmittedFiles"] },
      { args: ["dist/main.js", "circle:2", "rectangle:3,4", "square"] },
      { args: ["--enable-source-maps", "dist/main.js", "heart:1"], code: 1 },
      { args: [tsc, "-p", "tsconfig.wrong.json", "--pretty"], code: 2 },
      { args: [tsc, "-p", "tsconfig.wrong.json", "--noEmitOnError"], code: 1 },
      { args: [tsc, "-p", "nowhere"], code: 1 },
    ],
  },
  {
    project: "ledger",
    name: "a suite of node:test",
    lines: [
      { args: ["--test", "--test-update-snapshots", "test/*.test.js"] },
      { args: ["--run", "test"] },
      { args: ["--test", "--test-reporter=tap", "--test-isolation=none", "test/*.test.js"] },
      { args: ["--test", "--test-reporter=junit", "--test-name-pattern=money", "test/ledger.test.js"] },
      { args: ["test/money.test.js"] },
    ],
  },
  {
    project: "ledger",
    name: "a suite of node:test that fails",
    lines: [
      { args: ["--test", "failing/wrong.test.js"], code: 1 },
      { args: ["--test", "--test-reporter=tap", "--test-concurrency=1", "failing/*.test.js", "test/money.test.js"], code: 1 },
      { args: ["failing/broken.test.js"], code: 1 },
      { args: ["--test", "nothing/*.test.js"] },
    ],
  },
  {
    project: "words",
    name: "threads and a database",
    lines: [
      { args: ["src/index.js", "texts", "words.sqlite"] },
      { args: ["src/index.js", "texts", "words.sqlite"], code: 1 },
      { args: ["src/index.js", "texts", "other.sqlite", "--again"], code: 1 },
      { args: ["src/index.js", "texts", "third.sqlite", "--crash"], code: 1 },
      { args: ["src/crash.js"], code: 1 },
      { args: ["src/index.js", "empty", ":memory:"], code: 1 },
      { args: ["src/index.js", "nowhere", ":memory:"], code: 1 },
      { args: ["src/index.js"], code: 64 },
      { args: ["--run", "index"], code: 1 },
    ],
  },
  {
    project: "words",
    name: "threads that share memory, which is given to VMs whose clocks go on",
    config: { timingMitigation: "off" },
    lines: [{ args: ["src/index.js", "texts", ":memory:", "--shared"] }],
  },
];
