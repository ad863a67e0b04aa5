// class: clocks to measure with
// rule: clocks stand still while guest code runs, and no memory is shared with whoever could count
// expects: DENIED Date.now: stands still
// expects: DENIED new Date: stands still
// expects: DENIED performance.now: stands still
// expects: DENIED Temporal: stands still
// expects: DENIED Intl: stands still
// expects: DENIED times of files: stands still
// expects: DENIED an event's time: stands still
// expects: DENIED SharedArrayBuffer: undefined
// expects: DENIED Atomics.wait: TypeError
// expects: DENIED Atomics.waitAsync: TypeError
import { status, writeFile } from "cordon:vm/filesystem";
import { attempt } from "/escape/report.mjs";

const work = () => { let sum = 0; for (let i = 0; i < 3e6; i++) sum += i % 7; return sum; };
const stands = (clock) => () => { const before = clock(); work(); return clock() === before ? "stands still" : true; };
attempt("Date.now", stands(() => Date.now()));
attempt("new Date", stands(() => +new Date()));
attempt("performance.now", stands(() => performance.now()));
attempt("Temporal", stands(() => Temporal.Now.instant().epochNanoseconds));
attempt("Intl", stands(() => new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "full", fractionalSecondDigits: undefined }).format()));
attempt("times of files", () => { writeFile("/tmp/a", "x"); work(); writeFile("/tmp/b", "x"); return status("/tmp/a").modified === status("/tmp/b").modified ? "stands still" : true; });
attempt("an event's time", stands(() => new Event("x").timeStamp));
attempt("SharedArrayBuffer", () => typeof SharedArrayBuffer);
attempt("Atomics.wait", () => `${Atomics.wait(new Int32Array(4), 0, 0, 1)}`);
attempt("Atomics.waitAsync", () => { if (Atomics.waitAsync === undefined) return "undefined"; Atomics.waitAsync(new Int32Array(4), 0, 0, 1); return true; });
