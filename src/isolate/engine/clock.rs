//! The time as guest code sees it.
//!
//! V8 reads the wall clock through libc's `gettimeofday` for `Date`, `Intl` and `Temporal` alike, and its platform
//! clock cannot be replaced. So this module defines that symbol for the whole executable: on the isolate's thread it
//! answers with what [`GuestClock`] has shown last, everywhere else with the real time. Freezing natively leaves
//! nothing for guest code to get around.
//!
//! One function, `GuestClock::read`, makes every time of a VM from the machine's clocks. Where clocks are frozen it gives
//! whole milliseconds, at a phase that is random for each VM, and the isolate's thread takes a new reading only when
//! something outside has happened: a job, a timer, an answer.

use std::cell::Cell;
use std::time::{Duration, Instant};

use kernel::Clock;
use protocol::config::TimingMitigation;

/// What frozen clocks are rounded to.
const STEP: Duration = Duration::from_millis(1);

/// How far after the time that guest code is shown the real time can be: no turn lasts longer than `limits.wallTimeMs`
/// may say.
const TURN_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What the clocks of one VM show at a moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Since the Unix epoch.
    wall: Duration,
    /// Since the VM's beginning.
    monotonic: Duration,
    /// When they came to show it.
    since: Instant,
}

/// How clocks are rounded. Up or down, so that whole milliseconds stay what they are: a file's time of a whole second is
/// shown as that second.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// What is added before the wall clock is cut to whole steps; less than one.
    wall: Duration,
    /// The same for monotonic time, such that both clocks move at the same moments.
    monotonic: Duration,
}

fn cut(time: Duration, phase: Duration) -> Duration {
    let time = time + phase;
    time - rest(time)
}

/// What is beyond whole steps.
fn rest(time: Duration) -> Duration {
    Duration::from_nanos(u64::from(time.subsec_nanos()) % STEP.as_nanos() as u64)
}

/// The clocks of one VM, for its isolate, its kernel and its commands. What the isolate's thread asks stands still with
/// the rest of its clocks; commands, on other threads, see time pass, on the same grid.
#[derive(Clone, Copy, Debug)]
pub struct GuestClock {
    /// None where clocks run freely.
    grid: Option<Grid>,
    /// The VM's beginning, on both clocks.
    origin: Instant,
    born: Duration,
}

thread_local! {
    /// The clock of this thread's isolate, once that is a VM's.
    static CLOCK: Cell<Option<GuestClock>> = const { Cell::new(None) };
    /// What this thread is told while its clock stands still; `None` when it runs.
    static FROZEN: Cell<Option<Reading>> = const { Cell::new(None) };
}

fn real() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().min(999_999_999) as u32)
}

impl GuestClock {
    /// The clocks of a VM that begins now.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(mitigation: TimingMitigation) -> std::io::Result<GuestClock> {
        let (origin, born) = (Instant::now(), real());
        let grid = match mitigation {
            TimingMitigation::Off => None,
            TimingMitigation::Freeze => {
                let mut bytes = [0; 4];
                getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
                Some(Grid::new(Duration::from_nanos(u32::from_le_bytes(bytes).into()), born))
            }
        };
        Ok(GuestClock { grid, origin, born })
    }

    /// What the clocks show now.
    fn read(&self) -> Reading {
        self.at(Instant::now(), real())
    }

    /// What they show when the machine's say this.
    fn at(&self, now: Instant, wall: Duration) -> Reading {
        let monotonic = now.saturating_duration_since(self.origin);
        let Some(grid) = self.grid else { return Reading { wall, monotonic, since: now } };
        let since = now - rest(monotonic + grid.monotonic).min(monotonic);
        Reading { wall: cut(wall, grid.wall), monotonic: cut(monotonic, grid.monotonic), since }
    }

    /// What this thread is shown.
    fn shown(&self) -> Reading {
        FROZEN.get().unwrap_or_else(|| self.read())
    }

    /// The same for one who does not look at the wall clock, which takes as long to read as the other.
    fn shown_monotonic(&self) -> Reading {
        FROZEN.get().unwrap_or_else(|| self.at(Instant::now(), Duration::ZERO))
    }

    /// A time that the host gave a file, for somebody whose clock stands still at `frozen`.
    fn file_time(&self, time: Duration, frozen: Option<Duration>) -> Duration {
        let Some(grid) = self.grid else { return time };
        if time < self.born {
            // It tells nothing about what the VM does.
            return time;
        }
        match frozen {
            // Perhaps what the host's clock says in this very turn. Whether it really is may not be told either, or
            // a time that the guest set would show when it has come.
            Some(now) if time > now && time <= now + TURN_MAX => now,
            _ => cut(time, grid.wall),
        }
    }
}

impl Grid {
    /// With a random phase, of a VM that was born then.
    fn new(random: Duration, born: Duration) -> Grid {
        let wall = rest(random);
        Grid { wall, monotonic: rest(born + wall) }
    }
}

/// Makes this the clock of this thread.
pub(crate) fn begin(clock: GuestClock) {
    CLOCK.set(Some(clock));
    advance();
}

/// Something outside has happened: frozen clocks jump to the present.
pub(crate) fn advance() {
    FROZEN.set(CLOCK.get().filter(|clock| clock.grid.is_some()).map(|clock| clock.read()));
}

/// Wall time since the Unix epoch, as guest code may see it.
pub fn wall() -> Duration {
    FROZEN.get().map_or_else(real, |reading| reading.wall)
}

