/** Cases of just-bash: what bash once answered, in `comparison-tests/fixtures/*.json`: command, files, output, status. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { bytesOf } from "./cases.mjs";

/** The cases of a file. */
export function parse(text) {
  return Object.values(JSON.parse(text)).map(({ command, files, stdout, exitCode }) => ({
    name: command,
    args: ["-c", command],
    stdin: "",
    files: Object.entries(files).map(([path, data]) => ({ path, data: bytesOf(data) })),
    env: {},
    expect: [{ stdout: bytesOf(stdout), status: exitCode }],
  }));
}

export function load(folder) {
  const fixtures = ["packages/just-bash/src/comparison-tests/fixtures", "src/comparison-tests/fixtures"]
    .map((path) => join(folder, path))
    .find((path) => tryList(path).length > 0);
  if (fixtures === undefined) return [];
  return tryList(fixtures).flatMap((file) =>
    parse(readFileSync(join(fixtures, file), "utf8")).map((each) => ({
      ...each,
      name: `${file.replace(/\.comparison\.fixtures\.json$/, "")}: ${each.name}`,
    })),
  );
}

function tryList(path) {
  try {
    return readdirSync(path).filter((name) => name.endsWith(".fixtures.json")).sort();
  } catch {
    return [];
  }
}
