// class: vm2: the stack runs out inside the platform (issue 199)
// rule: a stack that runs out is this realm's RangeError, wherever it happens; nothing is left half done
// expects: DENIED while a file is read: this realm
// expects: DENIED while a value is inspected: this realm
// expects: DENIED while a value is cloned: this realm
// expects: DENIED while an URL is parsed: this realm
// expects: DENIED while an event is dispatched: this realm
import { readFile, writeFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

writeFile("/tmp/x", "x");
const acts = {
  "while a file is read": () => readFile("/tmp/x"),
  "while a value is inspected": () => console.debug,
  "while a value is cloned": () => structuredClone({ a: [1] }),
  "while an URL is parsed": () => new URL("a:b"),
  "while an event is dispatched": () => new EventTarget().dispatchEvent(new Event("x")),
};
for (const [what, act] of Object.entries(acts)) {
  attempt(what, () => {
    const errors = new Set();
    const down = () => { try { down(); } catch (error) { errors.add(error); } try { act(); } catch (error) { errors.add(error); } };
    down();
    for (const error of errors) {
      if (!(error instanceof RangeError) || error.constructor.constructor("return typeof process")() !== "undefined") return true;
    }
    return "this realm";
  });
}
