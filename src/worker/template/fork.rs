//! Forking: clone(2) as a child of this process's own parent, in a user and a PID namespace of its own.
//!
//! The C library's `fork` can do neither, so the system call is made directly. Of what the library does beside it, one
//! thing matters to a process with one thread: the library remembers the thread's id, by which some of its locks are
//! held. The kernel writes the new one to the same place (`CLONE_CHILD_SETTID`), which has to be known.

use std::ffi::c_void;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::thread::gettid;

/// Where glibc keeps a thread's id, from the address that `pthread_self` gives. It has been there since version 2.0; what
/// is found is checked in two threads.
#[cfg(target_arch = "x86_64")]
const TID_OFFSET: usize = 0x2d0;
#[cfg(target_arch = "aarch64")]
const TID_OFFSET: usize = 0xd0;

/// The two sides after a fork.
pub(super) enum Side {
    /// This is the template still.
    Template {
        /// The worker, in the PID namespace of the template.
        pid: i32,
        pidfd: OwnedFd,
    },
    /// This is the worker.
    Worker,
}

/// What forking needs to know.
pub(super) struct Forker {
    /// The address of this thread's id in the C library.
    tid: usize,
}

impl Forker {
    /// Looks where the C library keeps the thread's id. Starts a thread, and waits for its end.
    ///
    /// # Errors
    /// It is not where it is looked for.
    pub(super) fn new() -> io::Result<Forker> {
        let elsewhere = std::thread::spawn(|| own_tid().is_some()).join().unwrap_or(false);
        match own_tid() {
            Some(tid) if elsewhere => Ok(Forker { tid }),
            _ => Err(io::Error::other("this C library is unknown, so no worker can be forked")),
        }
    }

    /// Whether the host lets a worker have namespaces of its own; else why not.
    pub(super) fn can_have_namespaces(&self) -> Result<(), String> {
        match clone(NAMESPACES | libc::SIGCHLD, self.tid) {
            Ok(Side::Worker) => super::super::end_now(0),
            Ok(Side::Template { pid, .. }) => {
                let _ = Pid::from_raw(pid).map(|pid| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Forks a worker: a sibling of this process.
    ///
    /// # Errors
    /// As clone(2).
    pub(super) fn fork(&self, own_namespaces: bool) -> io::Result<Side> {
        let namespaces = if own_namespaces { NAMESPACES } else { 0 };
        clone(namespaces | libc::CLONE_PARENT | libc::SIGCHLD, self.tid)
    }
}

/// Namespaces of a worker's own; the others it shares with its template (see [`enclosure`]).
const NAMESPACES: i32 = libc::CLONE_NEWUSER | libc::CLONE_NEWPID;

/// The address where the C library keeps this thread's id, if its id is there.
fn own_tid() -> Option<usize> {
    // SAFETY: it takes nothing and cannot fail.
    let thread = unsafe { libc::pthread_self() } as usize;
    let address = thread + TID_OFFSET;
    // SAFETY: glibc's `struct pthread` begins at that address and is larger than this offset; with another library it
    // lies in the mapping of this thread's own storage or stack, which is larger still. It is read only.
    let found = unsafe { std::ptr::with_exposed_provenance::<i32>(address).read_volatile() };
    (found == gettid().as_raw_nonzero().get()).then_some(address)
}

fn clone(flags: i32, tid: usize) -> io::Result<Side> {
    let mut pidfd: RawFd = -1;
    let flags = flags | libc::CLONE_PIDFD | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID;
    let tid: *mut c_void = std::ptr::with_exposed_provenance_mut(tid);
    let (none, pidfd_at) = (0_usize, &raw mut pidfd);
    // SAFETY: without CLONE_VM and with no stack of its own the child goes on here with a copy of this memory, like one
    // of fork(2). This process has one thread, so no lock of the library's or ours is held by another, and there is
    // nothing for the library's fork handlers to do. The kernel writes to `pidfd`, which lives here, and in the child to
    // its copy of the word that holds the thread's id, for as long as that thread lives.
    let pid = unsafe {
        #[cfg(target_arch = "x86_64")]
        let pid = libc::syscall(libc::SYS_clone, flags as libc::c_ulong, none, pidfd_at, tid, none);
        #[cfg(target_arch = "aarch64")]
        let pid = libc::syscall(libc::SYS_clone, flags as libc::c_ulong, none, pidfd_at, none, tid);
        pid
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Worker),
        // SAFETY: the kernel has just opened it for this process, and nothing else owns it.
        pid => Ok(Side::Template { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }),
    }
}
