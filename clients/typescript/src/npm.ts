/**
 * Packages for the programs of a VM: npm runs in the VM, under its permissions; archives that it has downloaded are kept
 * outside for the next one. What the VM says of itself on the way (lockfiles, its cache) decides nothing but what is handed
 * over, and archives are handed over by the digest of what they are.
 */
import { checkBoolean, checkCount, checkOptions, checkText, checkTexts, type Names } from "./check.js";
import { CordonError, cordonError } from "./errors.js";
import { PROGRAM_OPTIONS, RUN_OPTIONS, type ExecutionResult, type ProgramOptions, type RunOptions } from "./execution.js";
import type { FileSystem } from "./files.js";
import { ErrorCode } from "./generated/wire.js";
import { LOCKFILE_BYTES_MAX, parseLockfile, type LockedPackage } from "./lockfile.js";
import { ARCHIVE_BYTES_MAX, NPM_CACHE_BYTES, NpmCache, defaultNpmCache, partsOf } from "./npmCache.js";
import type { Processes } from "./process.js";

const NODE = "/usr/local/bin/node";
const CLI = "/usr/lib/node_modules/npm/bin/npm-cli.js";
/** Where npm has its cache in a VM: where it would have it by itself, and where that may not be written to. */
const GUEST_CACHES = ["/home/user/.npm", "/tmp/.npm"] as const;
/** Says in which of these npm can have its cache, if in any, and the directory of the project. */
const LOOK_AROUND = `for cache; do
    own=$cache/_cacache
    { mkdir -p $own/tmp $own/content-v2/sha512 && made=$(mktemp -p $own/tmp) && rm $made; } 2>/dev/null && break
    cache=
done
echo $cache; pwd`;
/** What is read of a VM's cache after one installation before the rest is left to the next. */
const COLLECTED_BYTES_MAX = 1024 * 1024 * 1024;
/** Packages of one call. */
const PACKAGES_MAX = 1024;

/** What an installation can be given. */
export interface InstallOptions extends Omit<RunOptions, "stdin"> {
  /** Runs the scripts that the project and its packages have for being installed. None runs unless this is `true`. */
  readonly allowScripts?: boolean;
  /** Installs exactly what the project's lockfile names, or nothing: `npm ci`. */
  readonly lockfileOnly?: boolean;
  /** Of what is resolved anew, takes no version that was published in the last so many days. */
  readonly minReleaseAge?: number;
  /** Leaves out what is for development alone. */
  readonly omitDev?: boolean;
  /** The registry, an http or https URL. The VM's `permissions.network` has to allow it. */
  readonly registry?: string;
  /**
   * The directory of this machine where downloaded archives are kept for other VMs; `false` for none. Default: `npm` in
   * `$CORDON_CACHE_DIR`, else in `$XDG_CACHE_HOME/cordon` or `~/.cache/cordon`.
   */
  readonly cache?: string | false;
  /** The most bytes that are kept there; what was used least recently goes. Default: 2 GiB. */
  readonly cacheBytes?: number;
}

/** A package that was installed, as the VM tells it. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Where it lies beneath the project: `node_modules/express`. */
  readonly path: string;
}

/** What an installation gives back. */
export type InstallResult = ExecutionResult & {
  /** All packages of the project that are there now, if it went well. */
  readonly installed: readonly InstalledPackage[];
  /** Archives that the VM was handed from the cache, and those that the cache was given. */
  readonly cache: { readonly used: number; readonly added: number };
};

const INSTALL_OPTIONS: Names<InstallOptions> = {
  ...(({ stdin: _, ...names }) => names)(RUN_OPTIONS),
  allowScripts: true,
  lockfileOnly: true,
  minReleaseAge: true,
  omitDev: true,
  registry: true,
  cache: true,
  cacheBytes: true,
};

export class Npm {
  readonly #files: FileSystem;
  readonly #process: Processes;

  /** @internal */
  constructor(files: FileSystem, process: Processes) {
    this.#files = files;
    this.#process = process;
  }

