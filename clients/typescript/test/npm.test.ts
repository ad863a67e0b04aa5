/**
 * Packages in VMs: what this client's own part is. What npm and the cache are to VMs is tested for all clients by
 * `tests/black_box/npm.rs`, against the same registry.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readdirSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";

import { ErrorCode, NodeRuntime, type CordonError, type InstallOptions, type Vm } from "cordon";

import { parseLockfile } from "#internal/lockfile.js";
import { NpmCache } from "#internal/npmCache.js";

import { REPOSITORY, binary, rejection, temporaryFolder, vm } from "./support.js";

interface Registry {
  readonly url: string;
  readonly port: number;
}

async function registry(context: { after(clean: () => void): void }): Promise<Registry> {
  const child = spawn(process.execPath, [join(REPOSITORY, "tests/npm/registry.mjs")], { stdio: ["pipe", "pipe", "inherit"] });
  context.after(() => void child.kill());
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  return { url: `http://127.0.0.1:${port}/`, port };
}

async function machine({ port }: Registry): Promise<Vm> {
  return vm({ permissions: { network: { rules: [{ mode: "allow", hosts: ["127.0.0.1"], ports: [port] }] } } });
}

async function archives({ url }: Registry): Promise<number> {
  const requests = (await (await fetch(`${url}-/requests`)).json()) as Record<string, number>;
  return Object.entries(requests).reduce((sum, [path, times]) => (path.endsWith(".tgz") ? sum + times : sum), 0);
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

test("packages are installed, run, and not downloaded for a second VM", async (context) => {
  const own = await registry(context);
  const cache = join(temporaryFolder(context), "npm");
  for (const expected of [{ used: 0, added: 2 }, { used: 2, added: 0 }]) {
    await using one = await machine(own);
    const installed = await one.npm.install(["greeter"], { registry: own.url, cache });
    assert.equal(installed.exitCode, 0, installed.stderr);
    assert.deepEqual(installed.installed, [
      { name: "greeter", version: "1.0.0", path: "node_modules/greeter" },
      { name: "words", version: "1.1.0", path: "node_modules/words" },
    ]);
    assert.deepEqual(installed.cache, expected);
    assert.equal(await archives(own), 2);
    assert.equal((await one.javascript.evaluate("require('greeter')('you')")).value, "good day you");
    await one.filesystem.writeFile("/workspace/package.json", JSON.stringify({ scripts: { say: "greet" } }));
    const said = await one.npm.run("say", { args: ["all"] });
    assert.ok(said.stdout.endsWith("good day all\n"), said.stdout + said.stderr);
  }
  for (const path of filesOf(cache)) assert.equal(lstatSync(path).mode & 0o222, 0, path);
});

test("scripts, lockfiles, ages and development are as the options say", async (context) => {
  const own = await registry(context);
  await using one = await machine(own);
  const install = (packages: string[], options: InstallOptions = {}) =>
    one.npm.install(packages, { registry: own.url, cache: false, ...options });
  const names = async (packages: string[], options: InstallOptions = {}) => {
    const result = await install(packages, options);
    assert.equal(result.exitCode, 0, result.stderr);
    await one.filesystem.remove("/workspace/node_modules", { recursive: true });
    return result.installed.map(({ name, version }) => `${name}@${version}`);
  };
  assert.deepEqual(await names(["scripted"]), ["scripted@1.0.0"]);
  assert.equal(await one.filesystem.exists("/tmp/postinstall"), false);
  assert.deepEqual(await names([], { allowScripts: true }), ["scripted@1.0.0"]);
  assert.equal(await one.filesystem.readTextFile("/tmp/postinstall"), "ran\n");
  await one.filesystem.remove("/workspace/package-lock.json");
  const project = { dependencies: { words: "^1.0.0" }, devDependencies: { tool: "1.0.0" } };
  await one.filesystem.writeFile("/workspace/package.json", JSON.stringify(project));
  assert.deepEqual(await names([], { minReleaseAge: 7, omitDev: true }), ["words@1.0.0"]);
  assert.deepEqual(await names([], { lockfileOnly: true }), ["tool@1.0.0", "words@1.0.0"]);
  await one.filesystem.remove("/workspace/package-lock.json");
  const none = await install([], { lockfileOnly: true });
  assert.equal(none.exitCode, 1);
  assert.deepEqual(none.installed, []);
});

test("a call takes its options, and refuses what is none", async (context) => {
  const own = await registry(context);
  await using runtime = await NodeRuntime.create({ binary: binary() });
  const { npm } = runtime;
  const late = await npm.install(["words"], { registry: own.url, cache: false, timeoutMs: 1 });
  assert.equal(late.outcome, "timed_out");
  const signal = AbortSignal.abort();
  assert.equal((await npm.install(["words"], { cache: false, signal })).outcome, "cancelled");
  let told = "";
  const denied = await npm.install(["words"], { registry: "http://registry.example/", cache: false, onStderr: (piece) => void (told += Buffer.from(piece).toString()) });
  assert.equal(denied.exitCode, 1);
  assert.match(told, /permissions\.network allows nothing beyond this VM/);
  await assert.rejects(npm.install(["words"], { lockfileOnly: true }), /no packages can be named/);
  await assert.rejects(npm.install([], { registry: "file:///etc" }), /registry must be/);
  await assert.rejects(npm.install([], { allowScript: true } as InstallOptions), /did you mean allowScripts\?/);
  await using bare = await vm({ platform: "bare" });
  const error: CordonError = await rejection(bare.npm.install(["words"]));
  assert.equal(error.code, ErrorCode.NOT_INSTALLED);
});

test("the cache keeps and gives only what has its digest, and no more than it may", async (context) => {
  const folder = join(temporaryFolder(context), "npm");
  const cache = new NpmCache(folder, 25);
  const digest = (bytes: Uint8Array) => createHash("sha512").update(bytes).digest("hex");
  const place = (of: string) => join(folder, "sha512", of.slice(0, 2), of.slice(2, 4), of.slice(4));
  const contents = [0, 1, 2].map((byte) => new Uint8Array(10).fill(byte));
  const digests = contents.map(digest);
  const [first = "", second = "", third = ""] = digests;
  assert.equal(await cache.keep(first, new Uint8Array(1)), false);
  for (const [index, bytes] of contents.entries()) {
    assert.equal(await cache.keep(digest(bytes), bytes), true);
    utimesSync(place(digest(bytes)), 1000 + index, 1000 + index);
  }
  assert.deepEqual(Buffer.from((await cache.take(first)) ?? []), Buffer.alloc(10));
  await cache.trim();
  assert.deepEqual(await Promise.all(digests.map((of) => cache.has(of))), [true, false, true]);
  unlinkSync(place(third));
  writeFileSync(place(third), "other");
  assert.equal(await cache.take(third), undefined);
  assert.equal(existsSync(place(third)), false);
  symlinkSync("/etc/passwd", place(second));
  assert.equal(await cache.take(second), undefined);
});

test("a lockfile of a guest's is taken for its digests alone", () => {
  const named = `sha512-${Buffer.alloc(64, 7).toString("base64")}`;
  const packages = {
    "": { name: "project", version: "1.0.0" },
    "node_modules/@a/b": { version: "1.2.3", integrity: named },
    "node_modules/c/node_modules/d": { version: "2.0.0", integrity: "sha1-AAAA", name: "alias" },
    "node_modules/two": { version: "1.0.0", integrity: `${named} ${named}` },
    "node_modules/path": { version: "1.0.0", integrity: "sha512-../../../../etc/passwd" },
    "node_modules/link": { link: true, version: "1.0.0" },
    "node_modules/wrong": [],
    folder: { version: "1.0.0" },
  };
  assert.deepEqual(
    parseLockfile(JSON.stringify({ packages })).map(({ name, digest }) => [name, digest]),
    [["@a/b", "07".repeat(64)], ["alias", undefined], ["two", undefined], ["path", undefined], ["folder", undefined]],
  );
  for (const text of ["", "[]", '{"packages":[]}', '{"packages":{"a":{"version":[]}}}']) assert.deepEqual(parseLockfile(text), []);
});
