//! The clock of time slices: a thread that ticks while commands run and sleeps otherwise.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How long one command runs before others get their turn, and how soon a signal ends a loop.
const SLICE: Duration = Duration::from_millis(10);

/// Stack of the thread, which does next to nothing.
const STACK: usize = 64 * 1024;

/// Counts the commands that run, and ticks while there are any.
pub(super) struct Ticker {
    running: Arc<AtomicU32>,
    thread: Thread,
}

impl Ticker {
    /// Starts the thread. It ends with the process.
    pub(super) fn start(engine: Engine) -> io::Result<Ticker> {
        let running = Arc::new(AtomicU32::new(0));
        let counter = running.clone();
        let thread = thread::Builder::new().name("ticks".into()).stack_size(STACK).spawn(move || {
            loop {
                // Whoever makes it more unparks, before or after this thread parks.
                while counter.load(Ordering::SeqCst) == 0 {
                    thread::park();
                }
                thread::sleep(SLICE);
                engine.increment_epoch();
            }
        })?;
        Ok(Ticker { running, thread: thread.thread().clone() })
    }

    /// Counts one more command, if they are not `most` already. Whoever enters has [`wake`](Self::wake) called.
    pub(super) fn enter(self: &Arc<Self>, most: u32) -> Option<Running> {
        let more = |running| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        Some(Running(self.clone()))
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
