/**
 * What lasts between calls: contexts, files, mounts.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, test } from "node:test";

import { NodeRuntime, shutdown } from "cordon";

import { binary, rejection, temporaryFolder, vm } from "./support.js";

after(shutdown);

test("a context keeps its state, and calls without one do not", async () => {
  await using machine = await vm();
  await using context = await machine.createContext();
  await context.execute("let count = 1; function next() { return ++count; } globalThis.shared = true;");
  assert.equal((await context.evaluate("next()")).value, 2);
  assert.equal((await context.evaluate("next()")).value, 3);
  assert.equal((await context.typescript.evaluate("(count as number) + 1")).value, 4);
  assert.equal((await machine.javascript.evaluate("typeof count + typeof shared")).value, "undefinedundefined");
});

test("contexts do not see one another", async () => {
  await using machine = await vm();
  await using first = await machine.createContext();
  await using second = await machine.createContext();
  await first.execute("globalThis.secret = 1; Array.prototype.polluted = true;");
  assert.equal((await second.evaluate("typeof secret + typeof [].polluted")).value, "undefinedundefined");
});

test("a failure leaves a context as it is", async () => {
  await using machine = await vm();
  await using context = await machine.createContext();
  await context.execute("var kept = 1;");
  assert.equal((await context.execute("kept = 2; throw new Error('x')")).outcome, "failed");
  assert.equal((await context.evaluate("kept")).value, 2);
});

test("a context can be reset and disposed of", async () => {
  await using machine = await vm();
  const context = await machine.createContext();
  await context.execute("var state = 1;");
  await context.reset();
  assert.equal((await context.evaluate("typeof state")).value, "undefined");
  await context.dispose();
  await context.dispose();
  const after = await context.evaluate("1").then(
    (result) => result.error?.code,
    (error: { code: string }) => error.code,
  );
  assert.equal(after, "ERR_NOT_FOUND");
});

test("a VM has no more contexts than its limit", async () => {
  await using machine = await vm({ limits: { contexts: 1 } });
  const only = await machine.createContext();
  const error = await rejection(machine.createContext());
  assert.equal(error.code, "ERR_LIMIT");
  assert.equal(error.field, "limits.contexts");
  await only.dispose();
  await (await machine.createContext()).dispose();
});

test("files are written, read, listed, renamed and removed", async () => {
  await using machine = await vm();
  const fs = machine.filesystem;
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  await fs.mkdir("/workspace/a/b", { recursive: true });
  await fs.writeFile("/workspace/a/text", "größe\n");
  await fs.writeFile("/workspace/a/bytes", bytes);
  assert.equal(await fs.readTextFile("/workspace/a/text"), "größe\n");
  const read = await fs.readFile("/workspace/a/bytes");
  assert.deepEqual(Buffer.from(read), Buffer.from(bytes));
  assert.equal(read.byteOffset, 0);
  assert.equal(read.buffer.byteLength, 256);
  assert.deepEqual(await fs.list("/workspace/a"), [
    { name: "b", kind: "directory" },
    { name: "bytes", kind: "file" },
    { name: "text", kind: "file" },
  ]);
  const status = await fs.stat("/workspace/a/bytes");
  assert.equal(status.kind, "file");
  assert.equal(status.size, 256);
  assert.ok(Math.abs(status.modifiedMs - Date.now()) < 120_000);
  await fs.rename("/workspace/a/text", "/workspace/a/b/moved");
  assert.equal(await fs.exists("/workspace/a/text"), false);
  assert.equal(await fs.exists("/workspace/a/b/moved"), true);
  await fs.remove("/workspace/a", { recursive: true });
  assert.equal(await fs.exists("/workspace/a"), false);
});

test("a link is followed, or not", async () => {
  await using machine = await vm();
  await machine.process.run("sh", ["-c", "echo hi > /tmp/file; ln -s file /tmp/link"]);
  assert.equal((await machine.filesystem.stat("/tmp/link")).kind, "file");
  assert.equal((await machine.filesystem.lstat("/tmp/link")).kind, "symlink");
  assert.equal(await machine.filesystem.readTextFile("/tmp/link"), "hi\n");
});

test("errors of files have an errno's name", async () => {
  await using machine = await vm();
  const fs = machine.filesystem;
  await fs.writeFile("/tmp/file", "");
  assert.equal((await rejection(fs.readFile("/tmp/missing"))).code, "ENOENT");
  assert.match((await rejection(fs.readFile("/tmp/missing"))).message, /\/tmp\/missing/);
  assert.equal((await rejection(fs.readFile("/tmp"))).code, "EISDIR");
  assert.equal((await rejection(fs.list("/tmp/file"))).code, "ENOTDIR");
  assert.equal((await rejection(fs.mkdir("/tmp"))).code, "EEXIST");
  await fs.mkdir("/tmp/full");
  await fs.writeFile("/tmp/full/a", "");
  assert.ok(["ENOTEMPTY", "EISDIR"].includes((await rejection(fs.remove("/tmp/full"))).code));
});

test("clients, JavaScript and commands see the same files", async () => {
  await using machine = await vm();
  await machine.filesystem.writeFile("/workspace/data.json", '{"a":1}');
  const result = await machine.javascript.execute(
    "import data from './data.json' with { type: 'json' };\nconsole.log(data.a);",
    { filePath: "/workspace/main.js" },
  );
  assert.equal(result.stdout, "1\n", result.stderr);
  assert.equal((await machine.process.run("cat", ["data.json"], { cwd: "/workspace" })).stdout, '{"a":1}');
});

test("the filesystem's quota holds", async () => {
  await using machine = await vm({ limits: { filesystemBytes: 1024 * 1024 } });
  const error = await rejection(machine.filesystem.writeFile("/tmp/large", new Uint8Array(2 * 1024 * 1024)));
  assert.equal(error.code, "ENOSPC");
});

test("a mount shows a host directory, read-only unless said otherwise", async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(`${folder}/in`, "from the host\n");
  await using runtime = await NodeRuntime.create({ binary: binary(), mounts: [{ host: folder, guest: "/data" }] });
  assert.equal(await runtime.filesystem.readTextFile("/data/in"), "from the host\n");
  const write = await runtime.run("sh", ["-c", "echo no > /data/out"]);
  assert.equal(write.outcome, "failed");
  assert.ok(!existsSync(`${folder}/out`));
  await runtime.mount({ host: folder, guest: "/writable", readOnly: false });
  assert.equal((await runtime.run("sh", ["-c", "echo yes > /writable/out"])).outcome, "succeeded");
  assert.equal(readFileSync(`${folder}/out`, "utf8"), "yes\n");
  await runtime.unmount("/writable");
  assert.equal(await runtime.filesystem.exists("/writable/out"), false);
});

test("a directory of the host brings commands of one's own", async (context) => {
  const folder = temporaryFolder(context);
  copyFileSync(resolve(binary(), "../../examples/prefix.wasm"), `${folder}/prefix.wasm`);
  await using runtime = await NodeRuntime.create({ binary: binary(), commandDirectories: [folder] });
  const result = await runtime.run("sh", ["-c", "prefix '> ' echo hello"]);
  assert.equal(result.stdout, "> hello\n");
  const error = await rejection(NodeRuntime.create({ binary: binary(), commandDirectories: ["/nonesuch"] }));
  assert.equal(error.code, "ERR_CONFIG");
  assert.equal(error.field, "commandDirectories[0]");
});

test("a mount that cannot be is refused", async (context) => {
  await using machine = await vm();
  const folder = temporaryFolder(context);
  await rejection(machine.mount({ host: `${folder}/missing`, guest: "/data" }));
  const relative = await rejection(machine.mount({ host: "relative", guest: "/data" }));
  assert.equal(relative.code, "ERR_CONFIG");
  await rejection(machine.unmount("/nothing"));
});
