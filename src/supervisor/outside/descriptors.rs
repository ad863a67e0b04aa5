//! The descriptors of this process that VMs may have, in shares.
//!
//! A process that is out of descriptors can accept no client and start no worker, so what guests can open is counted
//! against what is left when everything else has what it needs. Knows no VM and no file.

use std::sync::Arc;

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors that are not given to VMs: connections, the launcher and its channels, channels of workers that wait,
/// directories that are open while a path is resolved. Where there are few, a quarter of all.
const RESERVE: usize = 512;
/// However few there are, a process has some for its VMs.
const LEAST: usize = 64;
/// Files and directories of the host that one VM may have open, where there are enough.
const VM_MOST: usize = 512;

/// The descriptors that all VMs of a supervisor may have: half for their channels, so that whatever is open in some
/// there can be others, and the rest for files of the host.
#[derive(Clone)]
pub(crate) struct Descriptors {
    channels: Arc<Semaphore>,
    files: Arc<Semaphore>,
    /// How many one VM may have of the host's files.
    share: usize,
}

/// A VM's channel, until this is dropped.
pub(crate) struct Channel {
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
        Descriptors::new((limit - RESERVE.min(limit / 4)).clamp(LEAST, Semaphore::MAX_PERMITS))
    }

    fn new(most: usize) -> Descriptors {
        let channels = most / 2;
        let files = most - channels;
        Descriptors {
            channels: Arc::new(Semaphore::new(channels)),
            files: Arc::new(Semaphore::new(files)),
            share: VM_MOST.min(files / 4),
        }
    }

    /// One for a VM's channel, if one is left.
    pub(crate) fn channel(&self) -> Option<Channel> {
        self.channels.clone().try_acquire_owned().ok().map(|permit| Channel { _permit: permit })
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
        let of_all = self.all.files.clone().try_acquire_owned().ok()?;
        Some(Lent { _of_all: of_all, _of_share: of_share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_has_its_share_and_all_have_no_more_than_there_are() {
        let all = Descriptors::new(24);
        let lend_all = |share: &Share| -> Vec<Lent> { std::iter::from_fn(|| share.lend()).collect() };
        let shares: Vec<Share> = (0..5).map(|_| all.share()).collect();
        let mut lent: Vec<Vec<Lent>> = shares.iter().map(lend_all).collect();
        assert_eq!(lent.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 3, 0]);
        // Whatever is lent, there is something for VMs.
        let channels: Vec<Channel> = std::iter::from_fn(|| all.channel()).collect();
        assert_eq!(channels.len(), 12);
        lent.pop();
        lent.pop();
        assert!(shares[4].lend().is_some());
    }

    #[test]
    fn this_process_has_some() {
        assert!(Descriptors::of_this_process().share().lend().is_some());
    }
}
