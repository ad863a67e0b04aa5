//! A PID namespace for each worker that the launcher executes: the worker is the first process in it, sees no other and
//! ends with everything that it may have started. Workers that a template forks get theirs from that fork.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// The launcher's own namespace, to which it returns after a birth.
pub(super) struct PidNamespace {
    own: File,
}

impl PidNamespace {
    /// Of a process that may make others, having entered a user namespace.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub(super) fn own() -> io::Result<PidNamespace> {
        Ok(PidNamespace { own: File::open("/proc/self/ns/pid")? })
    }

    /// Has the child that is born in this call born into a new namespace; into this one, where no more can be made.
    pub(super) fn apart<R>(&self, birth: impl FnOnce() -> R) -> R {
        // SAFETY: only the namespace of children to come is unshared, neither descriptors nor memory.
        let is_apart = unsafe { unshare_unsafe(UnshareFlags::NEWPID) }.is_ok();
        let born = birth();
        if is_apart
            && let Err(error) =
                move_into_link_name_space(self.own.as_fd(), Some(LinkNameSpaceType::ProcessID))
        {
            // Every other child would be born in there, too. It has never been seen to fail.
            eprintln!("cordon-launcher: cannot return to its PID namespace: {error}");
            std::process::exit(1);
        }
        born
    }
}
