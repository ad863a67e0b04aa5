// class: Node's permission model: other processes
// rule: signals reach processes of this VM only, and process decides which
// config: { "permissions": { "process": "deny" } }
// platforms: neutral bare node
// expects: DENIED to the first process: EACCES
// expects: DENIED to the parent: EACCES
// expects: DENIED to a child: EACCES
// expects: DENIED to a child by number: EACCES
// expects: DENIED to a group: EACCES
// expects: DENIED to the own group: EACCES
// expects: DENIED to another group: EACCES
// expects: DENIED to a number beyond: EACCES
// expects: DENIED an unknown signal: EINVAL
import { kill, id, parentId, spawn } from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

const sends = (target) => () => { kill(target, "kill"); return true; };
attempt("to the first process", sends(1));
attempt("to the parent", sends(parentId()));
attempt("to a child", () => { spawn({ program: "sleep", arguments: ["sleep", "100"] }).kill("kill"); return true; });
attempt("to a child by number", () => { kill(spawn({ program: "sleep", arguments: ["sleep", "100"] }).id(), "kill"); return true; });
attempt("to a group", sends(-1));
attempt("to the own group", sends(0));
attempt("to another group", sends(-id()));
attempt("to a number beyond", sends(2 ** 32 + id()));
attempt("an unknown signal", () => { kill(1, "kill\0"); return true; });
