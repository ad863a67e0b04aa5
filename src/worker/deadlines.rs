//! When calls are late: a list of deadlines, which the thread that reads the channel looks at whenever it would wait, so
//! that nothing that waits for files or guest code can put one off. It knows nothing of calls.
//!
//! Whatever ends in time stays in the list until its hour or the next sweep: nearly everything does, and there is
//! nobody to be told.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A list shorter than this is not swept.
const SWEEP_MIN: usize = 64;

/// What can be late.
pub(super) trait Late: Send + Sync {
    /// Its hour has come, and it still exists.
    fn late(&self);
}

/// The deadlines of one VM.
pub(super) struct Deadlines {
    state: Mutex<State>,
}

struct State {
    /// By time, and by number where that is the same.
    list: BTreeMap<(Instant, u64), Weak<dyn Late>>,
    last_number: u64,
    /// The length at which those that have ended are swept out: so many live ones at most make a sweep worth it.
    sweep_at: usize,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Deadlines { state: Mutex::new(State { list: BTreeMap::new(), last_number: 0, sweep_at: SWEEP_MIN }) }
    }

    /// Notes that something is late after that time, unless it has been dropped by then. One that lies beyond what the
    /// clock can say never comes. To be called on the thread that calls [`next`](Self::next), or before there is one.
    pub(super) fn add(&self, time: Duration, what: Weak<dyn Late>) {
        let Some(at) = Instant::now().checked_add(time) else { return };
        let state = &mut *self.state.lock();
        if state.list.len() >= state.sweep_at {
            state.list.retain(|_, what| what.strong_count() > 0);
            state.sweep_at = SWEEP_MIN.max(2 * state.list.len());
        }
        state.last_number += 1;
        state.list.insert((at, state.last_number), what);
    }

    /// Tells everything whose hour has come. Gives the next hour.
    pub(super) fn next(&self) -> Option<Instant> {
        loop {
            let mut state = self.state.lock();
            let ((at, _), what) = state.list.first_key_value()?;
            let late = match what.upgrade() {
                Some(_) if *at > Instant::now() => return Some(*at),
                late => late,
            };
            state.list.pop_first();
            drop(state);
            if let Some(late) = late {
                late.late();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    struct Tells(u32, mpsc::Sender<u32>);

    impl Late for Tells {
        fn late(&self) {
            let _ = self.1.send(self.0);
        }
    }

    fn weak(what: &Arc<Tells>) -> Weak<dyn Late> {
        let what: Arc<dyn Late> = what.clone();
        Arc::downgrade(&what)
    }

    #[test]
    fn the_earlier_deadline_comes_first_and_what_has_ended_is_never_late() {
        let deadlines = Deadlines::new();
        let (sender, late) = mpsc::channel();
        let [ended, later, earlier] = [1, 2, 3].map(|number| Arc::new(Tells(number, sender.clone())));
        deadlines.add(Duration::from_millis(60), weak(&ended));
        deadlines.add(Duration::from_millis(50), weak(&later));
        deadlines.add(Duration::from_millis(5), weak(&earlier));
        deadlines.add(Duration::MAX, weak(&earlier));
        drop(ended);
        while let Some(next) = deadlines.next() {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        assert_eq!(late.try_iter().collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn what_ends_in_time_does_not_pile_up() {
        let deadlines = Deadlines::new();
        let (sender, _late) = mpsc::channel();
        let lives = Arc::new(Tells(0, sender.clone()));
        deadlines.add(Duration::from_secs(600), weak(&lives));
        for number in 1..10_000 {
            deadlines.add(Duration::from_secs(600), weak(&Arc::new(Tells(number, sender.clone()))));
            assert!(deadlines.state.lock().list.len() <= SWEEP_MIN, "at {number}");
        }
    }
}
