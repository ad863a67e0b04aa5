// class: imports of the host's modules
// rule: modules come from the VM's files and from cordon:vm; there is no loader of the host
// platforms: neutral bare
// expects: DENIED import "fs": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:fs": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:child_process": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:process": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:module": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:vm": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:worker_threads": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:sqlite": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "node:wasi": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "internal/bootstrap/realm": ERR_MODULE_NOT_FOUND
// expects: DENIED import "file:///etc/passwd": SyntaxError
// expects: DENIED import "file://localhost/etc/hostname": ERR_MODULE_NOT_FOUND
// expects: DENIED import "data:text/javascript,import 'node:fs'": ERR_UNSUPPORTED_BUILTIN
// expects: DENIED import "http://127.0.0.1/x.mjs": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "https://example.com/x.mjs": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "blob:x": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "npm:left-pad": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "jsr:@std/path": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "bun:ffi": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "cordon:bootstrap": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "cordon:natives": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "cordon:vm": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "cordon:vm/": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "cordon:vm/../vm/filesystem": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "cordon:vm/FILESYSTEM": ERR_UNSUPPORTED_ESM_URL_SCHEME
// expects: DENIED import "/proc/self/exe": ERR_MODULE_NOT_FOUND
// expects: DENIED import "": ERR_MODULE_NOT_FOUND
// expects: DENIED import ".": ERR_UNSUPPORTED_DIR_IMPORT
// expects: DENIED import "..": ERR_UNSUPPORTED_DIR_IMPORT
// expects: DENIED import "/": ERR_UNSUPPORTED_DIR_IMPORT
// expects: DENIED import "\u0000": ERR_MODULE_NOT_FOUND
// expects: DENIED import "/etc/passwd\u0000.mjs": ERR_MODULE_NOT_FOUND
// expects: DENIED import "//host/share.mjs": ERR_INVALID_FILE_URL_HOST
import { attemptAsync } from "/escape/report.mjs";

for (const name of [
  "fs", "node:fs", "node:child_process", "node:process", "node:module", "node:vm", "node:worker_threads", "node:sqlite", "node:wasi", "internal/bootstrap/realm",
  "file:///etc/passwd", "file://localhost/etc/hostname", "data:text/javascript,import 'node:fs'", "http://127.0.0.1/x.mjs", "https://example.com/x.mjs",
  "blob:x", "npm:left-pad", "jsr:@std/path", "bun:ffi", "cordon:bootstrap", "cordon:natives", "cordon:vm", "cordon:vm/", "cordon:vm/../vm/filesystem", "cordon:vm/FILESYSTEM",
  "/proc/self/exe", "", ".", "..", "/", "\0", "/etc/passwd\0.mjs", "//host/share.mjs",
]) {
  await attemptAsync(`import ${JSON.stringify(name)}`, async () => { await import(name); return true; });
}