/// Monotonic time, as guest code may see it.
pub fn monotonic() -> Duration {
    CLOCK.get().map_or(Duration::ZERO, |clock| clock.shown_monotonic().monotonic)
}

/// The monotonic time that would be shown now if this thread's clocks did not stand still, if that is a later one.
pub(crate) fn behind() -> Option<Duration> {
    let (shown, clock) = (FROZEN.get()?, CLOCK.get()?);
    let now = clock.at(Instant::now(), Duration::ZERO).monotonic;
    (now > shown.monotonic).then_some(now)
}

/// The moment from which a timer that is started now is counted: where clocks are frozen, when they came to show what
/// they show, so that the order of timers tells nothing about what passed since.
pub fn moment() -> Instant {
    CLOCK.get().map_or_else(Instant::now, |clock| clock.shown_monotonic().since)
}

/// The moment by which timers are due now.
pub fn present() -> Instant {
    CLOCK.get().map_or_else(Instant::now, |clock| clock.at(Instant::now(), Duration::ZERO).since)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Clock for GuestClock {
    fn realtime(&self) -> u64 {
        nanoseconds(self.shown().wall)
    }

    fn monotonic(&self) -> u64 {
        nanoseconds(self.shown_monotonic().monotonic)
    }

    fn resolution(&self) -> u64 {
        if self.grid.is_some() { nanoseconds(STEP) } else { 1000 }
    }

    fn host_time(&self, time: u64) -> u64 {
        let frozen = FROZEN.get().map(|reading| reading.wall);
        nanoseconds(self.file_time(Duration::from_nanos(time), frozen))
    }

    fn own_time(&self, time: u64) -> u64 {
        let Some(Reading { wall, .. }) = FROZEN.get() else { return time };
        let time = Duration::from_nanos(time);
        // What is between whole steps is the order in which files changed, others' among them: it would be a clock.
        nanoseconds((time - rest(time)).min(wall))
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

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    /// Frozen clocks with a phase of 300 us, of a VM born 250 us after a whole millisecond.
    fn clock() -> GuestClock {
        let born = Duration::from_secs(1000) + 250 * US;
        GuestClock { grid: Some(Grid::new(7 * STEP + 300 * US, born)), origin: Instant::now(), born }
    }

    #[test]
    fn both_clocks_show_whole_steps_and_move_at_the_same_moments() {
        let clock = clock();
        let at = |after: Duration| clock.at(clock.origin + after, clock.born + after);
        let mut before = at(Duration::ZERO);
        let mut moves = Vec::new();
        for after in (0..5000).map(|us| us * US) {
            let shown = at(after);
            assert!(rest(shown.wall).is_zero() && rest(shown.monotonic).is_zero());
            assert!(shown.since <= clock.origin + after && clock.origin + after - shown.since < STEP);
            let (wall, monotonic) = (shown.wall - before.wall, shown.monotonic - before.monotonic);
            assert_eq!(wall, monotonic, "after {after:?}");
            if wall > Duration::ZERO {
                assert_eq!((wall, shown.since), (STEP, clock.origin + after));
                moves.push(after.as_micros());
            }
            before = shown;
        }
        // 250 us past a whole step and 300 more: the next is 450 us away.
        assert_eq!(moves, [450, 1450, 2450, 3450, 4450]);
    }

    #[test]
    fn free_clocks_show_what_there_is() {
        let clock = GuestClock { grid: None, ..clock() };
        let (now, wall) = (clock.origin + 1234 * US, clock.born + 1234 * US);
        let shown = clock.at(now, wall);
        assert_eq!((shown.wall, shown.monotonic, shown.since), (wall, 1234 * US, now));
        assert_eq!(clock.file_time(wall, Some(clock.born)), wall);
    }

    #[test]
    fn times_that_were_given_to_files_are_whole_steps_and_none_is_to_come() {
        let now = Duration::from_secs(1000);
        FROZEN.set(Some(Reading { wall: now, monotonic: Duration::ZERO, since: Instant::now() }));
        let seen = |time: Duration| Duration::from_nanos(clock().own_time(nanoseconds(time)));
        let order = Duration::from_nanos(7);
        for (given, shown) in [
            (now - STEP, now - STEP),
            (now - STEP + order, now - STEP),
            (now + order, now),
            (now + STEP + order, now),
            (now + 100 * STEP, now),
        ] {
            assert_eq!(seen(given), shown, "{given:?}");
        }
        FROZEN.set(None);
        assert_eq!(seen(now + STEP + order), now + STEP + order);
    }

    #[test]
    fn times_of_files_tell_no_more_than_the_clock() {
        let clock = clock();
        let now = clock.born + 10 * STEP - rest(clock.born + 10 * STEP);
        let seen = |time: Duration| clock.file_time(time, Some(now));
        // Older than the VM, or of a whole step: as it is.
        assert_eq!(seen(clock.born - 3 * US), clock.born - 3 * US);
        assert_eq!(seen(now - 3 * STEP), now - 3 * STEP);
        assert_eq!(seen(now - 3 * STEP + 100 * US), now - 3 * STEP);
        assert_eq!(seen(now - 3 * STEP + 800 * US), now - 2 * STEP);
        // Of this turn, as far as anybody can know.
        for later in [US, STEP, 100 * STEP, TURN_MAX] {
            assert_eq!(seen(now + later), now, "{later:?}");
        }
        let far = now + TURN_MAX + STEP;
        assert_eq!(seen(far), far);
        // Whose clock runs sees the present, on the grid.
        assert_eq!(clock.file_time(now + 5 * STEP + US, None), now + 5 * STEP);
    }
}
