/**
 * Cases of suites whose files are programs: yash's `*-p.tst`, busybox's `testsuite/*.tests`, toybox's `tests/*.test`.
 *
 * Such a file is run once, in the sandbox, with functions of ours (`recorders/`) in the place of the suite's own: they write
 * down what a case is at that moment, files and variables included. What came of it is kept by the contents of the file
 * and of the recorder.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { textOf } from "./cases.mjs";
import { run } from "./sandbox.mjs";

const recorders = join(dirname(fileURLToPath(import.meta.url)), "../recorders");
const RECORDING_MS = 120_000;
/** A case with more bytes of files than this is left out. */
const FILES_MAX = 4 * 1024 * 1024;
/** What a case of no suite needs to be told. */
const ORDINARY = new Set(["PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_", "RECORD", "ECHO", "SKIP", "FAILCOUNT", "LINENO"]);
const BASE = { PATH: "/helpers:/bin:/usr/bin", HOME: "/home/user", LANG: "C.UTF-8" };

/** The files below a folder as a case has them. */
export function filesBelow(folder, below = "") {
  return readdirSync(join(folder, below)).sort().flatMap((name) => {
    const path = below === "" ? name : `${below}/${name}`;
    const status = lstatSync(join(folder, path));
    const mode = status.mode & 0o7777;
    if (status.isSymbolicLink()) return [{ path, link: readlinkSync(join(folder, path)) }];
    if (status.isDirectory()) {
      return [{ path, directory: true, ...(mode === 0o755 ? {} : { mode }) }, ...filesBelow(folder, path)];
    }
    if (!status.isFile()) return [];
    return [{ path, data: readFileSync(join(folder, path), "latin1"), ...(mode === 0o644 ? {} : { mode }) }];
  });
}

/** The bytes of all files below a folder. */
function size(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? size(path) : entry.isFile() ? lstatSync(path).size : 0);
  }, 0);
}

const said = (folder, name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "latin1") : undefined);

