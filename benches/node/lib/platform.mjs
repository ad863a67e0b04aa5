/**
 * What the platform `node` costs a VM, beside `neutral`: the time of creation and of calls, in milliseconds.
 *
 * A row is given how to make a VM of its platform, and takes one sample.
 */

/** A pool fills again when it is left alone; what is measured is not how fast it does. */
const REST_MS = 60;
const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));
/** Calls of one sample where a sample is many calls: more than a VM has realms ready. */
const CALLS = 40;

async function timed(action) {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

/** An answer that has to be the right one. */
async function three(result) {
  const { value } = await result;
  if (value !== 3) throw new Error(`${JSON.stringify(value)} instead of 3`);
}

/** What one of many calls takes. */
async function each(call) {
  const took = await timed(async () => {
    for (let made = 0; made < CALLS; made++) await three(call());
  });
  return took / CALLS;
}

async function inVm(createVm, action) {
  const vm = await createVm();
  try {
    return await action(vm);
  } finally {
    await vm.dispose();
  }
}

export const PLATFORM_ROWS = {
  "create, evaluate, dispose": async (createVm) => {
    await rest();
    return timed(() => inVm(createVm, (vm) => three(vm.javascript.evaluate("1 + 2"))));
  },
  "evaluate, again and again, fresh state": (createVm) => inVm(createVm, (vm) => each(() => vm.javascript.evaluate("1 + 2"))),
  "evaluate, again and again, kept context": (createVm) =>
    inVm(createVm, async (vm) => {
      const context = await vm.createContext();
      await three(context.evaluate("1 + 2"));
      return each(() => context.evaluate("1 + 2"));
    }),
};
