// class: names: other spellings of a denied name
// rule: names are compared byte for byte, in rules and in folders alike
// config: { "permissions": { "fs": { "rules": [{ "mode": "deny", "paths": ["/tmp/caf\u00e9", "/tmp/caf\u00e9/**", "/tmp/Key", "/tmp/a*b"] }] } } }
// platforms: neutral bare node
// expects: DENIED as it is written: EACCES
// expects: DENIED in another normal form: another file
// expects: DENIED in another case: another file, EACCES
// expects: DENIED a pattern as a name: EACCES
// expects: DENIED what a pattern matches: EACCES
// expects: DENIED a name moved into place: EACCES
// expects: DENIED a folder moved into place: EACCES
// expects: DENIED a newline in front: another file
import { createDirectory, readDirectory, readFile, rename, writeFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

attempt("as it is written", () => { writeFile("/tmp/caf\u00e9", "x"); return true; });
attempt("in another normal form", () => { writeFile("/tmp/cafe\u0301", "x"); return readDirectory("/tmp").length === 1 ? "another file" : true; });
attempt("in another case", () => { writeFile("/tmp/key", "x"); try { readFile("/tmp/Key"); } catch (error) { return `another file, ${error.code}`; } return true; });
attempt("a pattern as a name", () => { writeFile("/tmp/a*b", "x"); return true; });
attempt("what a pattern matches", () => { writeFile("/tmp/axxb", "x"); return true; });
attempt("a name moved into place", () => { writeFile("/tmp/x", "x"); rename("/tmp/x", "/tmp/Key"); return true; });
attempt("a folder moved into place", () => { createDirectory("/tmp/folder"); writeFile("/tmp/folder/x", "x"); rename("/tmp/folder", "/tmp/caf\u00e9"); return true; });
attempt("a newline in front", () => { writeFile("/tmp/\nKey", "x"); return readDirectory("/tmp").some(({ name }) => name === "Key") ? true : "another file"; });
