// The runner's parsers on samples of our own, in each suite's format; and the runner itself on them, where this machine has
// what it needs.
//
// Needs: bubblewrap, dash and bash for what is recorded, and what scripts/build.sh built for the rest; both are left out
//        without them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { load as loadBusyboxShell } from "./lib/busybox-shell.mjs";
import { casesOf } from "./lib/brush.mjs";
import { partOf, passes } from "./lib/cases.mjs";
import { featureOf, isLeftOut } from "./lib/features.mjs";
import { load as loadJustBash } from "./lib/just-bash.mjs";
import { expectations, parse } from "./lib/oils.mjs";
import { reasonOf } from "./lib/reasons.mjs";
import { loadBusybox, loadToybox, loadYash } from "./lib/recorded.mjs";
import { run } from "./lib/sandbox.mjs";
import { load as loadSmoosh } from "./lib/smoosh.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const samples = join(here, "samples");
const cache = mkdtempSync(join(tmpdir(), "shell-conformance-test-"));
after(() => rmSync(cache, { recursive: true }));

const enclosed = await run("sh", ["-c", "command -v bash"], { env: { PATH: "/bin" } }).then(
  ({ status }) => status === 0,
  () => false,
);
const recording = enclosed ? {} : { skip: "bubblewrap or bash is missing" };
const load = (loader, suite) => loader(join(samples, suite), { cache, mounts: { "/helpers": join(here, "helpers") } });

test("oils", () => {
  const { metadata, cases } = parse(readFileSync(join(samples, "oils/spec/sample.test.sh"), "latin1"));
  assert.deepEqual(metadata, { compare_shells: "bash dash" });
  assert.deepEqual(cases.map(({ name, code }) => [name, code]), [
    ["output in a block, with an empty line in it", "argv.py one \"it's\"\n\nprintf '%s\\n' \"$0\" | grep -c .\n"],
    ["one line, and a status", "echo short\n(exit 3)\n"],
    ["JSON, without a last newline", "printf 'a\\tb'\n"],
    ["only bash has arrays", 'a=(x y); echo "${a[1]}"\n'],
    ["dash may differ", "echo 'a\\tb'\n"],
  ]);
  assert.deepEqual(cases.map(expectations), [
    [{ status: 0, stdout: "['one', \"it's\"]\n1\n" }],
    [{ status: 3, stdout: "short\n" }],
    [{ status: 0, stdout: "a\tb" }],
    [{ status: 0, stdout: "y\n", shells: ["bash"] }],
    [{ status: 0, stdout: "a\\tb\n" }, { status: 0, stdout: "a\tb\n", shells: ["dash"] }],
  ]);
});

test("just-bash", () => {
  const [first, second] = loadJustBash(join(samples, "just-bash"));
  assert.equal(first.name, "sample: cat below/a.txt; sort -r b.txt");
  assert.deepEqual(first.args, ["-c", "cat below/a.txt; sort -r b.txt"]);
  assert.deepEqual(first.files[0], { path: "below/a.txt", data: Buffer.from("grün\n").toString("latin1") });
  assert.deepEqual(second.expect, [{ stdout: "", status: 2 }]);
});

test("smoosh", () => {
  const [plain, status] = loadSmoosh(join(samples, "smoosh"));
  assert.deepEqual([plain.name, plain.expect], ["sample.plain.test", [{ status: 0 }]]);
  assert.deepEqual([status.args, status.expect], [["/files/tests/shell/sample.status.test"], [{ stdout: "out\n", status: 4 }]]);
});

test("busybox's shells", () => {
  const cases = loadBusyboxShell(join(samples, "busybox"));
  assert.deepEqual(cases.map(({ name }) => name), ["ash_test/ash-sample/one.tests", "hush_test/hush-sample/two.tests"]);
  assert.deepEqual(cases[0].files.map(({ path }) => path), ["one.tests", "beside.inc"]);
  assert.deepEqual(cases[0].expect, [{ stdout: "0 in one.tests\nincluded\nmistake\n" }]);
});

test("brush", () => {
  const document = {
    common_test_files: [{ path: "common.sh", source_path: "../common.sh" }],
    cases: [
      { name: "one", args: ["x", 1], stdin: "é", env: { A: 1 }, test_files: [{ path: "f", contents: "c", executable: true }] },
      { name: "two", ignore_stdout: true, expected_exit_code: 2 },
      { name: "three", skip: true },
      { name: "four", min_oracle_version: 9.9 },
      { name: "five", pty: true },
      { name: "six", expected_stdout: "out", ignore_whitespace: true },
    ],
  };
  const [one, two, six, ...rest] = casesOf(document, { read: (path) => `contents of ${path}` });
  assert.deepEqual(rest, []);
  assert.deepEqual(one.args, ["x", "1"]);
  assert.equal(one.stdin, "\xc3\xa9");
  assert.deepEqual(one.files, [{ path: "common.sh", data: "contents of ../common.sh" }, { path: "f", data: "c", mode: 0o755 }]);
  assert.deepEqual([one.env, one.expect], [{ A: "1" }, []]);
  assert.deepEqual(two.expect, [{ status: 2 }]);
  assert.deepEqual([six.expect, six.loose], [[{ stdout: "out" }], true]);
});

