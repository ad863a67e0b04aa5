/**
 * What is measured, the same for every side: a measure is a name and, for each side, a function that takes one sample
 * in milliseconds. `lib/table.mjs` says how they are shown; `latency.rs` takes the same, by the same names,
 * through the Rust client.
 */

/** What is done in a VM that lives, and the answer that it has to give. */
const LIVE = {
  evaluate: { run: (vm) => vm.evaluate("1 + 2"), expected: 3 },
  evaluateInContext: { run: (vm) => vm.inContext("1 + 2"), expected: 3 },
  true: { run: (vm) => vm.command("true", []), expected: "" },
  shellEcho: { run: (vm) => vm.command("sh", ["-c", "echo hi"]), expected: "hi\n" },
  pipeline: { run: (vm) => vm.command("sh", ["-c", "seq 1 100 | sort -rn | head -n 3"]), expected: "100\n99\n98\n" },
};

/** One evaluation in a VM of its own, from its creation to its end. */
export function oneShot({ ours, oursCold, theirs }) {
  const sample = (createVm) => () =>
    timed(async () => {
      const vm = await createVm();
      const answer = await vm.evaluate("1 + 2");
      await vm.dispose();
      return answer;
    }, 3);
  return {
    name: "oneShot",
    sides: {
      cordon: sample(ours.createVm),
      cordonCold: sample(oursCold.createVm),
      ...(theirs && { peer: sample(theirs.createVm), peerBare: sample(theirs.createBareVm) }),
    },
  };
}

/** The first command of a VM, which has done nothing before. */
export function firstTrue({ ours }) {
  return {
    name: "firstTrue",
    sides: {
      cordon: async () => {
        const vm = await ours.createVm();
        const took = await timed(() => LIVE.true.run(vm), "");
        await vm.dispose();
        return took;
      },
    },
  };
}

/** Calls in a VM that lives. */
export function inLiveVm(ours, theirs) {
  return Object.entries(LIVE).map(([name, { run, expected }]) => {
    const sample = (vm) => () => timed(() => run(vm), expected);
    return { name, sides: { cordon: sample(ours), ...(theirs && { peer: sample(theirs) }) } };
  });
}

/** The milliseconds that an action takes. A wrong answer is worth no time at all. */
export async function timed(action, expected) {
  const start = performance.now();
  const answer = await action();
  const took = performance.now() - start;
  if (answer !== expected) throw new Error(`${JSON.stringify(answer)} instead of ${JSON.stringify(expected)}`);
  return took;
}
