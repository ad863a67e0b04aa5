// class: names: NUL, controls, surrogates, length
// rule: a name is what it is to the end; what no filesystem can hold is refused before anything is looked up
// platforms: neutral bare node
// expects: DENIED NUL before an ending: EINVAL
// expects: DENIED NUL before dots: EINVAL
// expects: DENIED NUL in a directory: EINVAL
// expects: DENIED NUL in a link's target: EINVAL
// expects: DENIED NUL in a link's name: EINVAL
// expects: DENIED NUL in a new name: EINVAL
// expects: DENIED NUL in a hard link: EINVAL
// expects: DENIED NUL in what is removed: EINVAL
// expects: DENIED backslashes: ENOENT
// expects: DENIED dots of another width: ENOENT
// expects: DENIED dots, encoded: ENOENT
// expects: DENIED three dots: ENOENT
// expects: DENIED dots after a file: ENOENT
// expects: DENIED dots after nothing: ENOENT
// expects: DENIED more dots than there are folders: ENOENT
// expects: DENIED a slash at a file's end: ENOTDIR
// expects: DENIED a name that is too long: ENAMETOOLONG
// expects: DENIED a path that is too long: ENAMETOOLONG
// expects: DENIED a lone surrogate: replaced
// expects: DENIED the empty path: ENOENT
// expects: DENIED a path of bytes: ENOENT
// expects: DENIED a path that changes: 7 bytes
// expects: DENIED an array of paths: ENOENT
// expects: DENIED an URL: ENOENT
// expects: DENIED flags of no meaning: EINVAL
// expects: DENIED set-user-id on a file of the host: 777
import { createDirectory, createLink, createSymlink, open, readFile, removeFile, rename, setMode, status, writeFile } from "cordon:vm/filesystem";
import { attempt, isCanary } from "/escape/report.mjs";

const reads = (path) => () => (isCanary(readFile(path)) ? true : `${readFile(path).length} bytes`);
attempt("NUL before an ending", reads("/m/inside.txt\0.png"));
attempt("NUL before dots", reads("/m/x\0/../../secret.txt"));
attempt("NUL in a directory", () => { createDirectory("/m/a\0b"); return true; });
attempt("NUL in a link's target", () => { createSymlink("/etc\0", "/m/nul"); return true; });
attempt("NUL in a link's name", () => { createSymlink("x", "/m/nul\0"); return true; });
attempt("NUL in a new name", () => { rename("/m/inside.txt", "/m/x\0y"); return true; });
attempt("NUL in a hard link", () => { createLink("/m/inside.txt", "/m/x\0y"); return true; });
attempt("NUL in what is removed", () => { removeFile("/m/inside.txt\0"); return true; });
attempt("backslashes", reads("/m/..\\secret.txt"));
attempt("dots of another width", reads("/m/\uff0e\uff0e/secret.txt"));
attempt("dots, encoded", reads("/m/%2e%2e/secret.txt"));
attempt("three dots", reads("/m/.../secret.txt"));
attempt("dots after a file", reads("/m/inside.txt/../../secret.txt"));
attempt("dots after nothing", reads("/m/none/../../secret.txt"));
attempt("more dots than there are folders", () => reads("/m/" + "../".repeat(500) + "m/../secret.txt")());
attempt("a slash at a file's end", reads("/m/inside.txt/"));
attempt("a name that is too long", () => { writeFile("/m/" + "n".repeat(256), "x"); return true; });
attempt("a path that is too long", reads("/m/" + "./".repeat(5000) + "inside.txt"));
attempt("a lone surrogate", () => { writeFile("/m/\ud800", "x"); return status("/m/\ufffd").size === 1n ? "replaced" : true; });
attempt("the empty path", reads(""));
attempt("a path of bytes", () => readFile(new Uint8Array([47, 109, 47, 46, 46])) && true);
attempt("a path that changes", () => { let runs = 0; return `${readFile({ toString: () => (runs++ ? "/m/../secret.txt" : "/m/inside.txt") }).length} bytes`; });
attempt("an array of paths", reads(["/m/../secret.txt"]));
attempt("an URL", reads("file:///m/../secret.txt"));
attempt("flags of no meaning", () => { open("/m/inside.txt", {}); return true; });
attempt("set-user-id on a file of the host", () => { setMode("/m/inside.txt", 0o6777); const mode = status("/m/inside.txt").mode; return mode > 0o777 ? true : mode.toString(8); });
