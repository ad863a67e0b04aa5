//! A worker that was taken over, played by a process of this test: it takes the enclosure of a worker that was executed and
//! then makes system calls of its choice.

use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use super::*;

const THREADS_MAX: u64 = 64;

/// Says to this test's own executable that it is the worker, and what it does.
const PROBE: &str = "CORDON_ENCLOSURE_PROBE";

/// What native code in a worker might call, and the error that it must get.
type Probe = (&'static str, fn() -> libc::c_long, i32);

/// Calls with these arguments.
macro_rules! call {
    ($name:ident $(, $argument:expr)*) => {
        // SAFETY: no argument of any probe lets the kernel write to memory of this process, and what it may change is this
        // process, which exists for it.
        || unsafe { libc::syscall(libc::$name $(, $argument)*) }
    };
}

const NULL: usize = 0;

const PROBES: &[Probe] = &[
    // Other processes.
    ("prlimit64 of another", call!(SYS_prlimit64, other(), libc::RLIMIT_NOFILE, NULL, NULL), libc::EPERM),
    ("setpriority", call!(SYS_setpriority, libc::PRIO_PROCESS, other(), 19), libc::EPERM),
    ("sched_setaffinity", call!(SYS_sched_setaffinity, 0, 8, NULL), libc::EPERM),
    ("sched_setscheduler", call!(SYS_sched_setscheduler, 0, 0, NULL), libc::EPERM),
    ("kill", call!(SYS_kill, other(), 0), libc::EPERM),
    ("tkill", call!(SYS_tkill, other(), 0), libc::EPERM),
    ("tgkill of another", call!(SYS_tgkill, other(), other(), 0), libc::EPERM),
    ("rt_sigqueueinfo", call!(SYS_rt_sigqueueinfo, other(), 9, NULL), libc::EPERM),
    ("pidfd_open", call!(SYS_pidfd_open, other(), 0), libc::EPERM),
    ("ptrace", call!(SYS_ptrace, libc::PTRACE_ATTACH, other(), NULL, NULL), libc::EPERM),
    ("process_vm_readv", call!(SYS_process_vm_readv, other(), NULL, 0, NULL, 0, 0), libc::EPERM),
    ("kcmp", call!(SYS_kcmp, other(), other(), 0, 0, 0), libc::EPERM),
    // Processes of its own, and namespaces.
    ("clone of a process", call!(SYS_clone, libc::SIGCHLD, NULL, NULL, NULL, NULL), libc::EPERM),
    (
        "clone as vfork",
        call!(SYS_clone, libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD, NULL, NULL, NULL, NULL),
        libc::EPERM,
    ),
    (
        "clone into a user namespace",
        call!(SYS_clone, libc::CLONE_NEWUSER | libc::SIGCHLD, NULL, NULL, NULL, NULL),
        libc::EPERM,
    ),
    ("clone3", call!(SYS_clone3, NULL, 0), libc::ENOSYS),
    ("unshare", call!(SYS_unshare, libc::CLONE_NEWUSER), libc::EPERM),
    ("setns", call!(SYS_setns, 0, 0), libc::EPERM),
    ("execve", call!(SYS_execve, NULL, NULL, NULL), libc::EPERM),
    ("execveat", call!(SYS_execveat, -1, NULL, NULL, NULL, 0), libc::EPERM),
    // Files, sockets and what else has a name on the host.
    ("openat", call!(SYS_openat, libc::AT_FDCWD, c"/etc/passwd".as_ptr(), 0), libc::EACCES),
    ("mkdirat", call!(SYS_mkdirat, libc::AT_FDCWD, c"/made".as_ptr(), 0o700), libc::EPERM),
    ("mount", call!(SYS_mount, NULL, NULL, NULL, 0, NULL), libc::EPERM),
    ("socket", call!(SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0), libc::EPERM),
    ("socketpair", call!(SYS_socketpair, libc::AF_UNIX, libc::SOCK_STREAM, 0, NULL), libc::EPERM),
    ("shmget", call!(SYS_shmget, libc::IPC_PRIVATE, 4096, 0o600), libc::EPERM),
    ("mq_open", call!(SYS_mq_open, NULL, 0, 0, NULL), libc::EPERM),
    // Memory that no limit counts.
    (
        "mmap of shared memory",
        call!(SYS_mmap, NULL, 4096, libc::PROT_READ, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0),
        libc::EPERM,
    ),
    (
        "mmap of a stack that grows",
        call!(
            SYS_mmap,
            NULL,
            4096,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_GROWSDOWN,
            -1,
            0
        ),
        libc::EPERM,
    ),
    ("mprotect of a stack that grows", call!(SYS_mprotect, NULL, 4096, libc::PROT_GROWSDOWN), libc::EPERM),
    ("pkey_mprotect likewise", call!(SYS_pkey_mprotect, NULL, 4096, libc::PROT_GROWSDOWN, -1), libc::EPERM),
    ("memfd_create", call!(SYS_memfd_create, c"name".as_ptr(), 0), libc::ENOSYS),
    ("ftruncate", call!(SYS_ftruncate, 0, 1 << 30), libc::EPERM),
    // Undoing the enclosure.
    ("prctl that makes it dumpable", call!(SYS_prctl, libc::PR_SET_DUMPABLE, 1, 0, 0, 0), libc::EPERM),
    ("capset", call!(SYS_capset, NULL, NULL), libc::EPERM),
    ("seccomp", call!(SYS_seccomp, 0, 0, NULL), libc::EPERM),
    ("a larger stack", || larger(libc::RLIMIT_STACK), libc::EPERM),
    ("more descriptors", || larger(libc::RLIMIT_NOFILE), libc::EPERM),
    ("fcntl that has signals sent", call!(SYS_fcntl, 0, libc::F_SETOWN, other()), libc::EPERM),
    // Doors of the kernel.
    ("bpf", call!(SYS_bpf, 0, NULL, 0), libc::EPERM),
    ("perf_event_open", call!(SYS_perf_event_open, NULL, 0, -1, -1, 0), libc::EPERM),
    ("io_uring_setup", call!(SYS_io_uring_setup, 1, NULL), libc::EPERM),
    ("userfaultfd", call!(SYS_userfaultfd, 0), libc::EPERM),
    ("keyctl", call!(SYS_keyctl, 0, 0, 0, 0, 0), libc::EPERM),
    ("personality", call!(SYS_personality, 0xffff_ffff_u32), libc::EPERM),
    ("ioctl", call!(SYS_ioctl, 0, 0, NULL), libc::EPERM),
    ("a number that no call has", || unknown(1023), libc::EPERM),
];

/// What native code in the network process might call.
const NETWORK_PROBES: &[Probe] = &[
    ("a socket of the host's", call!(SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0), libc::EPERM),
    ("a socket of packets", call!(SYS_socket, libc::AF_PACKET, libc::SOCK_RAW, 0), libc::EPERM),
    ("a socket of interfaces", call!(SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0), libc::EPERM),
    ("a raw socket", call!(SYS_socket, libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP), libc::EPERM),
    ("a socket of virtual machines", call!(SYS_socket, libc::AF_VSOCK, libc::SOCK_STREAM, 0), libc::EPERM),
    ("listen", call!(SYS_listen, 0, 1), libc::EPERM),
    ("accept4", call!(SYS_accept4, 0, NULL, NULL, 0), libc::EPERM),
    ("an option of netfilter", call!(SYS_setsockopt, 0, 255, 64, NULL, 0), libc::EPERM),
    ("ioctl of interfaces", call!(SYS_ioctl, 0, libc::SIOCGIFCONF, NULL), libc::EPERM),
    ("openat", call!(SYS_openat, libc::AT_FDCWD, c"/etc/passwd".as_ptr(), 0), libc::ENOENT),
    ("execve", call!(SYS_execve, NULL, NULL, NULL), libc::EPERM),
    ("clone of a process", call!(SYS_clone, libc::SIGCHLD, NULL, NULL, NULL, NULL), libc::EAGAIN),
    ("kill", call!(SYS_kill, other(), 0), libc::EPERM),
    ("tgkill of another", call!(SYS_tgkill, other(), other(), 0), libc::EPERM),
    ("pidfd_open", call!(SYS_pidfd_open, other(), 0), libc::EPERM),
    ("ptrace", call!(SYS_ptrace, libc::PTRACE_ATTACH, other(), NULL, NULL), libc::EPERM),
    ("process_vm_readv", call!(SYS_process_vm_readv, other(), NULL, 0, NULL, 0, 0), libc::EPERM),
    ("unshare", call!(SYS_unshare, libc::CLONE_NEWUSER), libc::EPERM),
    ("mount", call!(SYS_mount, NULL, NULL, NULL, 0, NULL), libc::EPERM),
    ("memfd_create", call!(SYS_memfd_create, c"name".as_ptr(), 0), libc::EPERM),
    ("prctl that makes it dumpable", call!(SYS_prctl, libc::PR_SET_DUMPABLE, 1, 0, 0, 0), libc::EPERM),
    ("mmap of code", || map(-1, libc::PROT_READ | libc::PROT_EXEC), libc::EPERM),
    ("bpf", call!(SYS_bpf, 0, NULL, 0), libc::EPERM),
    ("io_uring_setup", call!(SYS_io_uring_setup, 1, NULL), libc::EPERM),
    ("more descriptors", || larger(libc::RLIMIT_NOFILE), libc::EPERM),
    ("a number that no call has", || unknown(1023), libc::EPERM),
];

/// Takes the enclosure of the network process.
fn enclose_network() {
    OTHER.store(std::os::unix::process::parent_id().cast_signed(), Relaxed);
    let rules = Rules::read_network().unwrap();
    let report = enter_network().unwrap();
    filter_calls(&rules).unwrap();
    filter_last(&rules, false, 1, &report).unwrap();
}

/// Tries to have more of something than the enclosure left.
fn larger(resource: libc::__rlimit_resource_t) -> libc::c_long {
    let wanted = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the structure is read only.
    libc::c_long::from(unsafe { libc::setrlimit(resource, &raw const wanted) })
}

fn unknown(number: libc::c_long) -> libc::c_long {
    // SAFETY: what has no meaning does nothing.
    unsafe { libc::syscall(number) }
}

/// Ways to make code at run time, which are refused where `jit` is denied and there otherwise.
const CODE: &[Probe] = &[
    ("mmap of a file that was written", || map(code(), libc::PROT_READ | libc::PROT_EXEC), libc::EPERM),
    ("mmap of memory", || map(-1, libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC), libc::EPERM),
    ("mprotect of a mapping of it", || protect(libc::SYS_mprotect), libc::EPERM),
    ("pkey_mprotect likewise", || protect(libc::SYS_pkey_mprotect), libc::EPERM),
];

fn map(file: i32, protection: i32) -> libc::c_long {
    let flags = libc::MAP_PRIVATE | if file < 0 { libc::MAP_ANONYMOUS } else { 0 };
    // SAFETY: a new mapping at an address of the system's choice touches no memory that is in use.
    unsafe { libc::syscall(libc::SYS_mmap, NULL, 4096, protection, flags, file, 0) }
}

fn protect(call: libc::c_long) -> libc::c_long {
    let page = map(code(), libc::PROT_READ);
    assert_ne!(page, -1);
    // SAFETY: nothing else knows the page.
    unsafe { libc::syscall(call, page, 4096, libc::PROT_READ | libc::PROT_EXEC, -1) }
}

/// A file without a name that was filled before the process was enclosed.
static WRITTEN: AtomicI32 = AtomicI32::new(-1);

fn code() -> i32 {
    WRITTEN.load(Relaxed)
}

fn write_code() {
    use std::io::Write;
    use std::os::fd::IntoRawFd;
    let made = rustix::fs::memfd_create(c"code", rustix::fs::MemfdFlags::EXEC).unwrap();
    let mut file = std::fs::File::from(made);
    file.write_all(&[0xc3; 4096]).unwrap();
    WRITTEN.store(file.into_raw_fd(), Relaxed);
}

/// A process that is not this one.
static OTHER: AtomicI32 = AtomicI32::new(0);

fn other() -> i32 {
    OTHER.load(Relaxed)
}

/// Takes the enclosure of an executed worker.
fn enclose(jit: bool) {
    OTHER.store(std::os::unix::process::parent_id().cast_signed(), Relaxed);
    let rules = Rules::read().unwrap();
    let report = enter(jit).unwrap();
    filter_calls(&rules).unwrap();
    filter_last(&rules, jit, THREADS_MAX, &report).unwrap();
}

/// This test's own executable as a worker that does what is named, on its main thread.
fn command(what: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tests::the_worker", "--nocapture", "--test-threads=1"]);
    command.env(PROBE, what);
    command
}

fn probe(what: &str) -> std::process::Output {
    command(what).output().unwrap()
}

#[test]
fn the_worker() {
    // Without the variable this is no test of its own.
    let Ok(what) = std::env::var(PROBE) else { return };
    write_code();
    if what == "threads" {
        return start_threads();
    }
    if what == "network" {
        enclose_network();
        println!();
        tell(NETWORK_PROBES);
        return;
    }
    enclose(what != "code without jit");
    // The harness has begun a line.
    println!();
    match what.as_str() {
        "calls" | "code" | "code without jit" => {
            tell(if what == "calls" { PROBES } else { CODE });
            println!("noted: {}", refused_calls().join(" "));
        }
        "work" => {
            let sum =
                std::thread::spawn(|| vec![1_u8; 1 << 20].iter().map(|&byte| u64::from(byte)).sum::<u64>());
            println!("sum: {}", sum.join().unwrap());
            println!("noted: {}", refused_calls().join(" "));
        }
        #[cfg(target_arch = "x86_64")]
        "x32" => {
            unknown(0x4000_0000 + libc::SYS_getpid);
            println!("survived");
        }
        other => panic!("{other}"),
    }
}

/// Makes the calls and prints what they got.
fn tell(probes: &[Probe]) {
    for (name, call, _) in probes {
        let result = call();
        let errno = if result == -1 { io::Error::last_os_error().raw_os_error() } else { None };
        println!("{name}: {errno:?}");
    }
}

/// That each call got the error that it must get.
fn expect(probes: &[Probe], text: &str) {
    for (name, _, errno) in probes {
        let line = format!("{name}: Some({errno})");
        assert!(text.lines().any(|found| found == line), "{line} is not among\n{text}");
    }
}

/// Starts threads until there are no more. Only limited: the harness has a thread beside this one, and whoever has two
/// cannot make the namespace, in which this was started.
fn start_threads() {
    let can = limits::can_limit_threads().unwrap();
    println!("\ncan be limited: {can:?}");
    if can.is_ok() {
        limits::limit_threads(THREADS_MAX).unwrap();
    }
    let mut started = 0;
    let error = loop {
        let wait_for_ever = || loop {
            std::thread::park();
        };
        match std::thread::Builder::new().stack_size(64 * 1024).spawn(wait_for_ever) {
            Ok(_) if started < 10 * THREADS_MAX => started += 1,
            Ok(_) => break None,
            Err(error) => break error.raw_os_error(),
        }
    };
    println!("threads: {started} {error:?}");
}

#[test]
fn a_worker_that_was_taken_over_can_call_nothing_that_reaches_others() {
    let output = probe("calls");
    let text = String::from_utf8_lossy(&output.stdout);
    expect(PROBES, &text);
    let noted = text.lines().find_map(|line| line.strip_prefix("noted: ")).unwrap();
    let noted: Vec<&str> = noted.split(' ').collect();
    for name in ["socket", "ptrace", "clone", "mmap", "1023"] {
        assert!(noted.contains(&name), "{name} is not among {noted:?}");
    }
    // What libraries try is answered without a word.
    for name in ["openat", "clone3", "memfd_create"] {
        assert!(!noted.contains(&name), "{noted:?}");
    }
}

#[test]
fn a_network_process_that_was_taken_over_has_sockets_and_nothing_else() {
    let output = probe("network");
    expect(NETWORK_PROBES, &String::from_utf8_lossy(&output.stdout));
}

#[test]
fn where_jit_is_denied_nothing_that_was_written_becomes_executable() {
    for (what, expected) in [("code without jit", Some(libc::EPERM)), ("code", None)] {
        let output = probe(what);
        let text = String::from_utf8_lossy(&output.stdout);
        for (name, ..) in CODE {
            let line = format!("{name}: {expected:?}");
            assert!(text.lines().any(|found| found == line), "{what}: {line} is not among\n{text}");
        }
    }
}

#[test]
fn threads_of_a_worker_are_few_or_it_says_why_not() {
    use std::os::unix::process::CommandExt;
    // Root of the host is exempt; a user with no rights is not.
    for user in [None, Some(65534)] {
        let mut command = command("threads");
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        // SAFETY: between fork and exec it makes one system call and allocates nothing.
        unsafe {
            command.pre_exec(|| Ok(rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWUSER)?));
        }
        let Ok(output) = command.output() else {
            eprintln!("SKIPPED: no user namespace as user {user:?}");
            continue;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let started = text.lines().find_map(|line| line.strip_prefix("threads: ")).unwrap_or_default();
        let (number, error) = started.split_once(' ').unwrap_or_default();
        if text.lines().any(|line| line == "can be limited: Ok(())") {
            let most: u64 = number.parse().unwrap();
            assert!(most > 7 && most < THREADS_MAX, "{text}");
            assert_eq!(error, format!("Some({})", libc::EAGAIN));
        } else {
            assert!(text.contains("exempts this user") || text.contains("counts all threads"), "{text}");
            eprintln!("as user {user:?} threads are not limited: {text}");
        }
    }
}

#[test]
fn what_a_worker_needs_is_refused_to_nobody() {
    let output = probe("work");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().any(|line| line == format!("sum: {}", 1 << 20)), "{text}");
    assert!(text.lines().any(|line| line == "noted: "), "{text}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_of_the_other_abi_ends_the_worker() {
    let output = probe("x32");
    assert!(!output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("survived"));
}
