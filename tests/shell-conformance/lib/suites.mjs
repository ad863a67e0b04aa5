/** The suites by name, each in a folder of its name that has what its repository has. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as brush from "./brush.mjs";
import * as busyboxShell from "./busybox-shell.mjs";
import * as justBash from "./just-bash.mjs";
import * as oils from "./oils.mjs";
import { loadBusybox, loadToybox, loadYash } from "./recorded.mjs";
import * as smoosh from "./smoosh.mjs";

/** `folder`: of which repository; `probe`: what has to be there; `support`: what its cases find at `/files`. */
export const SUITES = {
  "just-bash": { folder: "just-bash", probe: "packages", load: justBash.load },
  "yash": { folder: "yash", probe: "tests", load: loadYash, support: true },
  "oils": { folder: "oils", probe: "spec", load: oils.load, support: true },
  "smoosh": { folder: "smoosh", probe: "tests/shell", load: smoosh.load, support: true },
  "busybox-shell": { folder: "busybox", probe: "shell/ash_test", load: busyboxShell.load },
  "busybox": { folder: "busybox", probe: "testsuite", load: loadBusybox, support: true },
  "toybox": { folder: "toybox", probe: "tests", load: loadToybox, support: true },
  "brush": { folder: "brush", probe: "brush-shell/tests/cases/compat", load: brush.load },
};

/** The suite's folder below that of all corpora, or nothing. */
export function folderOf(corpora, { folder, probe }) {
  const path = join(corpora, folder);
  return existsSync(join(path, probe)) ? path : undefined;
}
