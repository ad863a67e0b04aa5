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

async function inVm(createVm, config, action) {
  const vm = await createVm(config);
  try {
    return await action(vm);
  } finally {
    await vm.dispose();
  }
}

export const PLATFORM_ROWS = {
  "create, evaluate, dispose": async (createVm) => {
    await rest();
    return timed(() => inVm(createVm, {}, (vm) => three(vm.javascript.evaluate("1 + 2"))));
  },
  "evaluate, again and again, fresh state": (createVm) =>
    inVm(createVm, {}, async (vm) => {
      const took = await timed(async () => {
        for (let call = 0; call < CALLS; call++) await three(vm.javascript.evaluate("1 + 2"));
      });
      return took / CALLS;
    }),
  "evaluate, again and again, kept context": (createVm) =>
    inVm(createVm, {}, async (vm) => {
      const context = await vm.createContext();
      await three(context.evaluate("1 + 2"));
      const took = await timed(async () => {
        for (let call = 0; call < CALLS; call++) await three(context.evaluate("1 + 2"));
      });
      return took / CALLS;
    }),
};
