/**
 * Runs a program of this machine on untrusted test scripts: in namespaces of its own without a network, with limits and a
 * time limit, with nothing to write to but its folder and a `/tmp`, and as the user that a VM has.
 *
 * Needs bubblewrap (`bwrap`) and `prlimit`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LIMITS = ["--cpu=20", "--fsize=268435456", "--as=8589934592", "--core=0", "--nofile=1024"];
/** More of an output than this says the same as this. */
const OUTPUT_MAX = 4 * 1024 * 1024;

/** Who is known: as in a VM. */
const NAMES = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n",
  "/etc/group": "root:x:0:\nuser:x:1000:\n",
};
const names = mkdtempSync(join(tmpdir(), "shell-conformance-names-"));
process.on("exit", () => rmSync(names, { recursive: true, force: true }));
const known = Object.entries(NAMES).flatMap(([path, text]) => {
  const file = join(names, path.replaceAll("/", "_"));
  writeFileSync(file, text);
  return ["--ro-bind", file, path];
});

/** What answers depend on beside the case: who asks, and whom they know. */
export const SETTING = JSON.stringify(NAMES);

/** What a program may see of the machine. */
function enclosure({ folder, mounts }) {
  return [
    "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
    "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL",
    "--ro-bind", "/usr", "/usr",
    ...["bin", "lib", "lib64", "sbin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...["/etc/alternatives", "/etc/magic"].flatMap((path) => ["--ro-bind-try", path, path]),
    ...known,
    "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/home/user",
    ...Object.entries(mounts).flatMap(([guest, host]) => ["--ro-bind", host, guest]),
    ...(folder === undefined ? ["--dir", "/case"] : ["--bind", folder, "/case"]),
    "--chdir", "/case",
  ];
}

/**
 * Runs `program` with `args` in `folder`, which it sees as `/case`. Mounts are read-only but those in `writable`.
 * @returns {Promise<{ stdout: string, stderr: string, status: number, hung: boolean }>} output as bytes
 */
export function run(program, args, { folder, env, stdin = "", mounts = {}, writable = {}, timeoutMs = 10_000 }) {
  const setting = Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]);
  const extra = Object.entries(writable).flatMap(([guest, host]) => ["--bind", host, guest]);
  return new Promise((resolve, reject) => {
    const child = spawn("prlimit", [...LIMITS, "bwrap", ...enclosure({ folder, mounts }), ...extra, ...setting, "--", program, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env.PATH },
    });
    const taken = { stdout: [], stderr: [] };
    const sizes = { stdout: 0, stderr: 0 };
    let hung = false;
    for (const stream of ["stdout", "stderr"]) {
      child[stream].on("data", (chunk) => {
        if (sizes[stream] < OUTPUT_MAX) taken[stream].push(chunk);
        sizes[stream] += chunk.length;
      });
    }
    const timer = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const text = (stream) => Buffer.concat(taken[stream]).toString("latin1");
      resolve({ stdout: text("stdout"), stderr: text("stderr"), status: code ?? (signal === "SIGKILL" ? 137 : 128), hung });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(Buffer.from(stdin, "latin1"));
  });
}
