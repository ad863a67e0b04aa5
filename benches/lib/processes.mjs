/**
 * What the kernel says of the processes below this one: who they are, what memory and what time they have used.
 *
 * Owns: reading /proc. Must not know: what is measured.
 */
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const TICK_MS = 10;
const QUIET_WINDOW_MS = 40;
const QUIET_LIMIT_MS = 3000;

/** Every process below `root`, by /proc; also those in PID namespaces of their own. */
export function descendants(root = process.pid) {
  const children = new Map();
  const all = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const found = status(Number(name));
    if (found === undefined) continue;
    all.set(found.pid, found);
    if (!children.has(found.parent)) children.set(found.parent, []);
    children.get(found.parent).push(found.pid);
  }
  const below = [];
  const pending = [...(children.get(root) ?? [])];
  while (pending.length > 0) {
    const pid = pending.pop();
    below.push(all.get(pid));
    pending.push(...(children.get(pid) ?? []));
  }
  return below;
}

function status(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { pid, state: fields[0], parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined; // It has ended since it was listed.
  }
}

/** The name that a process goes by: that of its executable, or the one it gave itself. */
export function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd();
  } catch {
    return "";
  }
}

/** Memory of a process in bytes, or undefined where it cannot be read. */
export function memory(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? Number.NaN) * 1024;
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const pageTables = Number(/^VmPTE:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
    return { pss: field("Pss"), rss: field("Rss"), privateDirty: field("Private_Dirty"), pageTables };
  } catch {
    return undefined;
  }
}

/**
 * Waits until the processes below this one have nothing left to do, so that what one side does after it has answered
 * (refilling a pool, freeing a VM) is not charged to the other.
 */
export async function quiet(windows = 2) {
  const deadline = Date.now() + QUIET_LIMIT_MS;
  let before = usage();
  for (let calm = 0; calm < windows && Date.now() < deadline; ) {
    await sleep(QUIET_WINDOW_MS);
    const now = usage();
    calm = now.pids === before.pids && now.cpuMs - before.cpuMs < TICK_MS ? calm + 1 : 0;
    before = now;
  }
}

function usage() {
  const below = descendants().filter(({ state }) => state !== "Z");
  return { pids: below.map(({ pid }) => pid).sort().join(), cpuMs: below.reduce((sum, { cpuMs }) => sum + cpuMs, 0) };
}
