// class: growth that a guest can cause
// rule: whatever a guest can make grow has a named limit, and reaching it harms the guest alone
// config: { "limits": { "descriptors": 32, "processes": 8, "filesystemBytes": 1048576, "inodes": 300 } }
// expects: DENIED descriptors: EMFILE
// expects: DENIED pipes: EMFILE
// expects: DENIED processes: EAGAIN
// expects: DENIED bytes of files: ENOSPC
// expects: DENIED files: ENOSPC
// expects: DENIED folders: ENOSPC
// expects: DENIED buffers: RangeError
// expects: DENIED one text: RangeError
// expects: DENIED one array: RangeError
// expects: DENIED a pattern's steps: ends
import { memoryFile, pipe } from "cordon:vm/descriptors";
import { createDirectory, writeFile } from "cordon:vm/filesystem";
import { spawn } from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

const grows = (times, act) => () => { const kept = []; for (let n = 0; n < times; n++) kept.push(act(n)); return true; };
attempt("descriptors", grows(100, () => memoryFile()));
attempt("pipes", grows(100, () => pipe()));
attempt("processes", grows(20, () => spawn({ program: "sleep", arguments: ["sleep", "1000"], descriptors: [] })));
attempt("bytes of files", grows(4, (n) => writeFile(`/tmp/f${n}`, new Uint8Array(1 << 19))));
attempt("files", grows(400, (n) => writeFile(`/tmp/e${n}`, "")));
attempt("folders", grows(400, (n) => createDirectory(`/tmp/d${n}`)));
attempt("buffers", grows(4, () => new Uint8Array(2 ** 30)));
attempt("one text", () => { "x".repeat(2 ** 30); return true; });
attempt("one array", () => { new Array(2 ** 32); return true; });
attempt("a pattern's steps", () => (/^(a+)+$/.test("a".repeat(20) + "b") ? true : "ends"));
