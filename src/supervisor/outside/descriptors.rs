//! The descriptors of this process that VMs may have, in shares.
//!
//! A process that is out of descriptors can accept no client and start no worker, so what guests can open is counted
//! against what is left when everything else has what it needs. Knows no VM and no file.

use std::sync::Arc;

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors that are not given to VMs: connections, the launcher and its channels, channels of workers that wait,
/// directories that are open while a path is resolved.
const RESERVE: usize = 512;
/// However few there are, a process has some for its VMs.
const LEAST: usize = 64;
/// Files and directories of the host that one VM may have open, where there are enough.
const VM_MOST: usize = 512;

/// The descriptors that all VMs of a supervisor may have.
#[derive(Clone)]
pub(crate) struct Descriptors {
    free: Arc<Semaphore>,
    /// How many one VM may have of the host's files.
    share: usize,
}

/// Some that are in use, until this is dropped.
pub(crate) struct InUse {
    _permit: OwnedSemaphorePermit,
}

/// What one VM may have.
pub(crate) struct Share {
    all: Descriptors,
    left: Arc<Semaphore>,
}

/// One of a VM's that is in use, until this is dropped.
pub(crate) struct Lent {
    _of_all: OwnedSemaphorePermit,
    _of_share: OwnedSemaphorePermit,
}

impl Descriptors {
    /// What the process's limit leaves.
    pub(crate) fn of_this_process() -> Descriptors {
        let limit = getrlimit(Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Descriptors::new(limit.saturating_sub(RESERVE).max(LEAST).min(Semaphore::MAX_PERMITS))
    }

    fn new(most: usize) -> Descriptors {
        Descriptors { free: Arc::new(Semaphore::new(most)), share: VM_MOST.min(most / 4) }
    }

    /// Takes one, if one is left.
    pub(crate) fn take(&self) -> Option<InUse> {
        self.free.clone().try_acquire_owned().ok().map(|permit| InUse { _permit: permit })
    }

    /// The share of one VM.
    pub(crate) fn share(&self) -> Share {
        Share { all: self.clone(), left: Arc::new(Semaphore::new(self.share)) }
    }
}

impl Share {
    /// One more, if the VM has not had its share and one is left.
    pub(crate) fn lend(&self) -> Option<Lent> {
        let of_share = self.left.clone().try_acquire_owned().ok()?;
        let of_all = self.all.free.clone().try_acquire_owned().ok()?;
        Some(Lent { _of_all: of_all, _of_share: of_share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_has_its_share_and_all_have_no_more_than_there_are() {
        let all = Descriptors::new(10);
        let (one, other) = (all.share(), all.share());
        let lent: Vec<Lent> = std::iter::from_fn(|| one.lend()).collect();
        assert_eq!(lent.len(), 2);
        let taken: Vec<InUse> = std::iter::from_fn(|| all.take()).collect();
        assert_eq!(taken.len(), 8);
        assert!(other.lend().is_none());
        drop(lent);
        assert!(other.lend().is_some() && one.lend().is_some());
    }

    #[test]
    fn this_process_has_some() {
        assert!(Descriptors::of_this_process().share().lend().is_some());
    }
}
