// class: Node's permission model: other programs do what the caller may not
// rule: permissions bind the VM, JavaScript and programs alike; childProcess is decided on what will run
// config: { "permissions": { "childProcess": { "default": "deny", "rules": [{ "mode": "allow", "patterns": ["true"] }] } } }
// platforms: neutral node
// expects: DENIED a program: EACCES
// expects: DENIED by its path: EACCES
// expects: DENIED by dots: EACCES
// expects: DENIED with a slash at its end: ENOTDIR
// expects: DENIED with an ending: ENOENT
// expects: DENIED under the allowed name: the allowed program
// expects: DENIED under the allowed name in PATH: the allowed program
// expects: DENIED as an argument of the multi-call program: EACCES
// expects: DENIED with another first argument: EACCES
// expects: DENIED through a script: EACCES
// expects: DENIED through a script of the allowed program: the allowed program
// expects: DENIED a copy: ENOEXEC
// expects: DENIED a hard link: ENOENT
// expects: DENIED NUL in its name: EINVAL
// expects: DENIED a folder: EACCES
// expects: DENIED /proc/self/exe: ENOENT
// expects: DENIED a descriptor's path: EACCES
import { createDirectory, createLink, createSymlink, readFile, setMode, writeFile } from "cordon:vm/filesystem";
import { spawn } from "cordon:vm/process";
import { attempt, attemptAsync } from "/escape/report.mjs";

const runs = (program, ...rest) => async () => { const status = await spawn({ program, arguments: [program, ...rest] }).wait(); return status.val === 0 ? true : `exit code ${status.val}`; };
await attemptAsync("a program", runs("ls"));
await attemptAsync("by its path", runs("/bin/ls"));
await attemptAsync("by dots", runs("/tmp/../bin/./ls"));
await attemptAsync("with a slash at its end", runs("/bin/ls/"));
await attemptAsync("with an ending", runs("/bin/ls.wasm"));
await attemptAsync("under the allowed name", async () => { createSymlink("/bin/ls", "/tmp/true"); return (await runs("/tmp/true", "/nowhere")()) === true ? "the allowed program" : true; });
await attemptAsync("under the allowed name in PATH", async () => { const status = await spawn({ program: "true", environment: [["PATH", "/tmp"]] }).wait(); return status.val === 0 ? "the allowed program" : `exit code ${status.val}`; });
await attemptAsync("as an argument of the multi-call program", runs("coreutils", "ls"));
await attemptAsync("with another first argument", async () => { const status = await spawn({ program: "true", arguments: ["ls", "/"] }).wait(); return `the allowed program, exit code ${status.val}`; });
await attemptAsync("through a script", async () => { writeFile("/tmp/script", "#!/bin/ls\n"); setMode("/tmp/script", 0o755); return runs("/tmp/script")(); });
await attemptAsync("through a script of the allowed program", async () => { writeFile("/tmp/again", "#!/bin/true ls\n"); setMode("/tmp/again", 0o755); return (await runs("/tmp/again")()) === true ? "the allowed program" : "nothing"; });
attempt("a copy", () => { writeFile("/tmp/copy", readFile("/bin/ls")); setMode("/tmp/copy", 0o755); spawn({ program: "/tmp/copy" }); return true; });
attempt("a hard link", () => { createLink("/bin/ls", "/tmp/hard"); spawn({ program: "/tmp/hard" }); return true; });
attempt("NUL in its name", () => { spawn({ program: "true\0ls" }); return true; });
attempt("a folder", () => { createDirectory("/tmp/folder"); spawn({ program: "/tmp/folder" }); return true; });
attempt("/proc/self/exe", () => { spawn({ program: "/proc/self/exe" }); return true; });
attempt("a descriptor's path", () => { spawn({ program: "/dev/fd/0" }); return true; });
