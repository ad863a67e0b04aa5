// class: n8n and others: names under which hosts can be found
// rule: globals are those of the language and of the platform; there are no others
// platforms: neutral bare
// expects: DENIED process: undefined
// expects: DENIED require: undefined
// expects: DENIED module: undefined
// expects: DENIED exports: undefined
// expects: DENIED Buffer: undefined
// expects: DENIED global: undefined
// expects: DENIED root: undefined
// expects: DENIED window: undefined
// expects: DENIED self: undefined
// expects: DENIED top: undefined
// expects: DENIED parent: undefined
// expects: DENIED frames: undefined
// expects: DENIED document: undefined
// expects: DENIED Deno: undefined
// expects: DENIED Bun: undefined
// expects: DENIED XMLHttpRequest: undefined
// expects: DENIED Worker: undefined
// expects: DENIED SharedWorker: undefined
// expects: DENIED importScripts: undefined
// expects: DENIED navigator: undefined
// expects: DENIED ShadowRealm: undefined
// expects: DENIED SharedArrayBuffer: undefined
// expects: DENIED gc: undefined
// expects: DENIED load: undefined
// expects: DENIED read: undefined
// expects: DENIED readFile: undefined
// expects: DENIED os: undefined
// expects: DENIED std: undefined
// expects: DENIED quit: undefined
// expects: DENIED d8: undefined
// expects: DENIED print: undefined
// expects: DENIED natives: undefined
// expects: DENIED cordon: undefined
// expects: DENIED __dirname: undefined
// expects: DENIED __filename: undefined
// expects: DENIED postMessage: undefined
// expects: DENIED setFlags: undefined
// expects: DENIED eventHandler: undefined
// expects: DENIED $: undefined
// expects: DENIED _: undefined
// expects: DENIED tailcall: undefined
// expects: DENIED internalBinding: undefined
// expects: DENIED primordials: undefined
import { attempt } from "/escape/report.mjs";

const names = ["process", "require", "module", "exports", "Buffer", "global", "root", "window", "self", "top", "parent", "frames", "document", "Deno", "Bun", "XMLHttpRequest", "Worker", "SharedWorker", "importScripts", "navigator", "ShadowRealm", "SharedArrayBuffer", "WebAssembly", "gc", "load", "read", "readFile", "os", "std", "quit", "d8", "print", "natives", "cordon", "__dirname", "__filename", "postMessage", "setFlags", "eventHandler", "$", "_", "tailcall", "internalBinding", "primordials"];
for (const name of names) {
  if (name === "WebAssembly") continue;
  attempt(name, () => {
    const found = (0, eval)(`typeof ${name}`);
    return found === "undefined" && !(name in globalThis) ? "undefined" : true;
  });
}
