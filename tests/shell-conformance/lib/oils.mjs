/**
 * Cases of oils: `spec/*.test.sh`.
 *
 * A line `#### NAME` begins a case; `## KEY: VALUE` and `## STDOUT:` … `## END` say what is expected, with a qualifier for
 * single shells (`## OK dash status: 2`). Lines that are only a comment are no part of the code. A case has status 0
 * unless it says otherwise. What is marked `N-I` for a shell is what a shell prints that lacks the feature: not accepted.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const KEY = /^##\s+(?:(OK(?:-\d)?|BUG(?:-\d)?|N-I)\s+([\w+/]+)\s+)?([\w-]+):\s*(.*)$/;

/** The cases of a file, each with code and what it says. */
export function parse(text) {
  const cases = [];
  const metadata = {};
  let open;
  let block;
  let coding = false;
  const put = (qualifier, shells, key, value) => {
    const targets = qualifier === undefined ? [open ? open.said : metadata] : [];
    for (const shell of qualifier === undefined ? [] : shells.split("/")) {
      open.shells[shell] ??= { qualifier };
      targets.push(open.shells[shell]);
    }
    for (const target of targets) target[key] = value;
  };
  const endBlock = () => {
    if (block) put(block.qualifier, block.shells, block.key, block.lines.join(""));
    block = undefined;
  };
  for (const line of text.split(/(?<=\n)/)) {
    const bare = line.replace(/\n$/, "");
    if (line.startsWith("####")) {
      endBlock();
      open = { name: bare.slice(4).trim(), code: "", said: {}, shells: {} };
      cases.push(open);
      coding = false;
      continue;
    }
    const match = KEY.exec(bare);
    if (match) {
      endBlock();
      const [, qualifier, shells, key, value] = match;
      if (key === "STDOUT" || key === "STDERR") block = { qualifier, shells, key: key.toLowerCase(), lines: [] };
      else put(qualifier, shells, key, key === "stdout" || key === "stderr" ? `${value}\n` : value);
      coding = false;
      continue;
    }
    if (/^##\s+END/.test(bare)) {
      endBlock();
      continue;
    }
    if (bare.trimStart().startsWith("#")) continue;
    if (block) block.lines.push(line);
    else if (open && (coding || bare.trim() !== "")) {
      open.code += line;
      coding = true;
    }
  }
  endBlock();
  return { metadata, cases };
}

const bytes = (text) => Buffer.from(text, "utf8").toString("latin1");

function assertion(...sources) {
  const found = {};
  for (const source of sources) {
    if (found.stdout === undefined && source["stdout-json"] !== undefined) {
      found.stdout = bytes(JSON.parse(source["stdout-json"]));
    } else if (found.stdout === undefined && source.stdout !== undefined) {
      found.stdout = source.stdout;
    }
    if (found.status === undefined && source.status !== undefined) found.status = Number(source.status);
  }
  return { status: 0, ...found };
}

export function expectations({ said, shells }) {
  const expect = [assertion(said)];
  for (const shell of ["dash", "bash"]) {
    const own = shells[shell];
    if (own === undefined) continue;
    if (own.qualifier === "N-I") {
      // Whatever else there is, holds for the other shell only.
      for (const each of expect) each.shells = (each.shells ?? ["dash", "bash"]).filter((name) => name !== shell);
    } else {
      expect.push({ ...assertion(own, said), shells: [shell] });
    }
  }
  return expect;
}

export function load(folder) {
  const spec = join(folder, "spec");
  const files = readdirSync(spec).filter((name) => name.endsWith(".test.sh") && !/^(ysh|hay|tea)-|^hay\./.test(name));
  return files.sort().flatMap((file) => {
    const { metadata, cases } = parse(readFileSync(join(spec, file), "latin1"));
    if (/\bysh\b|\btea\b/.test(metadata.suite ?? metadata.our_shell ?? "")) return [];
    return cases.map((each) => ({
      name: `${file}: ${each.name}`,
      args: [],
      stdin: each.said.code === undefined ? each.code : `${each.said.code}\n`,
      files: [],
      env: { REPO_ROOT: "/files", TMP: "/case", LC_ALL: "C.UTF-8" },
      expect: expectations(each),
    }));
  });
}

/** What the cases find at `/files`. */
export const support = (folder) => folder;
