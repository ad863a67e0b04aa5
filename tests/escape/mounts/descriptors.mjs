// class: Node's permission model: what an open file can still do (CVE-2026 FileHandle methods)
// rule: a descriptor can do what it was opened for, and nothing more
// platforms: neutral bare node
// expects: DENIED writing what is open to read: EBADF
// expects: DENIED cutting what is open to read: EINVAL
// expects: DENIED reading what is open to write: EBADF
// expects: DENIED reading the end of a pipe that writes: EBADF
// expects: DENIED writing the end of a pipe that reads: EBADF
// expects: DENIED seeking before the start: EINVAL
// expects: DENIED a directory to write: EISDIR
// expects: DENIED reading a directory: EISDIR
// expects: DENIED a descriptor that was not given: EBADF
// expects: DENIED a negative descriptor: EBADF
// expects: DENIED a descriptor of the host's process: none
// expects: DENIED reopening through /proc: ENOENT
import { inherited, pipe } from "cordon:vm/descriptors";
import { open, removeFile, status, writeFile } from "cordon:vm/filesystem";
import { attempt, attemptAsync } from "/escape/report.mjs";

writeFile("/tmp/x", "12345678");
const reading = () => open("/tmp/x", { read: true });
const writing = () => open("/tmp/x", { write: true });
await attemptAsync("writing what is open to read", async () => { await reading().write(new Uint8Array(1)); return true; });
attempt("cutting what is open to read", () => { reading().truncate(0n); return true; });
await attemptAsync("reading what is open to write", async () => { await writing().read(1); return true; });
await attemptAsync("reading the end of a pipe that writes", async () => { await pipe()[1].read(1); return true; });
await attemptAsync("writing the end of a pipe that reads", async () => { await pipe()[0].write(new Uint8Array(1)); return true; });
attempt("seeking before the start", () => { reading().seek(-1n, "start"); return true; });
attempt("a directory to write", () => { open("/tmp", { write: true }); return true; });
await attemptAsync("reading a directory", async () => { await open("/tmp", { read: true, directory: true }).read(10); return true; });
attempt("a descriptor that was not given", () => { inherited(3); return true; });
attempt("a negative descriptor", () => { inherited(-1); return true; });
attempt("a descriptor of the host's process", () => { for (let number = 3; number < 256; number++) { try { inherited(number); return true; } catch (error) { if (error.code !== "EBADF") throw error; } } return "none"; });
attempt("reopening through /proc", () => { const held = reading(); const path = `/proc/self/fd/${[3, 4, 5, 6, 7, 8, 9].find((n) => { try { return status(`/proc/self/fd/${n}`).size === 8n; } catch { return false; } })}`; removeFile("/tmp/x"); open(path, { read: true }); return held === undefined ? "none" : "ENOENT"; });
