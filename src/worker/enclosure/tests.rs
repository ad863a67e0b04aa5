//! A worker that was taken over, played by a process of this test: it takes the enclosure of a worker that was executed and
//! then makes system calls of its choice.

use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use super::*;

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

/// A process that is not this one.
static OTHER: AtomicI32 = AtomicI32::new(0);

fn other() -> i32 {
    OTHER.load(Relaxed)
}

/// Takes the enclosure of an executed worker.
fn enclose() {
    OTHER.store(std::os::unix::process::parent_id().cast_signed(), Relaxed);
    let rules = Rules::read().unwrap();
    enter(true).unwrap();
    filter_calls(&rules).unwrap();
    filter_last(&rules).unwrap();
}

/// This test's own executable as a worker that does what is named, on its main thread.
fn probe(what: &str) -> std::process::Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "enclosure::tests::the_worker", "--nocapture", "--test-threads=1"])
        .env(PROBE, what)
        .output()
        .unwrap()
}

#[test]
fn the_worker() {
    // Without the variable this is no test of its own.
    let Ok(what) = std::env::var(PROBE) else { return };
    enclose();
    // The harness has begun a line.
    println!();
    match what.as_str() {
        "calls" => {
            for (name, call, _) in PROBES {
                let result = call();
                let errno = if result == -1 { io::Error::last_os_error().raw_os_error() } else { None };
                println!("{name}: {errno:?}");
            }
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

#[test]
fn a_worker_that_was_taken_over_can_call_nothing_that_reaches_others() {
    let output = probe("calls");
    let text = String::from_utf8_lossy(&output.stdout);
    for (name, _, errno) in PROBES {
        let line = format!("{name}: Some({errno})");
        assert!(text.lines().any(|found| found == line), "{line} is not among\n{text}");
    }
    let noted = text.lines().find_map(|line| line.strip_prefix("noted: ")).unwrap();
    let noted: Vec<&str> = noted.split(' ').collect();
    for name in ["socket", "ptrace", "clone", "mmap", "1023"] {
        assert!(noted.contains(&name), "{name} is not among {noted:?}");
    }
    // What libraries try is answered without a word.
    assert!(!noted.contains(&"openat") && !noted.contains(&"clone3"), "{noted:?}");
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
