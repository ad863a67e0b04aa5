/**
 * Measures cordon through its TypeScript client and secure-exec through its own, in one process and in turns, and
 * prints the figures as JSON. Started by run.sh.
 *
 *   node typescript.mjs --binary PATH --client PATH [--peer NODE_MODULES] [--samples N]
 */
import { writeSync } from "node:fs";
import { parseArgs } from "node:util";

import { cordon } from "./lib/cordon.mjs";
import { idleMemory } from "./lib/idle.mjs";
import { load, machine } from "./lib/machine.mjs";
import { firstTrue, inLiveVm, oneShot } from "./lib/measures.mjs";
import { peer } from "./lib/peer.mjs";
import { quiet } from "./lib/processes.mjs";
import { programs } from "./lib/programs.mjs";
import { summary } from "./lib/statistics.mjs";

const WARM_UPS = 10;
/** Whole programs take seconds on one side. */
const PROGRAM_SAMPLES = 10;
const PROGRAM_WARM_UPS = 1;

const { values: options } = parseArgs({
  options: {
    binary: { type: "string" },
    client: { type: "string" },
    peer: { type: "string" },
    samples: { type: "string", default: "30" },
  },
});
const samples = Number(options.samples);
const figures = { machine: machine(), load: { before: load() }, measures: {} };

const ours = await cordon(options);
const theirs = options.peer === undefined ? undefined : await peer({ modules: options.peer });
const sessions = { ours: await ours.open(), oursCold: await ours.openCold(), theirs: await theirs?.open() };

await take(oneShot(sessions), samples, WARM_UPS);
await take(firstTrue(sessions), samples, WARM_UPS);
const live = [await sessions.ours.createVm(), await sessions.theirs?.createVm()];
for (const measure of inLiveVm(...live)) await take(measure, samples, WARM_UPS);
for (const vm of live) await vm?.dispose();
for (const session of Object.values(sessions)) await session?.close();

const whole = { client: options.client, binary: options.binary, modules: options.peer };
for (const measure of programs(whole)) await take(measure, Math.min(samples, PROGRAM_SAMPLES), PROGRAM_WARM_UPS);

say("memory of idle VMs");
figures.memory = await idleMemory({ ours, theirs });
figures.load.after = load();
process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
// Whatever handles the clients still hold, there is nothing left to do.
process.exit();

/** Takes samples of every side in turns: A B A B. */
async function take({ name, sides }, count, warmUps) {
  const taken = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = -warmUps; round < count; round += 1) {
    say(`${name}: ${round < 0 ? "warm-up" : `${round + 1} of ${count}`}`);
    for (const [side, sample] of Object.entries(sides)) {
      await quiet();
      const milliseconds = await sample();
      if (round >= 0) taken[side].push(milliseconds);
    }
  }
  figures.measures[name] = Object.fromEntries(
    Object.entries(taken).map(([side, list]) => [side, { ...summary(list), samples: list }]),
  );
}

/** Progress goes to the descriptor that run.sh names: the peer writes its log to standard error. */
function say(text) {
  const descriptor = Number(process.env.CORDON_BENCH_PROGRESS ?? 2);
  if (process.env.CORDON_BENCH_TERMINAL === "1") writeSync(descriptor, `\r\x1b[K${text}`);
  else if (!/: (?!1 of)/.test(text)) writeSync(descriptor, `${text}\n`);
}
