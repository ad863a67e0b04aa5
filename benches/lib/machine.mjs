/**
 * The machine that figures were taken on.
 */
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    arch: arch(),
    kernel: release(),
    memoryBytes: totalmem(),
    node: process.version,
  };
}

/** Processes that wanted a core during the last minute; more than a few tenths before a run spoils it. */
export function load() {
  return loadavg()[0];
}
