// class: Node's permission model: links and realpath (CVE-2023-30583, CVE-2026-21715 and others)
// rule: fs is decided on the path after links, dots and open directories are resolved, in one place of the kernel
// config: { "permissions": { "fs": { "rules": [{ "mode": "deny", "paths": ["/tmp/secret", "/tmp/secret/**"] }, { "mode": "allow" }] } } }
// platforms: neutral bare node
// expects: DENIED reading: EACCES
// expects: DENIED writing: EACCES
// expects: DENIED opening: EACCES
// expects: DENIED appending: EACCES
// expects: DENIED listing: EACCES
// expects: DENIED making: EACCES
// expects: DENIED asking: EACCES
// expects: DENIED asking of the link: EACCES
// expects: DENIED removing: EACCES
// expects: DENIED modes: EACCES
// expects: DENIED times: EACCES
// expects: DENIED the canonical path: EACCES
// expects: DENIED the folder itself: EACCES
// expects: DENIED dots: EACCES
// expects: DENIED many slashes: EACCES
// expects: DENIED a link to it: EACCES
// expects: DENIED a link to it that is made through: EEXIST
// expects: DENIED a chain of links: EACCES
// expects: DENIED a relative path: EACCES
// expects: DENIED the current directory: EACCES
// expects: DENIED /proc/self/cwd: EACCES
// expects: DENIED a folder with the same contents moved there: EACCES
// expects: DENIED a file moved there: EACCES
// expects: DENIED the folder above moved away: EACCES
// expects: DENIED a hard link there: EACCES
// expects: DENIED a link there: EACCES
import { canonicalPath, createDirectory, createLink, createSymlink, open, readDirectory, readFile, removeFile, rename, setMode, setTimes, status, writeFile } from "cordon:vm/filesystem";
import { setCurrentDirectory } from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

createDirectory("/tmp/side");
const acts = {
  reading: (path) => readFile(path), writing: (path) => writeFile(path, "x"), opening: (path) => open(path, { read: true }),
  appending: (path) => open(path, { write: true, append: true, create: true }), listing: (path) => readDirectory(path), making: (path) => createDirectory(path),
  asking: (path) => status(path), "asking of the link": (path) => status(path, "no-follow"), removing: (path) => removeFile(path),
  modes: (path) => setMode(path, 0o777), times: (path) => setTimes(path, 0n, 0n), "the canonical path": (path) => canonicalPath(path),
};
for (const [what, act] of Object.entries(acts)) attempt(what, () => { act("/tmp/secret/key"); return true; });
attempt("the folder itself", () => { createDirectory("/tmp/secret"); return true; });
attempt("dots", () => { writeFile("/tmp/side/../secret/key", "x"); return true; });
attempt("many slashes", () => { writeFile("//tmp///secret//key", "x"); return true; });
attempt("a link to it", () => { createSymlink("secret", "/tmp/link"); writeFile("/tmp/link/key", "x"); return true; });
attempt("a link to it that is made through", () => { createSymlink("/tmp/secret", "/tmp/other"); createDirectory("/tmp/other"); return true; });
attempt("a chain of links", () => { createSymlink("b", "/tmp/a"); createSymlink("secret/key", "/tmp/b"); writeFile("/tmp/a", "x"); return true; });
attempt("a relative path", () => { setCurrentDirectory("/tmp/side"); writeFile("../secret/key", "x"); return true; });
attempt("the current directory", () => { setCurrentDirectory("/tmp/secret"); return true; });
attempt("/proc/self/cwd", () => { writeFile("/proc/self/cwd/../secret/key", "x"); return true; });
attempt("a folder with the same contents moved there", () => { writeFile("/tmp/side/key", "x"); rename("/tmp/side", "/tmp/secret"); return true; });
attempt("a file moved there", () => { writeFile("/tmp/file", "x"); rename("/tmp/file", "/tmp/secret"); return true; });
attempt("the folder above moved away", () => { rename("/tmp", "/workspace/tmp"); return true; });
attempt("a hard link there", () => { writeFile("/tmp/file", "x"); createLink("/tmp/file", "/tmp/secret"); return true; });
attempt("a link there", () => { createSymlink("/bin", "/tmp/secret"); return true; });
