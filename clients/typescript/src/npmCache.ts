/**
 * Archives of packages that VMs have downloaded, kept outside of them: each in a file that is called by the SHA-512 of its
 * contents, and looked at again whenever it is taken. So nothing that a VM says of an archive is believed, and nothing that
 * happens to a file here is noticed by a VM.
 *
 * Shared by all that name the same directory, this client in other languages among them. A cache that cannot be read or written is as
 * good as an empty one.
 */
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, mkdir, open, readdir, rename, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The largest archive that is kept. */
export const ARCHIVE_BYTES_MAX: number = 256 * 1024 * 1024;
/** What the cache may have on the disk, unless its user says otherwise. */
export const NPM_CACHE_BYTES: number = 2 * 1024 * 1024 * 1024;
/** A file that was not finished in this time never will be. */
const UNFINISHED_MS = 60 * 60 * 1000;

/** Where a content lies, here as in npm's own cache: the parts of a path. */
export function partsOf(digest: string): readonly [string, string, string, string] {
  return ["sha512", digest.slice(0, 2), digest.slice(2, 4), digest.slice(4)];
}

/** The directory that cordon's user has for it; none if there is no place for caches. */
export function defaultNpmCache(): string | undefined {
  const of = (name: string) => {
    const value = process.env[name];
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const own = of("CORDON_CACHE_DIR");
  if (own !== undefined) return join(own, "npm");
  const caches = of("XDG_CACHE_HOME");
  if (caches !== undefined) return join(caches, "cordon", "npm");
  const home = homedir();
  return isAbsolute(home) ? join(home, ".cache", "cordon", "npm") : undefined;
}

export class NpmCache {
  readonly #directory: string;
  readonly #maxBytes: number;

  constructor(directory: string, maxBytes: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  /** The contents of a digest. A file that has others is removed. */
  async take(digest: string): Promise<Uint8Array | undefined> {
    const path = this.#place(digest);
    try {
      await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const status = await file.stat();
      if (!status.isFile() || status.size > ARCHIVE_BYTES_MAX) return undefined;
      const bytes = await file.readFile();
      if (isOf(digest, bytes)) {
        // Used now, which is what is looked at when something has to go.
        const now = new Date();
        await utimes(path, now, now).catch(() => {});
        return bytes;
      }
    } catch {
      return undefined;
    }
    await unlink(path).catch(() => {});
    return undefined;
  }

  async has(digest: string): Promise<boolean> {
    return stat(this.#place(digest)).then(
      (status) => status.isFile(),
      () => false,
    );
  }

  /** Keeps contents, if they are those of the digest. Whether they were not there before. */
  async keep(digest: string, contents: Uint8Array): Promise<boolean> {
    if (contents.length > Math.min(ARCHIVE_BYTES_MAX, this.#maxBytes) || !isOf(digest, contents)) return false;
    const unfinished = join(this.#directory, "tmp", randomBytes(16).toString("hex"));
    const path = this.#place(digest);
    try {
      await mkdir(join(this.#directory, "tmp"), { recursive: true, mode: 0o700 });
      await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
      await writeFile(unfinished, contents, { flag: "wx", mode: 0o600 });
      await chmod(unfinished, 0o400);
      await rename(unfinished, path);
      return true;
    } catch {
      await unlink(unfinished).catch(() => {});
      return false;
    }
  }

  /** Removes what was used least recently until the rest is as much as there may be, and what was never finished. */
  async trim(): Promise<void> {
    const old = Date.now() - UNFINISHED_MS;
    for (const { path, modified } of await filesOf(join(this.#directory, "tmp"), 0)) {
      if (modified < old) await unlink(path).catch(() => {});
    }
    const files = await filesOf(join(this.#directory, "sha512"), 2);
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((left, right) => left.modified - right.modified)) {
      if (total <= this.#maxBytes) break;
      await unlink(path).catch(() => {});
      total -= size;
    }
  }

  #place(digest: string): string {
    return join(this.#directory, ...partsOf(digest));
  }
}

interface Kept {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
}

/** The files that lie so many levels beneath a directory. */
async function filesOf(directory: string, levels: number): Promise<Kept[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const found = entries.map(async (entry): Promise<Kept[]> => {
    const path = join(directory, entry.name);
    if (levels > 0) return entry.isDirectory() ? filesOf(path, levels - 1) : [];
    if (!entry.isFile()) return [];
    return stat(path).then(
      ({ size, mtimeMs }) => [{ path, size, modified: mtimeMs }],
      () => [],
    );
  });
  return (await Promise.all(found)).flat();
}

function isOf(digest: string, contents: Uint8Array): boolean {
  return createHash("sha512").update(contents).digest("hex") === digest;
}
