/**
 * What dash and bash on this machine answer, kept by what was asked: it does not change.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SETTING, run } from "./sandbox.mjs";

/** The name that each reference goes by in the sandbox: `sh` is dash there. */
const PROGRAMS = { dash: "sh", bash: "bash" };

const SAVED_EVERY = 200;
/** Which utilities there are, and who asks: with others, answers are others. */
const UTILITIES = createHash("sha256").update(readdirSync("/usr/bin").sort().join("\n") + SETTING).digest("hex");

export class Natives {
  #file;
  #kept;
  #unsaved = 0;

  /** @param file where answers are kept; `versions` is part of what is asked */
  constructor(file, versions) {
    this.#file = file;
    const { utilities, answers } = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    this.#kept = utilities === UTILITIES ? answers : {};
    this.versions = versions;
  }

  save() {
    if (this.#unsaved > 0) writeFileSync(this.#file, JSON.stringify({ utilities: UTILITIES, answers: this.#kept }));
    this.#unsaved = 0;
  }

  /** The answer of `shell` ("dash" or "bash"); of a case that states no result, bash is asked twice. */
  async answer(shell, test, { env, mounts }) {
    const asked = [this.versions, shell, env, test.args, test.stdin, test.files, test.source, test.expect.length === 0];
    const key = createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 32);
    if (this.#kept[key] === undefined) {
      const first = await this.#run(shell, test, { env, mounts });
      if (shell === "bash" && test.expect.length === 0 && !first.hung) {
        const second = await this.#run(shell, test, { env, mounts });
        if (first.stdout !== second.stdout || first.status !== second.status) first.unstable = true;
      }
      // What was printed on standard error is only looked at to tell what was missing.
      this.#kept[key] = { ...first, stderr: first.stderr.slice(0, 2000) };
      this.#unsaved += 1;
      // A run that is ended early has not asked for nothing.
      if (this.#unsaved >= SAVED_EVERY) this.save();
    }
    return this.#kept[key];
  }

  async #run(shell, test, { env, mounts }) {
    const work = mkdtempSync(join(tmpdir(), "shell-conformance-"));
    try {
      const folder = join(work, "case");
      mkdirSync(folder);
      const modes = [];
      for (const { path, data, link, directory, mode } of test.files) {
        const target = join(folder, path);
        mkdirSync(directory ? target : dirname(target), { recursive: true });
        if (link !== undefined) symlinkSync(link, target);
        else if (!directory) writeFileSync(target, Buffer.from(data, "latin1"));
        if (mode !== undefined) modes.push([target, mode]);
      }
      for (const [target, mode] of modes.reverse()) chmodSync(target, mode);
      return await run(PROGRAMS[shell], test.args, { folder, env, stdin: test.stdin, mounts });
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}
