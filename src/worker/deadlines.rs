//! When calls are late: a list of deadlines and the thread that sleeps until the next, so that nothing that waits for
//! files or guest code can put one off. It knows nothing of calls.
//!
//! Whatever ends in time stays in the list until its hour or the next sweep: nearly everything does, and telling the
//! thread each time would cost a change of threads in every call.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::vm::THREAD_STACK;

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
    earlier: Condvar,
}

struct State {
    /// By time, and by number where that is the same.
    list: BTreeMap<(Instant, u64), Weak<dyn Late>>,
    last_number: u64,
    /// The length at which those that have ended are swept out: so many live ones at most make a sweep worth it.
    sweep_at: usize,
    /// How long the thread sleeps by itself; none for ever.
    sleeps_until: Option<Instant>,
}

impl Deadlines {
    /// A list that nobody watches yet.
    pub(super) fn new() -> Arc<Self> {
        let state = State { list: BTreeMap::new(), last_number: 0, sweep_at: SWEEP_MIN, sleeps_until: None };
        Arc::new(Deadlines { state: Mutex::new(state), earlier: Condvar::new() })
    }

    /// Starts the thread, once.
    pub(super) fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let watched = self.clone();
        std::thread::Builder::new()
            .name("deadlines".to_owned())
            .stack_size(THREAD_STACK)
            .spawn(move || watched.watch())?;
        Ok(())
    }

    /// Notes that something is late after that time, unless it has been dropped by then. One that lies beyond what the
    /// clock can say never comes.
    pub(super) fn add(&self, time: Duration, what: Weak<dyn Late>) {
        let Some(at) = Instant::now().checked_add(time) else { return };
        let state = &mut *self.state.lock();
        if state.list.len() >= state.sweep_at {
            state.list.retain(|_, what| what.strong_count() > 0);
            state.sweep_at = SWEEP_MIN.max(2 * state.list.len());
        }
        state.last_number += 1;
        state.list.insert((at, state.last_number), what);
        if state.sleeps_until.is_none_or(|until| at < until) {
            self.earlier.notify_one();
        }
    }

    fn watch(&self) {
        let mut state = self.state.lock();
        loop {
            let later = state.list.split_off(&(Instant::now(), u64::MAX));
            let due = std::mem::replace(&mut state.list, later);
            if !due.is_empty() {
                state.sleeps_until = None;
                parking_lot::MutexGuard::unlocked(&mut state, || {
                    due.into_values().filter_map(|what| what.upgrade()).for_each(|what| what.late());
                });
                continue;
            }
            while let Some(first) = state.list.first_entry()
                && first.get().strong_count() == 0
            {
                first.remove();
            }
            state.sleeps_until = state.list.first_key_value().map(|((at, _), _)| *at);
            match state.sleeps_until {
                Some(until) => drop(self.earlier.wait_until(&mut state, until)),
                None => self.earlier.wait(&mut state),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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
        deadlines.start_thread().unwrap();
        let (sender, late) = mpsc::channel();
        let [ended, later, earlier] = [1, 2, 3].map(|number| Arc::new(Tells(number, sender.clone())));
        deadlines.add(Duration::from_millis(60), weak(&ended));
        deadlines.add(Duration::from_millis(50), weak(&later));
        deadlines.add(Duration::from_millis(5), weak(&earlier));
        deadlines.add(Duration::MAX, weak(&earlier));
        drop(ended);
        assert_eq!(late.recv(), Ok(3));
        assert_eq!(late.recv(), Ok(2));
        assert_eq!(late.recv_timeout(Duration::from_millis(100)), Err(mpsc::RecvTimeoutError::Timeout));
    }

    #[test]
    fn what_ends_in_time_does_not_pile_up() {
        let deadlines = Deadlines::new();
        deadlines.start_thread().unwrap();
        let (sender, _late) = mpsc::channel();
        let lives = Arc::new(Tells(0, sender.clone()));
        deadlines.add(Duration::from_secs(600), weak(&lives));
        for number in 1..10_000 {
            deadlines.add(Duration::from_secs(600), weak(&Arc::new(Tells(number, sender.clone()))));
            assert!(deadlines.state.lock().list.len() <= SWEEP_MIN, "at {number}");
        }
    }
}