/** What one recorded folder says. */
export function readRecord(folder, without = []) {
  const fields = Object.fromEntries(
    (said(folder, "options") ?? "").split("\n").filter(Boolean).map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  const env = Object.fromEntries(
    (said(folder, "env") ?? "").split("\0").filter((entry) => entry.includes("=")).map((entry) => textOf(entry).split(/=(.*)/s).slice(0, 2)),
  );
  for (const name of Object.keys(env)) {
    if (ORDINARY.has(name) || name.startsWith("BASH_FUNC") || env[name] === BASE[name]) delete env[name];
  }
  return {
    name: said(folder, "name"),
    command: said(folder, "command"),
    args: (said(folder, "args") ?? "").split("\0").slice(0, -1).map(textOf),
    stdin: said(folder, "stdin") ?? "",
    stdout: said(folder, "stdout"),
    stderr: said(folder, "stderr"),
    loose: said(folder, "loose") !== undefined,
    files: filesBelow(join(folder, "files")).filter(({ path }) => !without.includes(path)),
    env,
    ...fields,
  };
}

/** Runs a recorder in a folder with `files`, and gives what it has recorded. */
async function record({ recorder, program, args, files, mounts, cache }) {
  const key = createHash("sha256");
  for (const name of readdirSync(recorders).sort()) key.update(readFileSync(join(recorders, name)));
  key.update(JSON.stringify([recorder, program, args, files]));
  for (const path of Object.values(mounts.watched)) key.update(readFileSync(path));
  const kept = join(cache, `recorded-${key.digest("hex").slice(0, 24)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8"));

  const work = mkdtempSync(join(tmpdir(), "shell-conformance-"));
  try {
    const [folder, into] = ["case", "record"].map((name) => join(work, name));
    mkdirSync(folder);
    mkdirSync(into);
    for (const { path, data, mode } of files) {
      writeFileSync(join(folder, path), Buffer.from(data, "latin1"));
      if (mode !== undefined) chmodSync(join(folder, path), mode);
    }
    await run(program, args, {
      folder,
      env: { ...BASE, RECORD: "/record" },
      mounts: { "/recorders": recorders, ...mounts.shown },
      writable: { "/record": into },
      timeoutMs: RECORDING_MS,
    });
    // What was cut off by the end of the time is not whole.
    const whole = readdirSync(into).filter((name) => /^\d+$/.test(name) && existsSync(join(into, name, "env")));
    const numbers = whole.map(Number).sort((a, b) => a - b).filter((number) => size(join(into, String(number))) <= FILES_MAX);
    const records = numbers.map((number) => readRecord(join(into, String(number)), ["testing.sh"]));
    mkdirSync(cache, { recursive: true });
    writeFileSync(kept, JSON.stringify(records));
    return records;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const SIGNALS = { HUP: 1, INT: 2, QUIT: 3, ABRT: 6, KILL: 9, USR1: 10, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15 };

function yashStatus(status) {
  if (status === "") return {};
  if (status === "n") return { status: "failure" };
  return { status: /^\d+$/.test(status) ? Number(status) : 128 + (SIGNALS[status] ?? 0) };
}

/** A case of yash from what was recorded of it. */
export function yashCase({ name, args, stdin, stdout, stderr, files, env, diagnosed, status }, file, number) {
  return {
    name: `${file} ${number}: ${name}`,
    args,
    stdin,
    files,
    env: { ...env, TESTEE: "$SHELL_UNDER_TEST" },
    expect: [{
      ...yashStatus(status),
      ...(stdout === undefined ? {} : { stdout }),
      ...(diagnosed ? { stderr: "some" } : stderr === "" ? { stderr: "none" } : {}),
    }],
  };
}

/** A case of busybox or toybox from what was recorded of it. */
export function utilityCase({ name, command, stdin, stdout, files, env, loose }, file) {
  return {
    name: `${file}: ${name}`,
    args: ["-c", textOf(command)],
    stdin,
    files,
    env,
    expect: [{ stdout }],
    ...(loose ? { loose } : {}),
  };
}

export async function loadYash(folder, { cache, mounts }) {
  const tests = join(folder, "tests");
  const found = [];
  for (const file of readdirSync(tests).filter((name) => name.endsWith("-p.tst")).sort()) {
    // These need a terminal.
    if (readFileSync(join(tests, file), "latin1").includes("%REQUIRETTY%")) continue;
    const records = await record({
      program: "sh",
      args: ["/recorders/yash.sh", `/files/tests/${file}`],
      files: [],
      mounts: { shown: { ...mounts, "/files": folder }, watched: [join(tests, file)] },
      cache,
    });
    found.push(...records.map((each, index) => yashCase(each, file, index + 1)));
  }
  return found;
}

export async function loadBusybox(folder, { cache, mounts }) {
  const suite = join(folder, "testsuite");
  const entries = readdirSync(suite, { withFileTypes: true });
  const plain = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const found = [];
  for (const file of plain.filter((name) => name.endsWith(".tests")).sort()) {
    const text = readFileSync(join(suite, file), "latin1");
    const data = plain.filter((name) => !/\.tests$|^testing\.sh$|^README$|^TODO$|^runtest$/.test(name) && text.includes(name));
    // The data of bc and dc are named by what the script makes of it.
    if (/^[bd]c\.tests$/.test(file)) data.push(...plain.filter((name) => name.startsWith(`${file.slice(0, 2)}_`)));
    const records = await record({
      program: "bash",
      args: [`./${file}`],
      files: [
        { path: file, data: text, mode: 0o755 },
        { path: "testing.sh", data: readFileSync(join(recorders, "busybox.sh"), "latin1") },
        ...[...new Set(data)].map((path) => ({ path, data: readFileSync(join(suite, path), "latin1") })),
      ],
      mounts: { shown: { ...mounts, "/files": folder }, watched: [] },
      cache,
    });
    found.push(...records.map((each) => utilityCase({ ...each, files: each.files.filter(({ path }) => path !== file) }, file)));
  }
  for (const { name: applet } of entries.filter((entry) => entry.isDirectory() && !/root$/.test(entry.name))) {
    for (const name of readdirSync(join(suite, applet)).sort()) {
      const source = readFileSync(join(suite, applet, name), "latin1");
      found.push({
        name: `${applet}/${name}`,
        args: ["-e", `/files/testsuite/${applet}/${name}`],
        stdin: "",
        files: [],
        env: { d: "/files/testsuite", tsdir: "/files/testsuite", bindir: "/files" },
        expect: [{ status: 0 }],
        source,
      });
    }
  }
  return found;
}

export async function loadToybox(folder, { cache, mounts }) {
  const tests = join(folder, "tests");
  const found = [];
  for (const file of readdirSync(tests).filter((name) => name.endsWith(".test")).sort()) {
    const records = await record({
      program: "bash",
      args: ["/recorders/toybox.sh", `/files/tests/${basename(file)}`],
      files: [],
      mounts: { shown: { ...mounts, "/files": folder }, watched: [join(tests, file)] },
      cache,
    });
    found.push(...records.map((each) => utilityCase(each, file)));
  }
  return found;
}
