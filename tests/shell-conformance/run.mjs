// Runs public test suites of shells and utilities in cordon VMs, in dash and in bash, and says how they compare.
//
// Owns:   how a case is run in each, what is counted, what is printed. The suites are not part of this repository:
//         README.md says how to get them.
// Writes: target/shell-conformance/: what the native shells answered and what was recorded of the suites (kept, since they
//         do not change), and the last results.
// Needs:  dash, bash, bubblewrap and the utilities that the suites try; what scripts/build.sh built, the TypeScript client's
//         dist/; an npm registry, once.
//
// Usage: node tests/shell-conformance/run.mjs CORPORA [--suite NAME,NAME] [--filter REGEXP] [--shell sh|bash] [--part both|bash]
//                                             [--failures] [--show] [--jobs N] [--json FILE] [--profile JSON] [--profiles]
//
// CORPORA      the folder that holds the suites, each by the name of its repository
// --shell      what runs all cases in the VM; by default `sh`, and `bash` for those that only bash passes, if there is one
// --failures   prints failures by what is missing
// --show       prints each failure with what was expected and got; of what lacks the same command, one
// --profile    more of the VM's configuration: '{"permissions":{"webAssembly":"allow"}}'
// --profiles   runs each case under the other profiles of the engine too, and says where its output is another
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { partOf, passes, textOf } from "./lib/cases.mjs";
import { isLeftOut } from "./lib/features.mjs";
import { Natives } from "./lib/native.mjs";
import { reasonOf, scriptOf } from "./lib/reasons.mjs";
import { SUITES, folderOf } from "./lib/suites.mjs";
import { Vms } from "./lib/vm.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const out = path.join(root, "target/shell-conformance");
const helpers = path.join(here, "helpers");
const binary = process.env.CORDON_BINARY ?? process.env.CORDON ?? path.join(root, "target/cordon/cordon");

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: "string" },
    filter: { type: "string", default: "" },
    shell: { type: "string" },
    part: { type: "string" },
    failures: { type: "boolean", default: false },
    show: { type: "boolean", default: false },
    jobs: { type: "string", default: "1" },
    json: { type: "string" },
    profile: { type: "string", default: "{}" },
    profiles: { type: "boolean", default: false },
  },
});
const corpora = positionals[0] && path.resolve(positionals[0]);
const names = options.suite?.split(",") ?? Object.keys(SUITES);
const unknown = names.filter((name) => SUITES[name] === undefined);
if (!corpora || !existsSync(corpora) || unknown.length > 0 || !["sh", "bash", undefined].includes(options.shell)) {
  if (unknown.length > 0) console.error(`shell-conformance: there is no suite ${unknown.join(", ")}`);
  console.error("shell-conformance: give the folder that holds the suites; tests/shell-conformance/README.md says how to get them");
  process.exit(2);
}
const filter = new RegExp(options.filter);

/** The YAML parser, installed below target/ as package-lock.json has it. */
function yaml() {
  const lock = "package-lock.json";
  const same = existsSync(path.join(out, "node_modules/yaml")) &&
    readFileSync(path.join(out, lock)).equals(readFileSync(path.join(here, lock)));
  if (!same) {
    for (const name of ["package.json", lock]) copyFileSync(path.join(here, name), path.join(out, name));
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: out, stdio: ["ignore", "ignore", "inherit"] });
  }
  return createRequire(path.join(out, "package.json"))("yaml");
}

const versionOf = (...command) => execFileSync(command[0], command.slice(1), { encoding: "utf8" }).split("\n")[0];

/** The environment of a case under a shell of this name. */
function environment(test, shell) {
  const own = Object.entries(test.env).map(([name, value]) => [name, value.replaceAll("$SHELL_UNDER_TEST", shell)]);
  return { PATH: "/helpers:/bin:/usr/bin", HOME: "/home/user", LANG: "C.UTF-8", SH: shell, ...Object.fromEntries(own) };
}

