/** Cases of smoosh: `tests/shell/NAME.test`, with what it prints in `NAME.out` and its status in `NAME.ec`. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export function load(folder) {
  const shell = join(folder, "tests/shell");
  const said = (name) => (existsSync(join(shell, name)) ? readFileSync(join(shell, name), "latin1") : undefined);
  return readdirSync(shell)
    .filter((name) => name.endsWith(".test"))
    .sort()
    .map((file) => {
      const stem = file.slice(0, -".test".length);
      const stdout = said(`${stem}.out`);
      return {
        name: file,
        args: [`/files/tests/shell/${file}`],
        stdin: "",
        files: [],
        env: { TEST_SHELL: "$SHELL_UNDER_TEST", TEST_UTIL: "/helpers/smoosh" },
        expect: [{ ...(stdout === undefined ? {} : { stdout }), status: Number(said(`${stem}.ec`)?.trim() || 0) }],
        source: readFileSync(join(shell, file), "latin1"),
      };
    });
}

export const support = (folder) => folder;
