/**
 * Both clients can do the same: `clients/parity.json` against this client. The Rust tests check the other column.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import * as cordon from "cordon";

import { Code, FileCode } from "#internal/code.js";
import { Context } from "#internal/context.js";
import { Decisions } from "#internal/decisions.js";
import { FileSystem } from "#internal/files.js";
import { Npm } from "#internal/npm.js";
import { GuestInput, GuestProcess, OutputBuffer, Processes } from "#internal/process.js";
import { Terminal } from "#internal/terminal.js";
import { Vm } from "#internal/vm.js";

import { repositoryJson } from "./support.js";

interface Parity {
  readonly capabilities: readonly { readonly name: string; readonly covers: readonly string[]; readonly typescript: readonly string[] }[];
  readonly shorthands: Readonly<Record<string, string>>;
}

const parity = repositoryJson("clients/parity.json") as Parity;

/** Fields of instances, which their classes do not show; the type checker does. */
const FIELDS = [
  "ConnectToOptions.signal" satisfies `ConnectToOptions.${keyof cordon.ConnectToOptions & string}`,
  "Context.typescript" satisfies `Context.${keyof cordon.Context & string}`,
  "GuestProcess.pid" satisfies `GuestProcess.${keyof cordon.GuestProcess & string}`,
  "GuestProcess.stdin" satisfies `GuestProcess.${keyof cordon.GuestProcess & string}`,
  "GuestProcess.stdout" satisfies `GuestProcess.${keyof cordon.GuestProcess & string}`,
  "GuestProcess.stderr" satisfies `GuestProcess.${keyof cordon.GuestProcess & string}`,
  "NodeRuntime.vm" satisfies `NodeRuntime.${keyof cordon.NodeRuntime & string}`,
  "RunOptions.signal" satisfies `RunOptions.${keyof cordon.RunOptions & string}`,
  "Terminal.number" satisfies `Terminal.${keyof cordon.Terminal & string}`,
  "Vm.engine" satisfies `Vm.${keyof cordon.Vm & string}`,
  "Vm.filesystem" satisfies `Vm.${keyof cordon.Vm & string}`,
  "Vm.npm" satisfies `Vm.${keyof cordon.Vm & string}`,
  "Vm.javascript" satisfies `Vm.${keyof cordon.Vm & string}`,
  "Vm.process" satisfies `Vm.${keyof cordon.Vm & string}`,
  "Vm.typescript" satisfies `Vm.${keyof cordon.Vm & string}`,
];

/** How an output stream is filled is no business of its readers. */
const INTERNAL = ["OutputBuffer.push", "OutputBuffer.end", "OutputBuffer.keep"];

/** Methods of a class, what it inherits as well. */
function methods(owner: { readonly name: string; readonly prototype: object }): string[] {
  const found = new Set<string>();
  for (let level = owner.prototype; level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const name of Object.getOwnPropertyNames(level)) if (name !== "constructor") found.add(name);
  }
  const own = Object.getOwnPropertyNames(owner).filter((name) => !["length", "name", "prototype"].includes(name));
  return [...found, ...own].map((name) => `${owner.name}.${name}`);
}

function publicNames(): Set<string> {
  const classes = [cordon.Client, cordon.NodeRuntime, Code, FileCode, Context, Decisions, FileSystem, GuestInput, GuestProcess, Npm, OutputBuffer, Processes, Terminal, Vm];
  const functions = Object.entries(cordon).filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name));
  const names = [...classes.flatMap(methods), ...functions.map(([name]) => name), ...FIELDS];
  return new Set(names.filter((name) => !INTERNAL.includes(name)));
}

test("the table names what this client has, and this client has nothing else", () => {
  const table = new Set([...parity.capabilities.flatMap((row) => row.typescript), ...Object.keys(parity.shorthands)]);
  assert.deepEqual([...publicNames()].sort(), [...table].sort());
});

test("shorthands stand for capabilities that both clients have", () => {
  const names = new Set(parity.capabilities.map((row) => row.name));
  for (const [shorthand, name] of Object.entries(parity.shorthands)) assert.ok(names.has(name), `${shorthand}: ${name}`);
});

test("every kind of message that a client sends is covered", () => {
  const vectors = repositoryJson("tests/vectors/messages.json") as { readonly name: string; readonly direction: string }[];
  const kinds = vectors
    .filter(({ direction }) => direction === "toSidecar")
    .map(({ name }) => name.split(":")[0] ?? name)
    // Of `request.vm.spawn` the last counts; how a host function ended is one capability.
    .map((name) => (name.startsWith("hostResult") ? "hostResult" : (name.split(".").at(-1) ?? name)));
  const covered = new Set(parity.capabilities.flatMap((row) => row.covers));
  assert.deepEqual([...covered].sort(), [...new Set(kinds)].sort());
});
