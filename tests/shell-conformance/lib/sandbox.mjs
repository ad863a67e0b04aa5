/**
 * Runs a program of this machine on untrusted test scripts: in namespaces of its own without a network, with limits and a
 * time limit, and with nothing to write to but its folder and a `/tmp`.
 *
 * Needs bubblewrap (`bwrap`) and `prlimit`.
 */
import { spawn } from "node:child_process";

const LIMITS = ["--cpu=20", "--fsize=268435456", "--as=8589934592", "--core=0", "--nofile=1024"];
/** More of an output than this says the same as this. */
const OUTPUT_MAX = 4 * 1024 * 1024;

/** What a program may see of the machine. */
function enclosure({ folder, mounts }) {
  return [
    "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
    "--ro-bind", "/usr", "/usr",
    ...["bin", "lib", "lib64", "sbin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...["/etc/alternatives", "/etc/passwd", "/etc/group", "/etc/magic"].flatMap((path) => ["--ro-bind-try", path, path]),
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