  /**
   * Installs packages (`express`, `zod@^4`) into the project in `cwd`, or, without any, what its `package.json` names. A
   * bad exit code is in the result. Needs the platform `node` and a registry that `permissions.network` allows.
   */
  async install(packages: readonly string[] = [], options: InstallOptions = {}): Promise<InstallResult> {
    const specs = checkTexts(packages, "packages");
    checkOptions(options, "options", INSTALL_OPTIONS);
    if (specs.length > PACKAGES_MAX) throw cordonError(ErrorCode.LIMIT, `more than ${PACKAGES_MAX} packages`);
    const flags = flagsOf(options);
    const lockfileOnly = options.lockfileOnly === true;
    if (lockfileOnly && specs.length > 0) throw new TypeError("with lockfileOnly no packages can be named");
    const cache = cacheOf(options);
    const run = this.#runner(options);
    await this.#check();

    const { cwd, guest } = await this.#lookAround(options.cwd);
    const common = [`--prefix=${cwd}`, `--cache=${guest}`, ...flags];
    const tally = { used: 0, added: 0 };
    let told = "";
    if (cache !== undefined && !lockfileOnly) {
      // Resolves, and downloads no archive.
      const { onStdout: _, ...quiet } = options;
      const resolved = await run(["install", ...common, "--ignore-scripts", "--package-lock-only", "--", ...specs], quiet);
      if (resolved.outcome !== "succeeded" || resolved.exitCode !== 0) return { ...resolved, installed: [], cache: tally };
      told = resolved.stderr;
    }
    let locked: readonly LockedPackage[] = [];
    if (cache !== undefined) {
      locked = await this.#lockfile([`${cwd}/npm-shrinkwrap.json`, `${cwd}/package-lock.json`]);
      tally.used = await this.#provide(cache, guest, locked);
    }
    const last = lockfileOnly
      ? ["ci", ...common]
      : cache === undefined
        ? ["install", ...common, "--", ...specs]
        : ["install", ...common, "--prefer-offline"];
    const result = await run(last, options);
    if (cache !== undefined) tally.added = await this.#collect(cache, guest, locked);
    const went = result.outcome === "succeeded" && result.exitCode === 0;
    const there = went ? await this.#lockfile([`${cwd}/node_modules/.package-lock.json`]) : [];
    const installed = there.map(({ name, version, path }) => ({ name, version, path }));
    return { ...result, stderr: told + result.stderr, installed, cache: tally };
  }

  /** Runs a script of the project's `package.json`: `npm run SCRIPT -- ARGS`. A bad exit code is in the result. */
  async run(script: string, options: ProgramOptions = {}): Promise<ExecutionResult> {
    const name = checkText(script, "script");
    checkOptions(options, "options", PROGRAM_OPTIONS);
    const { args, ...rest } = options;
    const own = args === undefined ? [] : checkTexts(args, "args");
    await this.#check();
    return this.#process.run(NODE, [CLI, "run", "--", name, ...own], rest);
  }

