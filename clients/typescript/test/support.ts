/**
 * What tests share. They run against the real sidecar and fail without it.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { CordonError, createVm, type Vm, type VmOptions } from "cordon";

/** The folder of the repository. This file is compiled to `clients/typescript/build/test`. */
export const REPOSITORY: string = fileURLToPath(new URL("../../../../", import.meta.url));

/** The executable under test. */
export function binary(): string {
  const path = resolve(process.env["CORDON_BINARY"] ?? join(REPOSITORY, "target/cordon/cordon"));
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: build cordon first (see the README), or name another in CORDON_BINARY`);
  }
  return path;
}

/** A VM on this process's shared sidecar. */
export async function vm(options: VmOptions = {}): Promise<Vm> {
  return createVm({ binary: binary(), ...options });
}

/** A file of the repository, as JSON. */
export function repositoryJson(path: string): unknown {
  return JSON.parse(readFileSync(join(REPOSITORY, path), "utf8"));
}

/** A folder of the host that is gone after the test. */
export function temporaryFolder(context: { after(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "cordon-test-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a sidecar of the test's own on a socket. */
export async function serve(context: { after(clean: () => void): void }): Promise<{ socket: string; pid: number }> {
  const socket = join(temporaryFolder(context), "socket");
  // Without a pool, so that its processes are those of VMs.
  const child = spawn(binary(), ["serve", "--warm", "0", "--socket", socket], { stdio: ["ignore", "ignore", "pipe"] });
  context.after(() => void child.kill("SIGKILL"));
  assert.ok(child.pid !== undefined && child.stderr !== null);
  await once(child.stderr, "data");
  return { socket, pid: child.pid };
}

/** What a promise rejects with, which has to be a `CordonError`. */
export async function rejection(promise: Promise<unknown>): Promise<CordonError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    assert.ok(error instanceof CordonError, `not a CordonError: ${String(error)}`);
    return error;
  }
  assert.fail(`was not rejected, but gave ${JSON.stringify(value)}`);
}

/** Waits until something holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 20_000; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${what} did not come about`);
}

/** Whether a process of the host lives; one that nobody has waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^\d+ \(.*\) [ZX]/s.test(status);
  } catch {
    return false;
  }
}
