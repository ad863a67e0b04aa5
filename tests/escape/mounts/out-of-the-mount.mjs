// class: Node's permission model: paths and links that lead out of what is given
// rule: the supervisor opens what is beneath a mount relative to its directory, and lets no link or dots lead out
// platforms: neutral bare node
// expects: DENIED by the host's path: ENOENT
// expects: DENIED above: ENOENT
// expects: DENIED through a link: EACCES
// expects: DENIED through a link to the folder: EACCES
// expects: DENIED through an absolute link: EACCES
// expects: DENIED through a link of the guest's: EACCES
// expects: DENIED through an absolute link of the guest's: EACCES
// expects: DENIED through /proc of the host: EACCES
// expects: DENIED through a descriptor of the host: EACCES
// expects: DENIED a link whose text tells: its text
// expects: DENIED writing through a link: EACCES
// expects: DENIED appending through a link: EACCES
// expects: DENIED creating through a folder's link: EACCES
// expects: DENIED listing through a link: EACCES
// expects: DENIED asking through a link: EACCES
// expects: DENIED the canonical path of a link: EACCES
// expects: DENIED modes through a link: EACCES
// expects: DENIED times through a link: EACCES
// expects: DENIED a hard link through a link: EACCES
// expects: DENIED a hard link to a link: EACCES
// expects: DENIED moving out: EACCES
// expects: DENIED moving in: EACCES
// expects: DENIED a folder moved under itself: EINVAL
// expects: DENIED a pipe of the host: ENXIO
// expects: DENIED a socket of the host: ENXIO
// expects: DENIED links without end: ELOOP
import { canonicalPath, createLink, createSymlink, open, readDirectory, readFile, readSymlink, rename, setMode, setTimes, status, writeFile } from "cordon:vm/filesystem";
import { environment } from "cordon:vm/process";
import { attempt, isCanary } from "/escape/report.mjs";

const folder = new Map(environment()).get("HOST_FOLDER");
const reads = (path) => () => (isCanary(readFile(path)) ? true : "something else");
attempt("by the host's path", reads(`${folder}/secret.txt`));
attempt("above", reads("/m/../secret.txt"));
attempt("through a link", reads("/m/link.txt"));
attempt("through a link to the folder", reads("/m/up/secret.txt"));
attempt("through an absolute link", reads("/m/absolute/secret.txt"));
attempt("through a link of the guest's", () => { createSymlink("../secret.txt", "/m/made"); return reads("/m/made")(); });
attempt("through an absolute link of the guest's", () => { createSymlink(`${folder}/secret.txt`, "/m/made-absolute"); return reads("/m/made-absolute")(); });
attempt("through /proc of the host", () => { createSymlink("/proc/self/root/etc/hostname", "/m/proc"); readFile("/m/proc"); return true; });
attempt("through a descriptor of the host", () => { createSymlink("/proc/self/fd/0", "/m/fd"); readFile("/m/fd"); return true; });
attempt("a link whose text tells", () => (isCanary(readSymlink("/m/link.txt")) ? true : "its text"));
attempt("writing through a link", () => { writeFile("/m/link-new", "x"); return true; });
attempt("appending through a link", () => { open("/m/link.txt", { write: true, append: true }); return true; });
attempt("creating through a folder's link", () => { writeFile("/m/up/made.txt", "x"); return true; });
attempt("listing through a link", () => { readDirectory("/m/up"); return true; });
attempt("asking through a link", () => { status("/m/link.txt"); return true; });
attempt("the canonical path of a link", () => { const path = canonicalPath("/m/link.txt"); return path.startsWith(folder) ? true : path; });
attempt("modes through a link", () => { setMode("/m/link.txt", 0o777); return true; });
attempt("times through a link", () => { setTimes("/m/link.txt", 0n, 0n); return true; });
attempt("a hard link through a link", () => { createLink("/m/up/secret.txt", "/m/hard"); return true; });
attempt("a hard link to a link", () => { createLink("/m/link.txt", "/m/hard-link"); return reads("/m/hard-link")(); });
attempt("moving out", () => { rename("/m/inside.txt", "/m/up/inside.txt"); return true; });
attempt("moving in", () => { rename("/m/up/secret.txt", "/m/secret.txt"); return true; });
attempt("a folder moved under itself", () => { rename("/m/folder", "/m/folder/inner"); return true; });
attempt("a pipe of the host", () => { readFile("/m/pipe"); return true; });
attempt("a socket of the host", () => { open("/m/socket", { read: true, write: true }); return true; });
attempt("links without end", reads("/m/loop"));
