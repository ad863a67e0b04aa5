// The interfaces of wit/ as guest JavaScript imports them. Written by hand from the WIT: names in camelCase, u64 as
// bigint, lists of bytes as Uint8Array, enums as their names, variants as `{ tag, val }`. An error of the contract is
// thrown as an `Error` whose `code` is the errno's symbolic name ("ENOENT"). What may wait returns a promise.

declare module "cordon:vm/types" {
  /** Names of the errno enumeration, as thrown errors carry them in `code`. */
  export type Errno =
    | "E2BIG" | "EACCES" | "EAGAIN" | "EBADF" | "EBUSY" | "ECHILD" | "EDQUOT" | "EEXIST" | "EFAULT" | "EFBIG"
    | "EINTR" | "EINVAL" | "EIO" | "EISDIR" | "ELOOP" | "EMFILE" | "EMLINK" | "ENAMETOOLONG" | "ENFILE" | "ENODEV"
    | "ENOENT" | "ENOEXEC" | "ENOMEM" | "ENOSPC" | "ENOSYS" | "ENOTDIR" | "ENOTEMPTY" | "ENOTSUP" | "ENOTTY"
    | "ENXIO" | "EPERM" | "EPIPE" | "ERANGE" | "EROFS" | "ESPIPE" | "ESRCH" | "ETIMEDOUT" | "ETXTBSY" | "EXDEV";
  export type FileType = "regular-file" | "directory" | "symbolic-link" | "character-device" | "fifo";
  /** What is known of a file. Times are nanoseconds since the Unix epoch. */
  export interface FileStatus {
    device: bigint;
    inode: bigint;
    fileType: FileType;
    /** Permission bits only, for example 0o644. */
    mode: number;
    links: bigint;
    size: bigint;
    accessed: bigint;
    modified: bigint;
    changed: bigint;
  }
  /** Whether a symbolic link at the end of a path is followed. */
  export type Symlinks = "follow" | "no-follow";
}

declare module "cordon:vm/descriptors" {
  import type { FileStatus } from "cordon:vm/types";
  export type Whence = "start" | "current" | "end";
  /** One open file description of the VM. */
  export class Descriptor implements Disposable {
    private constructor();
    /** Reads up to `length` bytes (at most 1 MiB); waits for at least one. No bytes: the end of the file. */
    read(length: number): Promise<Uint8Array>;
    /** Writes all bytes, waiting while a pipe is full. */
    write(bytes: Uint8Array): Promise<void>;
    /** Moves the file offset and returns it, counted from the start. */
    seek(offset: bigint | number, whence: Whence): bigint;
    /** Sets the length of a regular file. */
    truncate(size: bigint | number): void;
    status(): FileStatus;
    /** Another handle to the same open file description. */
    duplicate(): Descriptor;
    isTerminal(): boolean;
    close(): void;
    [Symbol.dispose](): void;
  }
  /** A handle to descriptor `number` of this program (0, 1 and 2 are the standard streams). */
  export function inherited(number: number): Descriptor;
  /** A pipe: [read end, write end]. */
  export function pipe(): [Descriptor, Descriptor];
  /** A nameless file in memory, open for reading and writing. */
  export function memoryFile(): Descriptor;
}

declare module "cordon:vm/filesystem" {
  import type { FileStatus, FileType, Symlinks } from "cordon:vm/types";
  import type { Descriptor } from "cordon:vm/descriptors";
  /** How a file is opened; the meanings are those of open(2). */
  export interface OpenFlags {
    read?: boolean;
    write?: boolean;
    append?: boolean;
    create?: boolean;
    exclusive?: boolean;
    truncate?: boolean;
    directory?: boolean;
    noFollow?: boolean;
  }
  export interface DirectoryEntry {
    name: string;
    inode: bigint;
    fileType: FileType;
  }
  export function open(path: string, flags: OpenFlags, mode?: number): Descriptor;
  /** Reads a whole file. */
  export function readFile(path: string): Uint8Array;
  /** Replaces or creates a file; a string is written as UTF-8. */
  export function writeFile(path: string, contents: Uint8Array | string): void;
  export function status(path: string, symlinks?: Symlinks): FileStatus;
  /** The entries of a directory, sorted by name. */
  export function readDirectory(path: string): DirectoryEntry[];
  export function createDirectory(path: string, mode?: number): void;
  export function removeDirectory(path: string): void;
  export function removeFile(path: string): void;
  export function rename(source: string, target: string): void;
  /** Creates a symbolic link at `path` that holds `target`. */
  export function createSymlink(target: string, path: string): void;
  export function readSymlink(path: string): string;
  /** Another name, `path`, for the file at `existing`. */
  export function createLink(existing: string, path: string): void;
  export function setMode(path: string, mode: number): void;
  /** Sets the times of access and modification, nanoseconds since the Unix epoch. */
  export function setTimes(path: string, accessed: bigint, modified: bigint, symlinks?: Symlinks): void;
  /** The absolute path without symbolic links, `.` and `..`. */
  export function canonicalPath(path: string): string;
}

declare module "cordon:vm/process" {
  import type { Descriptor } from "cordon:vm/descriptors";
  export type Signal =
    | "hangup" | "interrupt" | "quit" | "kill" | "user1" | "user2" | "pipe" | "alarm" | "terminate" | "child"
    | "continue" | "stop";
  export type ExitStatus = { tag: "exited"; val: number } | { tag: "signaled"; val: Signal };
  /** A program to start. What is left out is the caller's own: environment, directory, standard streams. */
  export interface SpawnOptions {
    /** A path if it contains a slash, else a name looked up in `PATH` of `environment`. */
    program: string;
    /** All arguments, the first being the program's own name. */
    arguments?: string[];
    environment?: Iterable<[string, string]>;
    currentDirectory?: string;
    /** The descriptors that it starts with, by number. */
    descriptors?: Iterable<[number, Descriptor]>;
    ignoredSignals?: Signal[];
  }
  /** A child of this program. Dropping it without waiting leaves the program running. */
  export class Child implements Disposable {
    private constructor();
    id(): number;
    wait(): Promise<ExitStatus>;
    /** The status if it has ended. */
    tryWait(): ExitStatus | undefined;
    kill(signal: Signal): void;
    [Symbol.dispose](): void;
  }
  export function spawn(options: SpawnOptions): Child;
  export function kill(id: number, signal: Signal): void;
  export function id(): number;
  export function parentId(): number;
  /** The arguments this program was started with. */
  function arguments_(): string[];
  export { arguments_ as arguments };
  export function environment(): [string, string][];
  export function currentDirectory(): string;
  export function setCurrentDirectory(path: string): void;
  /** Sets the file creation mask and returns the one before. */
  export function setUmask(mask: number): number;
  export function setIgnored(signal: Signal, ignored: boolean): void;
}

declare module "cordon:vm/host" {
  /** The names that may be called. */
  export function functions(): string[];
  /** Calls a host function. Input and result are JSON texts. */
  export function call(name: string, input: string): Promise<string>;
}

declare module "cordon:vm/engine" {
  /** The engine report as a JSON text. */
  export function report(): string;
}
