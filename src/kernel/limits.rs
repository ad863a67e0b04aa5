//! What one VM may use, and the counters that hold it to that.
//!
//! Every structure that a guest can make grow takes from one of these counters before it grows and gives back when it
//! is dropped. Nothing here knows what is being counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The limits of one VM. There is no "unlimited": every field is a number that somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelLimits {
    /// Memory that files, directory entries and symbolic links may take together; holes in files take none.
    /// Exceeded: `ENOSPC`.
    pub filesystem_bytes: u64,
    /// Files, directories and symbolic links together. Exceeded: `ENOSPC`.
    pub inodes: u64,
    /// Descriptors of one process. Exceeded: `EMFILE`.
    pub descriptors: u32,
    /// Open file descriptions of the whole VM. Exceeded: `ENFILE`.
    pub open_files: u64,
    /// Processes, those that ended and were not waited for included. Exceeded: `EAGAIN`.
    pub processes: u32,
    /// Buffers of all pipes together; each takes [`PIPE_CAPACITY`](crate::PIPE_CAPACITY) while it exists.
    /// Exceeded: `ENFILE`.
    pub pipe_bytes: u64,
    /// What is under way in the buffers of all sockets together; at most
    /// [`SOCKET_CAPACITY`](crate::net::SOCKET_CAPACITY) for each direction of a connection. Exceeded: a writer waits, or
    /// is answered `ENOBUFS`; datagrams are lost.
    pub socket_bytes: u64,
    /// Buffers of all terminals together; each takes [`TERMINAL_COST`](crate::TERMINAL_COST) while it exists. Exceeded:
    /// `ENFILE`.
    pub terminal_bytes: u64,
    /// Arguments and environments of all processes and texts of `/proc` that are open, together. Exceeded: `E2BIG`
    /// for a process, `ENOMEM` for a text.
    pub process_bytes: u64,
}

impl Default for KernelLimits {
    fn default() -> Self {
        KernelLimits {
            filesystem_bytes: 64 << 20,
            inodes: 16_384,
            descriptors: 256,
            open_files: 4096,
            processes: 64,
            pipe_bytes: 16 << 20,
            socket_bytes: 16 << 20,
            terminal_bytes: 16 * crate::TERMINAL_COST,
            process_bytes: 8 << 20,
        }
    }
}

/// How much of a limit is in use.
#[derive(Debug)]
pub(crate) struct Meter {
    used: AtomicU64,
    limit: AtomicU64,
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Arc<Meter> {
        Arc::new(Meter { used: AtomicU64::new(0), limit: AtomicU64::new(limit) })
    }

    /// Takes `amount` if that stays within the limit; nothing can always be taken, also beyond it.
    #[must_use]
    pub(crate) fn take(&self, amount: u64) -> bool {
        let limit = self.limit();
        let within = |used: u64| used.checked_add(amount).filter(|&sum| sum <= limit);
        amount == 0 || self.used.fetch_update(Relaxed, Relaxed, within).is_ok()
    }

    /// Takes `amount` whatever the limit says: for what the kernel itself lays out.
    pub(crate) fn force(&self, amount: u64) {
        self.used.fetch_add(amount, Relaxed);
    }

    /// Gives back what was taken.
    pub(crate) fn give(&self, amount: u64) {
        let before = self.used.fetch_sub(amount, Relaxed);
        debug_assert!(before >= amount, "gave back {amount} of {before}");
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Relaxed)
    }

    /// Sets the limit, which may be below what is in use.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Relaxed);
    }
}

/// A share of a meter that is given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    meter: Arc<Meter>,
    amount: u64,
}

impl Share {
    pub(crate) fn take(meter: &Arc<Meter>, amount: u64) -> Option<Share> {
        meter.take(amount).then(|| Share { meter: meter.clone(), amount })
    }

    /// A share whatever the limit says: for what the kernel itself lays out.
    pub(crate) fn force(meter: &Arc<Meter>, amount: u64) -> Share {
        meter.force(amount);
        Share { meter: meter.clone(), amount }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.meter.give(self.amount);
    }
}

/// What is in use of a filesystem, as `statvfs` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesystemUsage {
    /// Bytes in use.
    pub bytes_used: u64,
    /// The byte quota.
    pub bytes_limit: u64,
    /// Inodes in use.
    pub inodes_used: u64,
    /// The inode quota.
    pub inodes_limit: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_given_back_when_dropped_and_the_limit_holds() {
        let meter = Meter::new(10);
        let share = Share::take(&meter, 7).unwrap();
        assert!(Share::take(&meter, 4).is_none());
        assert!(!meter.take(u64::MAX));
        drop(share);
        assert_eq!(meter.used(), 0);
        assert!(meter.take(10));
    }
}
