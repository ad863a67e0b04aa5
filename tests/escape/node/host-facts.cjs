// class: Node: facts of the machine
// rule: what the library tells of the machine is the VM's own
// platforms: node
// expects: DENIED os.hostname: cordon
// expects: DENIED os.networkInterfaces: lo
// expects: DENIED os.cpus: cordon virtual CPU 0
// expects: DENIED os.userInfo: {"uid":1000,"gid":1000,"username":"user","homedir":"/home/user","shell":"/bin/sh"}
// expects: DENIED os.uptime: the VM's
// expects: DENIED os.loadavg: 0,0,0
// expects: DENIED os.release: 6.0.0-cordon #1 cordon
// expects: DENIED os.setPriority: ERR_SYSTEM_ERROR
// expects: DENIED process.pid: the VM's
// expects: DENIED process.execPath: /usr/local/bin/node
// expects: DENIED process.title: node
// expects: DENIED process.env: undefined
// expects: DENIED process.report: none of the host
// expects: DENIED process.kill of the first process: EPERM
// expects: DENIED process.kill of the host's: ESRCH
// expects: DENIED /proc/self/maps: ENOENT
// expects: DENIED /proc/self/exe: ENOENT
// expects: DENIED /proc/cpuinfo: ENOENT
// expects: DENIED /proc/net/tcp: ENOENT
// expects: DENIED /proc/1/environ: 0 bytes
// expects: DENIED /proc/self/fd/3: ENOENT
// expects: DENIED /sys/class/net: ENOENT
// expects: DENIED /dev/mem: ENOENT
// expects: DENIED /dev/kmsg: ENOENT
// expects: DENIED /dev/shm: ENOENT
// expects: DENIED /etc/hostname: ENOENT
// expects: DENIED /etc/resolv.conf: ENOENT
// expects: DENIED /root: ENOENT
// expects: DENIED /home/user/../../root: ENOENT
// expects: DENIED /etc/passwd: root:x:0:0:root:/root:/bin/sh user:x:1000:1000::/home/user:/bin/sh
// expects: DENIED /proc/self/environ: the VM's
// expects: DENIED /proc/self/root: the VM's
// expects: DENIED fs.statfs: 16914836
// expects: DENIED process.hrtime as a clock: stands still
// expects: DENIED process.uptime as a clock: stands still
// expects: DENIED process.cpuUsage as a clock: stands still
// expects: DENIED process.resourceUsage as a clock: stands still
// expects: DENIED performance.now as a clock: stands still
// expects: DENIED performance.timerify as a clock: stands still
// expects: DENIED performance.eventLoopUtilization as a clock: stands still
// expects: DENIED os.uptime as a clock: stands still
// expects: DENIED os.cpus as a clock: stands still
// expects: DENIED fs times as a clock: stands still
const { attempt } = require("/escape/report.mjs");
const os = require("node:os");
const fs = require("node:fs");

attempt("os.hostname", () => (os.hostname() === process.env.HOST_NAME ? true : os.hostname()));
attempt("os.networkInterfaces", () => `${Object.keys(os.networkInterfaces())}`);
attempt("os.cpus", () => `${[...new Set(os.cpus().map(({ model, speed }) => `${model} ${speed}`))]}`);
attempt("os.userInfo", () => JSON.stringify(os.userInfo()));
attempt("os.uptime", () => (os.uptime() > 60 ? true : "the VM's"));
attempt("os.loadavg", () => `${os.loadavg()}`);
attempt("os.release", () => `${os.release()} ${os.version()}`);
attempt("os.setPriority", () => { os.setPriority(-20); return true; });
attempt("process.pid", () => (process.pid > 100 || process.ppid > 100 ? true : "the VM's"));
attempt("process.execPath", () => process.execPath);
attempt("process.title", () => process.title);
attempt("process.env", () => (process.env[["ESCAPE", "CANARY"].join("_")] === undefined ? "undefined" : true));
attempt("process.report", () => (JSON.stringify(process.report.getReport()).includes(process.env.HOST_FOLDER) ? true : "none of the host"));
attempt("process.kill of the first process", () => { process.kill(1, "SIGKILL"); return true; });
attempt("process.kill of the host's", () => { process.kill(100_000, 0); return true; });
for (const path of ["/proc/self/maps", "/proc/self/exe", "/proc/cpuinfo", "/proc/net/tcp", "/proc/1/environ", "/proc/self/fd/3", "/sys/class/net", "/dev/mem", "/dev/kmsg", "/dev/shm", "/etc/hostname", "/etc/resolv.conf", "/root", "/home/user/../../root"]) {
  attempt(path, () => { fs.statSync(path); return fs.lstatSync(path).isFile() ? `${fs.readFileSync(path).length} bytes` : true; });
}
attempt("/etc/passwd", () => fs.readFileSync("/etc/passwd", "utf8").trim().replace("\n", " "));
attempt("/proc/self/environ", () => (/ESCAPE|CORDON/.test(fs.readFileSync("/proc/self/environ", "utf8")) ? true : "the VM's"));
attempt("/proc/self/root", () => (fs.existsSync(`/proc/self/root${process.env.HOST_FOLDER}`) ? true : "the VM's"));
attempt("fs.statfs", () => `${fs.statfsSync("/").type}`);
const clocks = { "process.hrtime": () => process.hrtime.bigint(), "process.uptime": () => process.uptime(), "process.cpuUsage": () => process.cpuUsage().user, "process.resourceUsage": () => process.resourceUsage().userCPUTime, "performance.now": () => performance.now(), "performance.timerify": () => { let seen = 0; new (require("node:perf_hooks").PerformanceObserver)((list) => { seen = list.getEntries()[0].duration; }).observe({ type: "function" }); return seen; }, "performance.eventLoopUtilization": () => performance.eventLoopUtilization().active, "os.uptime": () => os.uptime(), "os.cpus": () => os.cpus()[0].times.user, "fs times": () => { fs.writeFileSync("/tmp/t", "x"); return fs.statSync("/tmp/t", { bigint: true }).mtimeNs; } };
for (const [name, clock] of Object.entries(clocks)) {
  attempt(`${name} as a clock`, () => { const before = clock(); let sum = 0; for (let i = 0; i < 3e6; i++) sum += i % 7; return clock() === before ? "stands still" : true; });
}