mkdirSync(out, { recursive: true });
const clientPath = [process.env.CORDON_CLIENT, path.join(root, "clients/typescript/dist/index.js")].find((each) => each && existsSync(each));
if (clientPath === undefined) {
  console.error("shell-conformance: clients/typescript/dist is missing; run `npm run build` there");
  process.exit(1);
}
const { Client } = await import(pathToFileURL(clientPath).href);
const profile = JSON.parse(options.profile);
const vms = new Vms(Client, binary, profile);
/** What the other profiles of the engine run, and in which cases they print something else. */
const others = !options.profiles ? [] : [
  ["no just-in-time compilation", { permissions: { jit: "deny" } }],
  ["WebAssembly for guests", { permissions: { webAssembly: "allow" } }],
].map(([label, config]) => ({ label, vms: new Vms(Client, binary, config), differing: [] }));
const versions = [versionOf("bash", "--version"), versionOf("dpkg-query", "--show", "dash")];
const hasBash = await vms.has("bash");
const results = [];

for (const name of names) {
  const suite = SUITES[name];
  const folder = folderOf(corpora, suite);
  if (folder === undefined) {
    console.error(`shell-conformance: ${path.join(corpora, suite.folder)} is missing, so ${name} is left out`);
    continue;
  }
  const mounts = { "/helpers": helpers, ...(suite.support ? { "/files": folder } : {}) };
  const loaded = await suite.load(folder, { yaml: name === "brush" ? yaml() : undefined, cache: out, mounts: { "/helpers": helpers } });
  const cases = loaded.filter((test) => filter.test(`${name}/${test.name}`));
  const natives = new Natives(path.join(out, `native-${name}.json`), versions);
  const queue = [...cases.entries()];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, test] = next;
      results.push({ index, ...(await runCase(name, test, natives, mounts)) });
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name} ${cases.length - queue.length}/${cases.length}`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, work));
  natives.save();
}
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
await Promise.all([vms, ...others.map((other) => other.vms)].map((each) => each.close()));

async function runCase(suite, test, natives, mounts) {
  const [dash, bash] = [
    await natives.answer("dash", test, { env: environment(test, "sh"), mounts }),
    await natives.answer("bash", test, { env: environment(test, "bash"), mounts }),
  ];
  const part = partOf(test, { dash, bash });
  if (part === undefined || (options.part !== undefined && options.part !== part)) return { suite, name: test.name, part: undefined };
  const shell = options.shell ?? (part === "bash" && hasBash ? "bash" : "sh");
  const asked = { env: environment(test, shell), mounts };
  let result = await vms.run(shell, test, asked);
  // A machine that is busy is no hang.
  if (result.hung) result = await vms.run(shell, test, { ...asked, timeoutMs: 30_000 });
  for (const other of others) {
    const { stdout, status } = await other.vms.run(shell, test, asked);
    if (stdout !== result.stdout || status !== result.status) other.differing.push(`${suite}/${test.name}`);
  }
  const passed = passes(test, part, result, { bash });
  return { suite, name: test.name, part, passed, test, result, reference: bash, ...(passed ? {} : { why: reasonOf(test, part, result, bash) }) };
}

const percent = (row) => (row.all === 0 ? "-" : `${((100 * row.pass) / row.all).toFixed(1)} %`);
const counted = results.filter(({ part }) => part !== undefined);
console.log("| suite | dash and bash pass | cordon passes | | only bash passes | cordon passes | | crashes | hangs |");
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
const row = (label, these) => {
  const part = (wanted) => {
    const of = these.filter((each) => each.part === wanted);
    return { all: of.length, pass: of.filter(({ passed }) => passed).length };
  };
  const [both, bash] = [part("both"), part("bash")];
  const crashes = these.filter(({ why }) => /^(crash|broken)/.test(why ?? "")).length;
  const hangs = these.filter(({ why }) => why === "hangs").length;
  console.log(`| ${label} | ${both.all} | ${both.pass} | ${percent(both)} | ${bash.all} | ${bash.pass} | ${percent(bash)} | ${crashes} | ${hangs} |`);
};
for (const name of names) {
  const these = counted.filter(({ suite }) => suite === name);
  if (these.length > 0) row(name, these);
}
row("**all**", counted);
console.log(`\n${results.length} cases, of which ${results.length - counted.length} are not counted: bash itself does not do as they say` +
  (hasBash ? "" : "; the VM has no bash, so `sh` ran all"));
const wanted = counted.filter(({ part, test }) => part === "bash" && !isLeftOut(scriptOf(test)));
console.log(`Without what a VM's bash is not meant to have, only bash passes ${wanted.length} cases, and cordon ` +
  `${wanted.filter(({ passed }) => passed).length} of these: ${percent({ all: wanted.length, pass: wanted.filter(({ passed }) => passed).length })}`);
