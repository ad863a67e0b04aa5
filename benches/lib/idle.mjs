/**
 * Memory of VMs that have evaluated something once and now do nothing.
 *
 * A VM of cordon is a process; one of the peer is a part of its sidecar process, so that what it adds to that process
 * is what can be measured. Both sides are also charged with all of their processes, divided by the number of VMs.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { WORKER } from "./cordon.mjs";
import { SIDECAR } from "./peer.mjs";
import { descendants, memory, nameOf, quiet } from "./processes.mjs";
import { summary } from "./statistics.mjs";

const VMS = 8;
const SETTLE_MS = 1000;

/** Bytes of memory by side, or why they cannot be told. Nothing else may run below this process. */
export async function idleMemory({ ours, theirs }) {
  if (process.getuid() !== 0) {
    return { unreadable: "workers are not dumpable, so that only root can read their memory figures" };
  }
  return { vms: VMS, cordon: await ofCordon(ours), ...(theirs && { peer: await ofPeer(theirs) }) };
}

async function ofCordon(side) {
  // Without a pool every worker is a VM. The whole has its pool, as the peer's has.
  const isolated = await withVms(await side.openCold(), processes);
  const whole = await withVms(await side.open(), processes);
  const workers = isolated.filter(({ name }) => WORKER.test(name));
  if (workers.length !== VMS) throw new Error(`${workers.length} workers for ${VMS} VMs`);
  return {
    pss: summary(workers.map(({ pss }) => pss)),
    meanPss: sum(workers.map(({ pss }) => pss)) / VMS,
    own: summary(workers.map(({ privateDirty, pageTables }) => privateDirty + pageTables)).median,
    privateDirty: summary(workers.map(({ privateDirty }) => privateDirty)),
    rss: summary(workers.map(({ rss }) => rss)),
    whole: sum(whole.map(({ pss }) => pss)) / VMS,
    processes: whole,
  };
}

async function ofPeer(side) {
  const session = await side.open();
  // Its caches are filled by the first VM; they are not what a VM costs.
  const first = await session.createVm();
  await first.evaluate("1 + 2");
  await first.dispose();
  await settle();
  const sidecar = () => processes().filter(({ name }) => SIDECAR.test(name));
  const before = sum(sidecar().map(({ rss }) => rss));
  const after = await withVms(session, sidecar);
  return {
    growth: (sum(after.map(({ rss }) => rss)) - before) / VMS,
    rss: sum(after.map(({ rss }) => rss)) / VMS,
    whole: sum(after.map(({ pss }) => pss)) / VMS,
    processes: after,
  };
}

/** Reads something while idle VMs live, and ends them and their session. */
async function withVms(session, read) {
  const vms = [];
  for (let count = 0; count < VMS; count += 1) {
    const vm = await session.createVm();
    await vm.evaluate("1 + 2");
    vms.push(vm);
  }
  await settle();
  const found = read();
  for (const vm of vms) await vm.dispose();
  await session.close();
  return found;
}

function processes() {
  return descendants().map(({ pid }) => {
    const found = memory(pid);
    if (found === undefined) throw new Error(`the memory of process ${pid} (${nameOf(pid)}) cannot be read`);
    return { name: nameOf(pid), ...found };
  });
}

async function settle() {
  await quiet();
  await sleep(SETTLE_MS);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
