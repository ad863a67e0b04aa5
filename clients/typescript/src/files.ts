/**
 * A VM's files, as its embedder sees them: the `fs` permission binds guest code, not its embedder. Errors have an
 * errno's name as code: `ENOENT`.
 */
import { checkBoolean, checkBytes, checkOptions, checkText } from "./check.js";
import { CordonError } from "./errors.js";
import type { DirectoryEntry, FileStatus } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";

export interface RecursiveOptions {
  /** `mkdir`: make missing parents, and let the directory exist. `remove`: remove a directory with all that is in it. */
  readonly recursive?: boolean;
}

export class FileSystem {
  readonly #vm: VmHandle;

  /** @internal */
  constructor(vm: VmHandle) {
    this.#vm = vm;
  }

  /** A file's contents. */
  async readFile(path: string): Promise<Uint8Array> {
    const { data } = await this.#vm.ask({ type: "readFile", path: checkText(path, "path") }, "data");
    // The bytes lie in the frame that brought them, which need not live as long.
    return data.slice();
  }

  /** A file's contents as text. What is no UTF-8 becomes U+FFFD. */
  async readTextFile(path: string): Promise<string> {
    const { data } = await this.#vm.ask({ type: "readFile", path: checkText(path, "path") }, "data");
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
  }

  /** Writes a file whole. */
  async writeFile(path: string, contents: string | Uint8Array): Promise<void> {
    const data = checkBytes(contents, "contents");
    await this.#vm.ask({ type: "writeFile", path: checkText(path, "path"), data }, "done");
  }

  /** What is known of a file, symbolic links followed. */
  async stat(path: string): Promise<FileStatus> {
    return (await this.#vm.ask({ type: "stat", path: checkText(path, "path") }, "status")).status;
  }

  /** What is known of a file, or of the symbolic link at the end of the path. */
  async lstat(path: string): Promise<FileStatus> {
    return (await this.#vm.ask({ type: "stat", path: checkText(path, "path"), follow: false }, "status")).status;
  }

  /** Whether there is something at the path, symbolic links followed. */
  async exists(path: string): Promise<boolean> {
    try {
      await this.stat(path);
      return true;
    } catch (error) {
      if (error instanceof CordonError && (error.code === "ENOENT" || error.code === "ENOTDIR")) return false;
      throw error;
    }
  }

  /** A directory's entries, sorted by name. */
  async list(path: string): Promise<DirectoryEntry[]> {
    return (await this.#vm.ask({ type: "list", path: checkText(path, "path") }, "entries")).entries;
  }

  /** Makes a directory. */
  async mkdir(path: string, options: RecursiveOptions = {}): Promise<void> {
    await this.#vm.ask({ type: "mkdir", path: checkText(path, "path"), recursive: isRecursive(options) }, "done");
  }

  /** Removes a file or directory. */
  async remove(path: string, options: RecursiveOptions = {}): Promise<void> {
    await this.#vm.ask({ type: "remove", path: checkText(path, "path"), recursive: isRecursive(options) }, "done");
  }

  /** Gives a file another name. */
  async rename(source: string, target: string): Promise<void> {
    const names = { source: checkText(source, "source"), target: checkText(target, "target") };
    await this.#vm.ask({ type: "rename", ...names }, "done");
  }
}

function isRecursive(options: RecursiveOptions): boolean {
  checkOptions(options, "options");
  return options.recursive === undefined ? false : checkBoolean(options.recursive, "recursive");
}