for (const { label, differing } of others) {
  console.log(`${label}: another output or status in ${differing.length} of ${counted.length} cases`);
  for (const name of differing) console.log(`      ${name.split("\n")[0]}`);
}

const failed = counted.filter(({ passed }) => !passed).sort((a, b) => a.index - b.index);
if (options.failures) {
  for (const [part, title] of [["both", "dash and bash pass"], ["bash", "only bash passes"]]) {
    const groups = new Map();
    for (const each of failed.filter((one) => one.part === part)) groups.set(each.why, [...(groups.get(each.why) ?? []), each]);
    console.log(`\n${title}:`);
    for (const [why, all] of [...groups].sort((a, b) => b[1].length - a[1].length)) {
      const examples = all.slice(0, 3).map(({ suite, name }) => `${suite}/${name.split("\n")[0].slice(0, 60)}`);
      console.log(`${String(all.length).padStart(5)}  ${why}\n         ${examples.join(" · ")}`);
    }
  }
}
/** Bytes to be looked at. */
const shown = (bytes, most = 1000) => JSON.stringify(textOf(bytes).slice(0, most));

function show({ suite, name, part, test, result, reference, why }) {
  console.log(`\n==== ${suite}/${name.split("\n")[0]}  [${part}]  ${why}`);
  const command = test.args[0] === "-c" && test.source === undefined;
  const others = command ? [...test.args.slice(0, 1), ...test.args.slice(2)] : test.args;
  if (others.length > 0 && others.join(" ") !== "-c") console.log(`-- arguments: ${JSON.stringify(others).slice(0, 200)}`);
  console.log((command ? test.args[1] : textOf(test.source ?? test.stdin)).trimEnd().slice(0, 3000));
  if (command && test.stdin !== "") console.log(`-- stdin:  ${shown(test.stdin, 300)}`);
  for (const { path, data } of test.files) {
    if (command && data !== undefined && test.args[1].includes(path)) console.log(`-- ${path}: ${shown(data, 300)}`);
  }
  const stated = test.expect.map(({ stdout, ...rest }) => ({ ...rest, ...(stdout === undefined ? {} : { stdout: textOf(stdout) }) }));
  if (stated.length > 0) console.log(`-- stated: ${stated.map((each) => JSON.stringify(each).slice(0, 1000)).join(" or ")}`);
  console.log(`-- bash ${reference.status}: ${shown(reference.stdout)}`);
  console.log(`-- got  ${result.status}: ${shown(result.stdout)}`);
  if (result.stderr !== "") console.log(`-- stderr: ${textOf(result.stderr).trimEnd().slice(0, 600)}`);
}

if (options.show) {
  const lacking = new Set();
  for (const each of failed) {
    if (!lacking.has(each.why)) show(each);
    if (each.why.startsWith("missing: ")) lacking.add(each.why);
  }
}
writeFileSync(options.json ?? path.join(out, `results-${options.suite ?? "all"}.json`),
  JSON.stringify(results.map(({ suite, name, part, passed, why }) => ({ suite, name, part, passed, why })), null, 1));
