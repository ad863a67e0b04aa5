//! The time as guest code sees it on the isolate's thread.
//!
//! V8 reads the wall clock through libc's `gettimeofday` for `Date`, `Intl` and `Temporal` alike, and its platform
//! clock cannot be replaced. So this module defines that symbol for the whole executable: on the isolate's thread it
//! answers with the instant at which the present turn of the event loop began, everywhere else with the real time.
//! Freezing natively leaves nothing for guest code to get around.

use std::cell::Cell;
use std::time::Duration;

use kernel::Clock;

#[derive(Clone, Copy)]
struct Reading {
    /// Since the Unix epoch.
    wall: Duration,
    /// Since some start.
    monotonic: Duration,
}

thread_local! {
    /// What this thread is told while its clock stands still; `None` when it runs.
    static FROZEN: Cell<Option<Reading>> = const { Cell::new(None) };
    /// Whether turns freeze the clock of this thread.
    static FREEZES: Cell<bool> = const { Cell::new(false) };
}

fn real(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().min(999_999_999) as u32)
}

fn read() -> Reading {
    Reading { wall: real(rustix::time::ClockId::Realtime), monotonic: real(rustix::time::ClockId::Monotonic) }
}

/// Says whether the clock of this thread stands still within a turn.
pub(crate) fn set_freezing(freezes: bool) {
    FREEZES.set(freezes);
    FROZEN.set(freezes.then(read));
}

/// A turn of the event loop begins: the clock jumps to the present.
pub(crate) fn begin_turn() {
    if FREEZES.get() {
        FROZEN.set(Some(read()));
    }
}

/// Wall time since the Unix epoch, as guest code may see it.
pub(crate) fn wall() -> Duration {
    FROZEN.get().map_or_else(|| real(rustix::time::ClockId::Realtime), |reading| reading.wall)
}

/// Monotonic time, as guest code may see it.
pub(crate) fn monotonic() -> Duration {
    FROZEN.get().map_or_else(|| real(rustix::time::ClockId::Monotonic), |reading| reading.monotonic)
}

/// The kernel's clock for a VM with an isolate: what the isolate's thread asks (the times of files it writes) stands
/// still with the rest of its clocks; commands, on other threads, see time pass.
#[derive(Debug, Default)]
pub struct GuestClock;

impl Clock for GuestClock {
    fn realtime(&self) -> u64 {
        u64::try_from(wall().as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// libc's `gettimeofday`, for every caller in this executable.
///
/// # Safety
/// `time` is null or points to a `timeval` that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, _zone: *mut libc::c_void) -> libc::c_int {
    if !time.is_null() {
        let now = wall();
        // SAFETY: not null, and the caller vouches that it points to a `timeval`.
        unsafe {
            (*time).tv_sec = now.as_secs() as libc::time_t;
            (*time).tv_usec = libc::suseconds_t::from(now.subsec_micros());
        }
    }
    0
}
