// class: vm2: proxies and their traps (CVE-2023-32314)
// rule: native code takes texts, numbers and bytes, and hands no object of its own to a trap
// platforms: neutral bare node
// expects: DENIED as a path: ENOENT
// expects: DENIED as flags: EINVAL
// expects: DENIED as contents: TypeError
// expects: DENIED as bytes: TypeError
// expects: DENIED as options: TypeError
// expects: DENIED as a receiver: TypeError
// expects: DENIED as a heir of a descriptor: TypeError
// expects: DENIED as a descriptor: TypeError
// expects: DENIED as a prototype that throws: TypeError
import { memoryFile } from "cordon:vm/descriptors";
import { open, readFile, writeFile } from "cordon:vm/filesystem";
import { spawn } from "cordon:vm/process";
import { attempt } from "/escape/report.mjs";

const given = [];
const spy = new Proxy({}, { get: (traps, trap) => (...all) => { given.push(...all); return Reflect[trap](...all); } });
const target = () => {};
const watched = new Proxy(target, spy);
const looks = (act) => () => {
  let said = "taken";
  try { act(); } catch (error) { said = error.code ?? error.name; }
  const odd = given.splice(0).some((value) => typeof value === "object" && value !== null && "fsOpen" in value || (typeof value === "function" && value !== target && value !== watched && /natives/.test(value)));
  return odd ? true : said;
};
attempt("as a path", looks(() => readFile(watched)));
attempt("as flags", looks(() => open("/tmp/none", watched)));
attempt("as contents", looks(() => writeFile("/tmp/x", watched)));
attempt("as bytes", looks(() => writeFile("/tmp/x", new Proxy(new Uint8Array(4), spy))));
attempt("as options", looks(() => spawn(watched)));
attempt("as a receiver", looks(() => Reflect.apply(memoryFile().seek, watched, [0, "start"])));
attempt("as a heir of a descriptor", looks(() => { const heir = Object.create(memoryFile()); return heir.status(); }));
attempt("as a descriptor", looks(() => spawn({ program: "true", descriptors: [[0, new Proxy(memoryFile(), spy)]] })));
attempt("as a prototype that throws", looks(() => { const revoked = Proxy.revocable({}, {}); revoked.revoke(); return readFile(revoked.proxy); }));
