/**
 * What the types promise: the compiler checks most of this file, before it is run.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import {
  ErrorCode,
  VERSION,
  evaluate,
  type EvaluationResult,
  type ExecutionResult,
  type Vm,
  type VmOptions,
} from "cordon";

import { REPOSITORY, repositoryJson } from "./support.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function holds<T extends true>(): T | undefined {
  return undefined;
}

export const options: VmOptions[] = [
  {},
  { permissions: { webAssembly: "allow" } },
  { permissions: { fs: { rules: [{ mode: "deny", operations: ["write"], paths: ["/etc/**"] }] } } },
  { limits: { wallTimeMs: 5 }, engine: { webAssemblyDenial: "absent" }, timingMitigation: "off" },
  { hostFunctions: { add: ({ a, b }: { a: number; b: number }) => a + b, orders: { list: async () => [] } } },
  { mounts: [{ host: "/srv", guest: "/srv" }], commandDirectories: ["/srv/tools"] },
  // @ts-expect-error there is no such value
  { permissions: { webAssembly: "maybe" } },
  // @ts-expect-error it is a string
  { permissions: { webAssembly: true } },
  // @ts-expect-error the key of Rust
  { permissions: { web_assembly: "allow" } },
  // @ts-expect-error there is no such limit
  { limits: { wallTime: 5 } },
  // @ts-expect-error there is no such operation
  { permissions: { fs: { rules: [{ mode: "deny", operations: ["chmod"] }] } } },
  // @ts-expect-error there is no such field
  { permission: {} },
];

/** Options of calls: what is misspelt does not compile. */
export async function misspelt(machine: Vm): Promise<void> {
  // @ts-expect-error it is timeoutMs
  await machine.process.run("x", [], { timeout: 5 });
  // @ts-expect-error its output goes to its streams
  await machine.process.spawn("x", [], { onStdout: () => {} });
  // @ts-expect-error a command has arguments, not inputs
  await machine.process.run("x", [], { inputs: {} });
  // @ts-expect-error it is timeoutMs
  await machine.javascript.evaluate("1", { timeout: 5 });
  // @ts-expect-error it is maxBytes
  await machine.filesystem.readFile("/f", { limit: 5 });
  // @ts-expect-error it is recursive
  await machine.filesystem.remove("/f", { force: true });
  // @ts-expect-error it is readOnly
  await machine.mount({ host: "/", guest: "/m", readonly: true });
  // @ts-expect-error there is no such option
  await evaluate("1", { timeout: 5 });
}

test("a result that succeeded has a value and no error, and the other way round", () => {
  const value = (result: EvaluationResult<number>) => (result.outcome === "succeeded" ? result.value : result.error.code);
  const error = (result: ExecutionResult) => (result.outcome === "succeeded" ? undefined : result.error.message);
  holds<Equal<ReturnType<typeof value>, number | string>>();
  holds<Equal<ReturnType<typeof error>, string | undefined>>();
  assert.equal(value({ outcome: "succeeded", progress: "ran", value: 1, stdout: "", stderr: "" }), 1);
});

test("the version is that of the manifest and of the crate", () => {
  assert.equal((repositoryJson("clients/typescript/package.json") as { version: string }).version, VERSION);
  const crate = /^version = "(.*)"$/m.exec(readFileSync(join(REPOSITORY, "Cargo.toml"), "utf8"))?.[1];
  assert.equal(crate, VERSION);
});

test("error codes are their own names with a prefix, so that they can be searched for", () => {
  for (const code of Object.values(ErrorCode)) assert.match(code, /^ERR_[A-Z_]+$/);
});
