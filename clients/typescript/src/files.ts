/**
 * A VM's files, as its embedder sees them: the `fs` permission binds guest code, not its embedder. Errors have an
 * errno's name as code: `ENOENT`.
 */
import { ReadableStream } from "node:stream/web";

import { checkBoolean, checkCount, checkOptions, checkSignal, checkText, type Names } from "./check.js";
import { CordonError } from "./errors.js";
import { splitInput, type Input } from "./feeding.js";
import type { DirectoryEntry, FileStatus } from "./generated/wire.js";
import type { VmHandle } from "./handle.js";
import { FileReading, writeFile } from "./transfer.js";

/** What reading or writing a file can be given. */
export interface FileOptions {
  /** Ends it early: it is then rejected with `ERR_CANCELLED`. */
  readonly signal?: AbortSignal;
}

/** What reading a file whole can be given. */
export interface ReadOptions extends FileOptions {
  /**
   * The most bytes to take: a longer file is an error, `ERR_LIMIT`. When left out, `limits.filesystemBytes` for a file of
   * the VM and 1 GiB for one of a mount, where a guest can make a file look as long as it likes.
   */
  readonly maxBytes?: number;
}

const FILE_OPTIONS: Names<FileOptions> = { signal: true };
const READ_OPTIONS: Names<ReadOptions> = { signal: true, maxBytes: true };
const RECURSIVE_OPTIONS: Names<RecursiveOptions> = { recursive: true };

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

  /** A file's contents, all in memory. */
  async readFile(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return this.#reading(path, options).whole();
  }

  /** A file's contents as text. What is no UTF-8 becomes U+FFFD. */
  async readTextFile(path: string, options: ReadOptions = {}): Promise<string> {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await this.#reading(path, options).whole());
  }

  /**
   * A file's contents piece by piece, however long it is; the VM reads on as pieces are taken. What is wrong with the
   * file is told with the first piece, and cancelling the stream ends the reading.
   */
  readStream(path: string, options: FileOptions = {}): ReadableStream<Uint8Array> {
    checkOptions(options, "options", FILE_OPTIONS);
    const file = checkText(path, "path");
    // Begun by whoever reads: a stream that nobody looks at costs the VM nothing.
    let reading: FileReading | undefined;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          reading ??= this.#reading(file, { ...options, maxBytes: Number.MAX_SAFE_INTEGER });
          const piece = await reading.next();
          if (piece === undefined) controller.close();
          else controller.enqueue(piece);
        },
        cancel: () => reading?.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Writes a file anew, whole or in pieces, which are asked for while the VM takes them. One that fails or is cancelled
   * leaves the file empty.
   */
  async writeFile(path: string, contents: Input, options: FileOptions = {}): Promise<void> {
    checkOptions(options, "options", FILE_OPTIONS);
    const file = checkText(path, "path");
    await writeFile(this.#vm, file, splitInput(contents, "contents"), checkSignal(options.signal));
  }

  #reading(path: string, options: ReadOptions): FileReading {
    checkOptions(options, "options", READ_OPTIONS);
    const maxBytes = options.maxBytes === undefined ? undefined : checkCount(options.maxBytes, "maxBytes");
    return new FileReading(this.#vm, checkText(path, "path"), maxBytes, checkSignal(options.signal));
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
  checkOptions(options, "options", RECURSIVE_OPTIONS);
  return options.recursive === undefined ? false : checkBoolean(options.recursive, "recursive");
}