test("yash", recording, async () => {
  const cases = await load(loadYash, "yash");
  assert.deepEqual(cases.map(({ name }) => name), [
    "sample-p.tst 1: a file that the script has made",
    "sample-p.tst 2: an error",
    "sample-p.tst 3: functions from before",
    "sample-p.tst 4: ended by a signal",
  ]);
  assert.deepEqual(cases.map(({ expect }) => expect[0]), [
    { status: 0, stdout: "in the file\n", stderr: "none" },
    { status: "failure", stdout: "", stderr: "some" },
    { stdout: "hello world\n[a][b c]\n" },
    { status: 143 },
  ]);
  assert.deepEqual(cases[0].files, [{ path: "input", data: "in the file\n" }]);
  assert.deepEqual(cases[1].args, ["a", "b"]);
  assert.match(cases[2].stdin, /greet\(\)/);
  assert.equal(cases[3].env.WORD, "exported");
});

test("busybox's utilities", recording, async () => {
  const cases = await load(loadBusybox, "busybox");
  assert.deepEqual(cases.map(({ name }) => name), [
    "sample.tests: input and stdin",
    "sample.tests: a variable, a file and data",
    "sample.tests: what the one before has made",
    "sample.tests: is there",
    "sample/makes-a-folder",
  ]);
  assert.deepEqual(cases[0].files, [{ path: "input", data: "one\n" }, { path: "sample.data", data: "data\n" }]);
  assert.equal(cases[0].stdin, "two\n");
  assert.equal(cases[1].env.word, "inside");
  assert.ok(cases[3].files.some(({ path }) => path === "made"));
});

test("toybox", recording, async () => {
  const cases = await load(loadToybox, "toybox");
  assert.deepEqual(cases.map(({ args }) => args[1]), ["cat input", "echo $'two' | cat", "cat -", "echo a"]);
  assert.deepEqual(cases.map(({ files }) => files.length), [1, 0, 0, 0]);
  assert.deepEqual(cases.map(({ loose }) => loose), [undefined, undefined, undefined, true]);
});

test("what counts, and as what", () => {
  const result = (stdout, status = 0) => ({ stdout, status, stderr: "", hung: false });
  const stated = { expect: [{ stdout: "a", status: 0 }, { stdout: "b", shells: ["dash"] }] };
  assert.equal(partOf(stated, { dash: result("b"), bash: result("a") }), "both");
  assert.equal(partOf(stated, { dash: result("c"), bash: result("a") }), "bash");
  assert.equal(partOf(stated, { dash: result("a"), bash: result("b") }), undefined);
  assert.equal(partOf(stated, { dash: result("a"), bash: { ...result("a"), hung: true } }), undefined);
  assert.equal(passes(stated, "both", result("b"), {}), true);
  assert.equal(passes(stated, "bash", result("b"), {}), false);
  const silent = { expect: [] };
  assert.equal(partOf(silent, { dash: result("a"), bash: result("a") }), "both");
  assert.equal(partOf(silent, { dash: result("a", 2), bash: result("a") }), "bash");
  assert.equal(partOf(silent, { dash: result("a"), bash: { ...result("a"), unstable: true } }), undefined);
  assert.equal(passes(silent, "bash", result("a"), { bash: result("a") }), true);
});

test("why one fails", () => {
  const asked = { args: [], stdin: "a=(1 2)\n" };
  const told = (stderr, more = {}) => ({ stdout: "", stderr, status: 127, hung: false, ...more });
  const reference = { stdout: "", stderr: "", status: 0 };
  assert.equal(reasonOf(asked, "both", told("sh: 1: column: not found\n"), reference), "missing: column");
  assert.equal(reasonOf(asked, "both", told("", { hung: true }), reference), "hangs");
  assert.equal(reasonOf(asked, "both", told("", { status: 134 }), reference), "crash: status 134");
  assert.equal(reasonOf(asked, "both", told("sh: 1: Syntax error: \"(\" unexpected\n"), reference), "Syntax error: … unexpected");
  assert.equal(reasonOf(asked, "bash", told("sh: 1: Syntax error: \"(\" unexpected\n"), reference), "bash: ${x[i]}, arrays");
  assert.equal(featureOf("cat <(echo a)"), "process substitution");
  assert.deepEqual(["history -c", "echo x; caller 0", "complete -p", "helper 1"].map(isLeftOut), [true, true, false, false]);
});

const binary = process.env.CORDON_BINARY ?? join(here, "../../target/cordon/cordon");
const built = existsSync(binary) && existsSync(join(here, "../../clients/typescript/dist/index.js"));
test("the runner", enclosed && built ? {} : { skip: "bubblewrap or the build is missing" }, () => {
  const json = join(cache, "results.json");
  const told = execFileSync(process.execPath, [join(here, "run.mjs"), samples, "--failures", "--json", json, "--suite",
    "just-bash,yash,oils,smoosh,busybox-shell,busybox,toybox"], { encoding: "utf8" });
  const results = JSON.parse(readFileSync(json, "utf8"));
  const wanted = results.filter(({ name }) => !/only bash has arrays|in a pipe$/.test(name));
  assert.deepEqual(wanted.filter(({ part, passed }) => part !== "both" || !passed), [], told);
  assert.match(told, /\| \*\*all\*\* \| /);
});
