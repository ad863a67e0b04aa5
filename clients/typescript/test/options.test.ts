/**
 * A misspelt option is an error that names the nearest one, wherever there are options. What configures a VM is checked
 * by the sidecar, which says where.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Client, NodeRuntime, createVm, evaluate, init, shutdown } from "cordon";

import { binary, rejection, vm } from "./support.js";

after(shutdown);

test("every method with options refuses those that it does not have", async () => {
  await using machine = await vm();
  await using context = await machine.createContext();
  await using runtime = await NodeRuntime.create({ binary: binary() });
  const misspelt = { timeout: 5 } as object;
  const calls: Record<string, (options: object) => unknown> = {
    "javascript.evaluate": (options) => machine.javascript.evaluate("1", options),
    "javascript.execute": (options) => machine.javascript.execute("1", options),
    "javascript.executeFile": (options) => machine.javascript.executeFile("/tmp/f.js", options),
    "typescript.evaluate": (options) => machine.typescript.evaluate("1", options),
    "context.evaluate": (options) => context.evaluate("1", options),
    "context.execute": (options) => context.execute("1", options),
    "context.typescript.execute": (options) => context.typescript.execute("1", options),
    "process.run": (options) => machine.process.run("true", [], options),
    "process.spawn": (options) => machine.process.spawn("true", [], options),
    "runtime.evaluate": (options) => runtime.evaluate("1", options),
    "runtime.execute": (options) => runtime.execute("1", options),
    "runtime.executeFile": (options) => runtime.executeFile("/tmp/f.js", options),
    "runtime.run": (options) => runtime.run("true", [], options),
    "runtime.spawn": (options) => runtime.spawn("true", [], options),
  };
  for (const [name, call] of Object.entries(calls)) {
    await assert.rejects(
      async () => call(misspelt),
      (error) => error instanceof TypeError && error.message === 'options has no field "timeout"; did you mean timeoutMs?',
      name,
    );
  }
  const others: Record<string, [(options: object) => unknown, string, string]> = {
    readFile: [(options) => machine.filesystem.readFile("/tmp/f", options), "maxByte", "maxBytes"],
    readTextFile: [(options) => machine.filesystem.readTextFile("/tmp/f", options), "Signal", "signal"],
    readStream: [(options) => machine.filesystem.readStream("/tmp/f", options), "signals", "signal"],
    writeFile: [(options) => machine.filesystem.writeFile("/tmp/f", "", options), "signl", "signal"],
    mkdir: [(options) => machine.filesystem.mkdir("/tmp/d", options), "recursiv", "recursive"],
    remove: [(options) => machine.filesystem.remove("/tmp/d", options), "recurse", "recursive"],
    mount: [(options) => machine.mount({ host: "/tmp", guest: "/m", ...options }), "readonly", "readOnly"],
    init: [(options) => init({ binary: binary(), ...options }), "sokcet", "socket"],
    connect: [(options) => Client.connect({ binary: binary(), ...options }), "bin", "binary"],
  };
  for (const [name, [call, wrong, right]] of Object.entries(others)) {
    await assert.rejects(
      async () => call({ [wrong]: true }),
      (error) => error instanceof TypeError && error.message.includes(`"${wrong}"; did you mean ${right}?`),
      name,
    );
  }
  assert.equal(await machine.filesystem.exists("/tmp/f"), false, "nothing was done");
});

test("what resembles no option is answered with all there are, and options of another method are none", async () => {
  await using machine = await vm();
  await assert.rejects(machine.filesystem.mkdir("/tmp/d", { mode: 0o700 } as object), /there are recursive$/);
  await assert.rejects(machine.process.run("true", [], { args: ["x"] } as object), TypeError);
  await assert.rejects(machine.process.spawn("true", [], { onStdout: () => {} } as object), TypeError);
  await assert.rejects(machine.process.run("true", [], { filePath: "/x" } as object), TypeError);
  await assert.rejects(machine.process.run("true", [], JSON.parse('{"__proto__":1}') as object), TypeError);
  assert.equal((await machine.process.run("true", [], { timeoutMs: undefined } as object)).outcome, "succeeded");
});

test("a configuration is checked by the sidecar, all the way down", async () => {
  for (const [config, field] of [
    [{ permission: {} }, "permission"],
    [{ permissions: { wasm: "allow" } }, "permissions.wasm"],
    [{ limits: { wallTime: 5 } }, "limits.wallTime"],
    [{ mounts: [{ host: "/tmp", guest: "/m", readonly: true }] }, "mounts[0].readonly"],
  ] as const) {
    const error = await rejection(createVm({ binary: binary(), ...config } as object));
    assert.equal(error.code, "ERR_CONFIG");
    assert.ok(`${error.field} ${error.message}`.includes(field.split(".").at(-1) ?? field), `${error.field}: ${error.message}`);
  }
  // In a call with a VM of its own whatever is no option of the call is a field of the VM.
  const error = await rejection(evaluate("1", { binary: binary(), timeout: 5 } as object));
  assert.deepEqual([error.code, /timeout/.test(error.message)], ["ERR_CONFIG", true]);
});
