/**
 * Cases of busybox's shells: `shell/ash_test/ash-NAME/X.tests` and `shell/hush_test/hush-NAME/X.tests`, with both streams of
 * output together in `X.right`. A case is run in a copy of what its folder has besides other cases.
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export function load(folder) {
  const found = [];
  for (const shell of ["ash", "hush"]) {
    const tests = join(folder, "shell", `${shell}_test`);
    for (const group of readdirSync(tests).filter((name) => name.startsWith(`${shell}-`)).sort()) {
      found.push(...loadGroup(join(tests, group), `${shell}_test/${group}`));
    }
  }
  return found;
}

function loadGroup(path, label) {
  const names = readdirSync(path).sort();
  const beside = names
    .filter((name) => !/\.(tests|right)$/.test(name) && statSync(join(path, name)).isFile())
    .map((name) => ({ path: name, data: readFileSync(join(path, name), "latin1"), mode: 0o755 }));
  return names
    .filter((name) => name.endsWith(".tests") && names.includes(name.replace(/\.tests$/, ".right")))
    .map((name) => {
      const script = readFileSync(join(path, name), "latin1");
      return {
        name: `${label}/${name}`,
        args: ["-c", `exec "$THIS_SH" ./${name} 2>&1`],
        stdin: "",
        files: [{ path: name, data: script, mode: 0o755 }, ...beside.filter((file) => script.includes(file.path))],
        env: { THIS_SH: "$SHELL_UNDER_TEST" },
        expect: [{ stdout: readFileSync(join(path, name.replace(/\.tests$/, ".right")), "latin1") }],
        source: script,
      };
    });
}
