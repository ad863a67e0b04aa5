// class: Node's permission model: writing where only reading is given (FileHandle methods, truncation, times)
// rule: a read-only mount is read-only in the supervisor, whatever a descriptor was opened for
// platforms: neutral bare node
// expects: DENIED writing: EROFS
// expects: DENIED creating: EROFS
// expects: DENIED opening to write: EROFS
// expects: DENIED opening to read and cut: EINVAL
// expects: DENIED opening to append: EROFS
// expects: DENIED opening to create: EROFS
// expects: DENIED writing to what was opened to read: EBADF
// expects: DENIED cutting what was opened to read: EINVAL
// expects: DENIED writing through a duplicate: EBADF
// expects: DENIED removing: EROFS
// expects: DENIED renaming: EROFS
// expects: DENIED moving out: EXDEV
// expects: DENIED moving in from the writable mount of the same folder: EXDEV
// expects: DENIED a hard link into it: EROFS
// expects: DENIED a hard link out of it: EROFS
// expects: DENIED a symbolic link in it: EROFS
// expects: DENIED a folder in it: EROFS
// expects: DENIED modes: EROFS
// expects: DENIED times: EROFS
// expects: DENIED through /dev/fd: ENOENT
// expects: DENIED what is in it: unchanged
import { createDirectory, createLink, createSymlink, open, readFile, removeFile, rename, setMode, setTimes, writeFile } from "cordon:vm/filesystem";
import { attempt, attemptAsync } from "/escape/report.mjs";

const file = "/ro/inside.txt";
attempt("writing", () => { writeFile(file, "x"); return true; });
attempt("creating", () => { writeFile("/ro/new", "x"); return true; });
attempt("opening to write", () => { open(file, { write: true }); return true; });
attempt("opening to read and cut", () => { open(file, { read: true, truncate: true }); return readFile(file).length === 0 ? true : "not cut"; });
attempt("opening to append", () => { open(file, { append: true, write: true }); return true; });
attempt("opening to create", () => { open("/ro/made", { read: true, create: true }); return true; });
await attemptAsync("writing to what was opened to read", async () => { await open(file, { read: true }).write(new Uint8Array(1)); return true; });
attempt("cutting what was opened to read", () => { open(file, { read: true }).truncate(0n); return true; });
await attemptAsync("writing through a duplicate", async () => { await open(file, { read: true }).duplicate().write(new Uint8Array(1)); return true; });
attempt("removing", () => { removeFile(file); return true; });
attempt("renaming", () => { rename(file, "/ro/other.txt"); return true; });
attempt("moving out", () => { rename(file, "/tmp/out.txt"); return true; });
attempt("moving in from the writable mount of the same folder", () => { rename("/m/inside.txt", "/ro/x.txt"); return true; });
attempt("a hard link into it", () => { createLink("/m/inside.txt", "/ro/x.txt"); return true; });
attempt("a hard link out of it", () => { createLink(file, "/m/x.txt"); return true; });
attempt("a symbolic link in it", () => { createSymlink("x", "/ro/x"); return true; });
attempt("a folder in it", () => { createDirectory("/ro/x"); return true; });
attempt("modes", () => { setMode(file, 0o777); return true; });
attempt("times", () => { setTimes(file, 0n, 0n); return true; });
attempt("through /dev/fd", () => { const held = open(file, { read: true }); open("/dev/fd/3", { write: true }); return held === undefined ? "none" : true; });
attempt("what is in it", () => (readFile(file).length === 7 ? "unchanged" : true));
