/**
 * Cases of brush: YAML files below `cases/compat`. What is expected is what bash answers, unless the case says otherwise.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { bytesOf } from "./cases.mjs";

/** The bash on this machine: cases say which they need. */
const newer = (wanted, version) => {
  const [a, b] = [wanted, version].map((each) => String(each).split(".").map(Number));
  return a[0] !== b[0] ? a[0] > b[0] : (a[1] ?? 0) > (b[1] ?? 0);
};

/** The cases of a document that is parsed already; `read` gives a file beside it. */
export function casesOf(document, { read, bashVersion = "5.2" }) {
  const skipped = (each) =>
    each.skip || each.pty || each.incompatible_os?.includes("linux") ||
    (each.min_oracle_version !== undefined && newer(each.min_oracle_version, bashVersion)) ||
    (each.max_oracle_version !== undefined && newer(bashVersion, each.max_oracle_version));
  return (document.cases ?? []).filter((each) => !skipped(each)).map((each) => ({
    name: each.name,
    args: [...(each.args ?? []), ...(each.additional_test_args ?? [])].map(String),
    stdin: bytesOf(each.stdin ?? ""),
    files: [...(document.common_test_files ?? []), ...(each.test_files ?? [])].map(({ path, contents, source_path, executable }) => ({
      path,
      data: source_path === undefined ? bytesOf(contents ?? "") : read(source_path),
      ...(executable ? { mode: 0o755 } : {}),
    })),
    env: {
      ...(each.home_dir === undefined ? {} : { HOME: join("/case", each.home_dir) }),
      ...Object.fromEntries(Object.entries(each.env ?? {}).map(([name, value]) => [name, String(value)])),
    },
    expect: expectationsOf(each),
    ...(each.ignore_whitespace ? { loose: true } : {}),
  }));
}

function expectationsOf({ expected_stdout, expected_exit_code, ignore_stdout }) {
  const expect = {
    ...(expected_stdout === undefined || ignore_stdout ? {} : { stdout: bytesOf(expected_stdout) }),
    ...(expected_exit_code === undefined ? {} : { status: expected_exit_code }),
  };
  if (ignore_stdout && expect.status === undefined) expect.status = 0;
  return Object.keys(expect).length === 0 ? [] : [expect];
}

function yamlFiles(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

export function load(folder, { yaml }) {
  const compat = join(folder, "brush-shell/tests/cases/compat");
  return yamlFiles(compat).flatMap((file) => {
    const read = (path) => readFileSync(join(dirname(file), path), "latin1");
    const document = yaml.parse(readFileSync(file, "utf8"));
    return casesOf(document, { read }).map((each) => ({ ...each, name: `${relative(compat, file)}: ${each.name}` }));
  });
}
