//! The time as the VM sees it.
//!
//! The kernel reads time only through [`Clock`], so that `timingMitigation` can freeze it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the VM's time comes from.
pub trait Clock: Send + Sync {
    /// Nanoseconds since the Unix epoch.
    fn realtime(&self) -> u64;
    /// Nanoseconds since some fixed point that never jumps; the VM's start is a good one.
    fn monotonic(&self) -> u64;
    /// Nanoseconds by which two readings that differ do so at least.
    fn resolution(&self) -> u64 {
        1000
    }
    /// A time that a host has given a file, nanoseconds since the epoch, as the VM may see it now: it must not tell more
    /// than this clock does.
    fn host_time(&self, time: u64) -> u64 {
        time
    }
    /// The same of a time that this clock has given, perhaps to somebody for whom it has gone on further.
    fn own_time(&self, time: u64) -> u64 {
        time
    }
}

/// The machine's own clocks; monotonic time starts when it is made.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn realtime(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
