/**
 * Terminals: what is typed, shown, kept and told. What programs find there is the Rust tests' part.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Terminal } from "cordon";

import { rejection, vm } from "./support.js";

/** What a terminal shows from now on; `until` waits for a text in it. */
function screen(terminal: Terminal): { text(): string; until(text: string): Promise<void> } {
  let shown = "";
  let look = () => {};
  terminal.onData((chunk) => {
    shown += Buffer.from(chunk).toString();
    look();
  });
  return {
    text: () => shown,
    until: (text) =>
      new Promise((seen) => {
        look = () => {
          if (shown.includes(text)) seen();
        };
        look();
      }),
  };
}

test("a command at a terminal is typed to, shown, resized and waited for", async () => {
  await using machine = await vm();
  const script = "console.log(process.stdout.columns); process.stdout.on('resize', () => console.log(process.stdout.columns, process.stdout.rows)); process.stdin.once('data', (line) => process.exit(line.length));";
  const terminal = await machine.openTerminal({ cols: 90, rows: 30, command: "node", args: ["-e", script], env: { TERM: "dumb" }, cwd: "/tmp" });
  const shown = screen(terminal);
  await shown.until("90\r\n");
  await terminal.resize({ cols: 70, rows: 20 });
  await shown.until("70 20\r\n");
  await terminal.write("four\r");
  const { outcome, exitCode } = await terminal.wait();
  assert.deepEqual([outcome, exitCode], ["failed", 5]);
  assert.equal(shown.text(), "90\r\n70 20\r\nfour\r\n");
  await terminal.close();
  await terminal.close();
});

test("whoever attaches later sees what was shown, and who leaves ends nothing", async () => {
  await using machine = await vm();
  const first = await machine.openTerminal({ cols: 80, rows: 24, args: ["-c", "echo begun; cat"] });
  await screen(first).until("begun");
  await first.detach();
  const { outcome } = await first.wait();
  assert.equal(outcome, "cancelled");
  await using second = machine.attachTerminal(first.number);
  const shown = screen(second);
  await shown.until("begun\r\n");
  const third = second.attach();
  await third.write("line\r");
  await shown.until("line\r\nline\r\n");
  await second.write("\x04");
  assert.equal((await second.wait()).exitCode, 0);
  assert.equal((await third.wait()).exitCode, 0);
  await second.close();
  assert.equal((await rejection(machine.attachTerminal(first.number).wait())).code, "ERR_NOT_FOUND");
});

test("what is shown waits for a listener, and a listener that throws is told", async () => {
  await using machine = await vm();
  const terminal = await machine.openTerminal({ cols: 80, rows: 24, args: ["-c", "echo early"] });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal((await terminal.attach().wait()).exitCode, 0);
  const shown = screen(terminal);
  await terminal.wait();
  assert.equal(shown.text(), "early\r\n");
  const failing = terminal.attach();
  failing.onData(() => {
    throw new RangeError("no more");
  });
  await assert.rejects(failing.wait(), RangeError);
});

test("closing ends what runs, and so does the end of the VM", async () => {
  const machine = await vm();
  const terminal = await machine.openTerminal({ cols: 80, rows: 24, command: "sleep", args: ["1000"] });
  await terminal.close();
  assert.equal((await terminal.wait()).signal, "SIGHUP");
  const other = await machine.openTerminal({ cols: 80, rows: 24, command: "cat" });
  const waited = rejection(other.wait());
  await machine.dispose();
  assert.equal((await waited).code, "ERR_CANCELLED");
  await other.close();
});

test("what is wrong is said before anything is sent, and what cannot be is told", async () => {
  await using machine = await vm({ limits: { terminals: 1 } });
  const wrong = [
    [{ cols: 80 }, /rows must be/],
    [{ cols: -1, rows: 1 }, /cols must be/],
    [{ cols: 1, rows: 65_536 }, /rows must be/],
    [{ cols: 1, rows: 1, colour: true }, /no field "colour"/],
    [{ cols: 1, rows: 1, args: "x" }, /args must be/],
  ] as const;
  for (const [options, message] of wrong) await assert.rejects(machine.openTerminal(options as never), message);
  const size = { cols: 80, rows: 24 };
  assert.equal((await rejection(machine.openTerminal({ ...size, command: "nonesuch" }))).code, "ENOENT");
  await using terminal = await machine.openTerminal({ ...size, command: "cat" });
  const error = await rejection(machine.openTerminal(size));
  assert.deepEqual([error.code, error.field], ["ERR_LIMIT", "limits.terminals"]);
  await assert.rejects(terminal.write(7 as never), TypeError);
  await assert.rejects(terminal.resize({ cols: 1 } as never), /rows must be/);
  assert.throws(() => terminal.onData("x" as never), TypeError);
});
