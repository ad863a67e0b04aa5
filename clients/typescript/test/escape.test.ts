/**
 * The attacks of `tests/escape` through this client, as `tests/black_box/escape.rs` runs them through the command line
 * and the Rust client; and what a guest gives its client so that it is misled.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { after, test, type TestContext } from "node:test";

import { createVm, shutdown, type VmConfig, type VmOptions } from "cordon";

import { REPOSITORY, binary, repositoryJson, temporaryFolder } from "./support.js";

after(shutdown);

/** What only the host has: in files beside the mount, in the sidecar's environment, behind a denied function. */
const CANARY = "canary-4f1d9c27";
// The sidecar inherits it.
process.env["ESCAPE_CANARY"] = CANARY;

type Head = Readonly<Record<"class" | "config" | "profiles" | "platforms" | "clients", string | undefined>>;

interface Attack {
  readonly name: string;
  readonly head: Head;
  readonly expects: readonly string[];
}

function read(name: string): Attack {
  const head: Record<string, string> = {};
  const expects: string[] = [];
  for (const line of readFileSync(join(REPOSITORY, "tests/escape", name), "utf8").split("\n")) {
    const [, key, value] = /^(?:\/\/|#) ([a-z]+): (.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) break;
    if (key === "expects") expects.push(value);
    else head[key] = value;
  }
  assert.ok(expects.length > 0 && expects.every((line) => line.startsWith("DENIED ")), name);
  return { name, head: head as Head, expects };
}

function attacks(): Attack[] {
  const folder = join(REPOSITORY, "tests/escape");
  const classes = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return classes.flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => read(`${name}/${file}`)));
}

/** Notes what was tried, for the table of `scripts/security.sh`. */
function count(kind: string, what: string, number: number): void {
  const path = process.env["CORDON_SECURITY_COUNTS"];
  if (path !== undefined) appendFileSync(path, `${kind}\t${what}\t${number}\n`);
}

/** A folder of the host with a mount in it; the same as `Host` in `tests/black_box/escape/host.rs`. */
function host(context: TestContext): string {
  const above = temporaryFolder(context);
  const mount = join(above, "mount");
  mkdirSync(join(mount, "folder"), { recursive: true });
  writeFileSync(join(mount, "inside.txt"), "inside\n");
  writeFileSync(join(above, "secret.txt"), `${CANARY}\n`);
  writeFileSync(join(above, "secret.mjs"), `export default "${CANARY}";\n`);
  writeFileSync(join(above, "secret.json"), `"${CANARY}"`);
  const links = {
    "link.txt": "../secret.txt",
    "link.mjs": "../secret.mjs",
    "link.json": "../secret.json",
    "link-new": "../new.txt",
    up: "..",
    absolute: above,
    loop: "loop",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(mount, name));
  execFileSync("mkfifo", [join(mount, "pipe")]);
  const server = createServer().listen(join(mount, "socket"));
  context.after(() => void server.close());
  return above;
}

function options(attack: Attack, profile: string, platform: string, above: string): VmOptions {
  const config = JSON.parse(attack.head.config ?? "{}") as VmConfig;
  const mount = join(above, "mount");
  const permissions = {
    ...config.permissions,
    ...(profile === "no-jit" ? { jit: "deny" as const } : {}),
    ...(profile === "wasm" ? { webAssembly: "allow" as const } : {}),
  };
  return {
    ...config,
    permissions,
    binary: binary(),
    platform: platform as "neutral" | "bare" | "node",
    env: { ...config.env, HOST_FOLDER: above, HOST_NAME: hostname() },
    mounts: [
      { host: join(REPOSITORY, "tests/escape"), guest: "/escape" },
      { host: mount, guest: "/m", readOnly: false },
      { host: mount, guest: "/ro" },
    ],
    hostFunctions: {
      echo: (value: unknown) => value,
      fails: () => {
        throw new Error("refused");
      },
      vault: { secret: () => CANARY },
    },
  };
}

/** Profiles for which a worker is installed. */
function profiles(): string[] {
  const has = (name: string) => existsSync(join(dirname(binary()), name));
  if (!has("cordon-worker-wasm")) console.error("SKIPPED: no worker with WebAssembly is installed");
  return ["default", "no-jit", ...(has("cordon-worker-wasm") ? ["wasm"] : [])];
}

test("no attack succeeds through this client", { timeout: 300_000 }, async (context) => {
  const installed = profiles();
  let runs = 0;
  for (const attack of attacks()) {
    if (!(attack.head.clients ?? "typescript").split(" ").includes("typescript")) continue;
    for (const profile of (attack.head.profiles ?? "default no-jit wasm").split(" ")) {
      if (!installed.includes(profile)) continue;
      for (const platform of (attack.head.platforms ?? "neutral").split(" ")) {
        const above = host(context);
        await using machine = await createVm(options(attack, profile, platform, above));
        const path = `/escape/${attack.name}`;
        const what = `${attack.name} (${profile}, ${platform})`;
        const running = path.endsWith(".sh")
          ? machine.process.run("sh", ["-c", `. ${path}`])
          : machine.javascript.executeFile(path);
        const result = await running.catch((error: unknown) => assert.fail(`${what}: ${String(error)}`));
        assert.ok(!`${result.stdout}${result.stderr}`.includes(CANARY), `${what} shows what only the host has`);
        const lines = result.stdout.split("\n").filter((line) => line !== "");
        assert.deepEqual(lines, attack.expects, `${what}: ${result.stderr}`);
        count("attacks", attack.name.split("/")[0] ?? "", attack.expects.length);
        runs++;
      }
    }
  }
  assert.ok(runs > 100, `only ${runs} were run`);
});

interface Given {
  readonly name: string;
  readonly expression: string;
  readonly value?: string;
  readonly deep?: number;
  readonly error?: string;
  /** Whether the error is cordon's own. */
  readonly ours?: boolean;
}

test("what a guest gives misleads no client", { timeout: 300_000 }, async () => {
  const all = repositoryJson("tests/escape/values.json") as readonly Given[];
  await using machine = await createVm({ binary: binary() });
  const prototype = Object.getOwnPropertyNames(Object.prototype).join();
  for (const { name, expression, value, deep, error, ours } of all) {
    const result = await machine.javascript.evaluate(expression);
    if (error === undefined) {
      assert.equal(result.outcome, "succeeded", name);
      if (value !== undefined) assert.equal(JSON.stringify(result.value), value, name);
      if (deep !== undefined) assert.equal(JSON.stringify(result.value), `${"[".repeat(deep)}0${"]".repeat(deep)}`, name);
    } else {
      assert.equal(result.outcome, "failed", name);
      const shown = result.error;
      assert.ok(shown !== undefined && error.split(",").includes(shown.code), `${name}: ${JSON.stringify(shown)?.slice(0, 500)}`);
      // Whatever a guest says, it is marked as the guest's, and what only cordon says is not in it.
      assert.deepEqual([shown.guest, shown.hint, shown.field, shown.details?.["signal"]], [ours === true ? undefined : true, undefined, undefined, undefined], name);
    }
    assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), prototype, name);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined, name);
    assert.equal((await machine.javascript.evaluate("1")).value, 1, `after ${name}`);
  }
  count("attacks", "client", all.length);
});