  /** Runs npm; all runs together may take the time of one call. */
  #runner(options: InstallOptions): (args: readonly string[], options: InstallOptions) => Promise<ExecutionResult> {
    const { timeoutMs } = options;
    const end = timeoutMs === undefined ? undefined : performance.now() + checkCount(timeoutMs, "timeoutMs");
    return (args, given) => {
      const chosen = Object.entries(given).filter(([name]) => Object.hasOwn(RUN_OPTIONS, name));
      const left = end === undefined ? {} : { timeoutMs: Math.max(0, Math.ceil(end - performance.now())) };
      return this.#process.run(NODE, [CLI, ...args], { ...(Object.fromEntries(chosen) as RunOptions), ...left });
    };
  }

  async #check(): Promise<void> {
    if (await this.#files.exists(CLI)) return;
    throw cordonError(ErrorCode.NOT_INSTALLED, `there is no npm in this VM: ${CLI} is missing`, {
      hint: "npm is part of the platform `node`, of an installation that `make build` has made, and of VMs without a mount at its place",
    });
  }

  /** Where the project is, and npm's cache. */
  async #lookAround(directory: string | undefined): Promise<{ cwd: string; guest: string }> {
    const options = directory === undefined ? {} : { cwd: checkText(directory, "cwd") };
    const result = await this.#process.run("sh", ["-c", LOOK_AROUND, "npm", ...GUEST_CACHES], options);
    const [first = "", ...rest] = result.stdout.split("\n");
    const cwd = rest.join("\n").replace(/\n$/, "");
    if (result.exitCode !== 0 || !cwd.startsWith("/")) {
      throw result.error === undefined
        ? cordonError(ErrorCode.NOT_FOUND, `the directory of the project cannot be found: ${result.stderr}`)
        : new CordonError(result.error);
    }
    return { cwd, guest: GUEST_CACHES.find((known) => known === first) ?? GUEST_CACHES[0] };
  }

  /** The packages of the first of these lockfiles that is there. */
  async #lockfile(paths: readonly string[]): Promise<LockedPackage[]> {
    for (const path of paths) {
      try {
        return parseLockfile(await this.#files.readTextFile(path, { maxBytes: LOCKFILE_BYTES_MAX }));
      } catch (error) {
        unlessOfTheVm(error);
      }
    }
    return [];
  }

  /** Puts into the VM's cache what it will look for there. */
  async #provide(cache: NpmCache, guest: string, locked: readonly LockedPackage[]): Promise<number> {
    let used = 0;
    for (const digest of digestsOf(locked)) {
      const path = placeOf(guest, digest);
      if (!(await cache.has(digest)) || (await this.#sizeOf(path)) !== undefined) continue;
      const contents = await cache.take(digest);
      if (contents === undefined) continue;
      try {
        await this.#files.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
        await this.#files.writeFile(path, contents);
        used += 1;
      } catch (error) {
        // No room, or no place: npm downloads the rest.
        unlessOfTheVm(error);
        await this.#files.remove(path).catch(unlessOfTheVm);
        break;
      }
    }
    return used;
  }

  /** Keeps what the VM has downloaded of what its lockfile names. */
  async #collect(cache: NpmCache, guest: string, locked: readonly LockedPackage[]): Promise<number> {
    let added = 0;
    let left = COLLECTED_BYTES_MAX;
    for (const digest of digestsOf(locked)) {
      if (await cache.has(digest)) continue;
      const path = placeOf(guest, digest);
      try {
        const size = await this.#sizeOf(path);
        if (size === undefined || size > Math.min(ARCHIVE_BYTES_MAX, left)) continue;
        left -= size;
        // It may have become another file meanwhile: whatever is read is looked at, and no more of it is read.
        if (await cache.keep(digest, await this.#files.readFile(path, { maxBytes: size }))) added += 1;
      } catch (error) {
        unlessOfTheVm(error);
      }
    }
    if (added > 0) await cache.trim();
    return added;
  }

  /** The length of a file of the VM, if it is one and no link. */
  async #sizeOf(path: string): Promise<number | undefined> {
    try {
      const status = await this.#files.lstat(path);
      return status.kind === "file" ? status.size : undefined;
    } catch (error) {
      unlessOfTheVm(error);
      return undefined;
    }
  }
}

function digestsOf(locked: readonly LockedPackage[]): Set<string> {
  return new Set(locked.flatMap(({ digest }) => (digest === undefined ? [] : [digest])));
}

function placeOf(guest: string, digest: string): string {
  return [guest, "_cacache", "content-v2", ...partsOf(digest)].join("/");
}

function cacheOf({ cache, cacheBytes }: InstallOptions): NpmCache | undefined {
  const most = cacheBytes === undefined ? NPM_CACHE_BYTES : checkCount(cacheBytes, "cacheBytes");
  if (cache === false) return undefined;
  const directory = cache === undefined ? defaultNpmCache() : checkText(cache, "cache");
  return directory === undefined ? undefined : new NpmCache(directory, most);
}

function flagsOf({ allowScripts, lockfileOnly, minReleaseAge, omitDev, registry }: InstallOptions): string[] {
  const scripts = allowScripts !== undefined && checkBoolean(allowScripts, "allowScripts");
  const flags = ["--global=false", "--package-lock=true", "--audit=false", "--fund=false", "--progress=false"];
  // Over whatever the project's own .npmrc says.
  flags.push(`--ignore-scripts=${!scripts}`, `--dangerously-allow-all-scripts=${scripts}`);
  if (lockfileOnly !== undefined) checkBoolean(lockfileOnly, "lockfileOnly");
  if (omitDev !== undefined && checkBoolean(omitDev, "omitDev")) flags.push("--omit=dev");
  if (minReleaseAge !== undefined) flags.push(`--min-release-age=${checkCount(minReleaseAge, "minReleaseAge")}`);
  if (registry !== undefined) {
    const url = URL.canParse(checkText(registry, "registry")) ? new URL(registry) : undefined;
    if (url?.protocol !== "http:" && url?.protocol !== "https:") throw new TypeError("registry must be an http or https URL");
    flags.push(`--registry=${url.href}`);
  }
  return flags;
}

/** What a file of the VM is, or that it is none, is an errno; all else is the call's error. */
function unlessOfTheVm(error: unknown): void {
  const isOfTheVm = error instanceof CordonError && (/^E[A-Z0-9]+$/.test(error.code) || error.code === ErrorCode.LIMIT);
  if (!isOfTheVm) throw error;
}
