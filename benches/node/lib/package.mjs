/**
 * A package of 4 000 files, written once, for a mount: how long a loader takes over it is how long a mount takes.
 *
 * A hundred folders of forty files: each file exports a number, each folder's index imports its files, and the package's
 * imports the folders. A program imports the package and says how many milliseconds that has taken.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = 100;
const FILES = 40;
/** The numbers of all files but the indexes, added up. */
const SUM = Array.from({ length: FOLDERS * (FILES - 1) }, (_, index) => index).reduce((sum, each) => sum + each, 0);

const names = (count, name) => Array.from({ length: count }, (_, index) => name(index));

const SYSTEMS = {
  mjs: {
    file: (value) => `export const value = ${value};\n`,
    index: (paths) =>
      paths.map((path, index) => `import { value as v${index} } from "${path}";\n`).join("") +
      `export const value = ${paths.map((_, index) => `v${index}`).join(" + ")};\n`,
    program: "const { value } = await import('./package/index.mjs');",
  },
  cjs: {
    file: (value) => `exports.value = ${value};\n`,
    index: (paths) => `exports.value = ${paths.map((path) => `require("${path}").value`).join(" + ")};\n`,
    program: "const { value } = require('./package/index.cjs');",
  },
};

/** Writes package and program for a module system (`mjs` or `cjs`) below `folder`, unless they are there; the program's path. */
export function writePackage(folder, system) {
  const { file, index, program } = SYSTEMS[system];
  const tree = join(folder, system);
  const path = join(tree, `program.${system}`);
  if (existsSync(path)) return path;
  for (let each = 0; each < FOLDERS; each++) {
    const inside = join(tree, "package", `folder-${each}`);
    mkdirSync(inside, { recursive: true });
    for (let at = 0; at < FILES - 1; at++) {
      writeFileSync(join(inside, `file-${at}.${system}`), file(each * (FILES - 1) + at));
    }
    writeFileSync(join(inside, `index.${system}`), index(names(FILES - 1, (at) => `./file-${at}.${system}`)));
  }
  const all = index(names(FOLDERS, (each) => `./folder-${each}/index.${system}`));
  writeFileSync(join(tree, "package", `index.${system}`), all);
  writeFileSync(
    path,
    `const begun = performance.now();\n${program}\nconst ms = performance.now() - begun;\n` +
      `if (value !== ${SUM}) throw new Error(String(value));\nconsole.log(JSON.stringify({ ms }));\n`,
  );
  return path;
}
