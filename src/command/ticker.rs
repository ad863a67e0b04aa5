//! The clock of time slices: a thread that ticks while commands run, and for a while after the last, and sleeps
//! otherwise. To wake it costs the commands that run one after another more than its ticking.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

use super::runtime::ThreadWork;

/// How long one command runs before others get their turn, and how soon a signal ends a loop.
const SLICE: Duration = Duration::from_millis(10);

/// Slices without a command after which the thread sleeps.
const IDLE_SLICES: u32 = 10;

/// Counts the commands that run, and ticks while there are any.
pub(super) struct Ticker {
    running: Arc<AtomicU32>,
    thread: Thread,
}

impl Ticker {
    /// Starts the thread. It ends with the process.
    pub(super) fn start(engine: Engine, start: fn(ThreadWork) -> io::Result<Thread>) -> io::Result<Ticker> {
        let running = Arc::new(AtomicU32::new(0));
        let counter = running.clone();
        let tick: ThreadWork = Box::new(move || {
            let mut idle = 0;
            loop {
                let is_idle = counter.load(Ordering::SeqCst) == 0;
                if is_idle && idle >= IDLE_SLICES {
                    // Whoever makes it more unparks, before or after this thread parks.
                    thread::park();
                    continue;
                }
                idle = if is_idle { idle + 1 } else { 0 };
                thread::sleep(SLICE);
                engine.increment_epoch();
            }
        });
        Ok(Ticker { running, thread: start(tick)? })
    }

    /// Counts one more command, if they are not `most` already. Whoever enters has [`wake`](Self::wake) called.
    pub(super) fn enter(self: &Arc<Self>, most: u32) -> Option<Running> {
        let more = |running| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        Some(Running(self.clone()))
    }

    /// Whether no command runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }

    /// Lets the thread see that commands run. Apart from [`enter`](Self::enter) so that it can come after the command
    /// was handed to the thread that runs it, for which somebody waits.
    pub(super) fn wake(&self) {
        self.thread.unpark();
    }
}

/// Counts as one running command until it is dropped.
pub(super) struct Running(Arc<Ticker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
