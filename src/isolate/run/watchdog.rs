//! Ending guest code that has been given less time than its job, as `vm`'s `timeout` does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::run::inbox::Inbox;

/// Ends what runs on the isolate's thread when its time is up. Dropping it takes that back.
pub struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    /// Nobody waits for it any more.
    over: Mutex<bool>,
    changed: Condvar,
    fired: AtomicBool,
}

impl Watchdog {
    pub(crate) fn start(inbox: &Arc<Inbox>, time: Duration) -> Watchdog {
        let shared = Arc::new(Shared {
            over: Mutex::new(false),
            changed: Condvar::new(),
            fired: AtomicBool::new(false),
        });
        let (watched, inbox) = (shared.clone(), inbox.clone());
        let watch = move || {
            let mut over = watched.over.lock();
            if !*over {
                watched.changed.wait_for(&mut over, time);
            }
            // Under the lock, so that nothing is ended that comes after.
            if !*over {
                watched.fired.store(true, Ordering::SeqCst);
                inbox.terminate_running();
            }
        };
        // Without a thread the job's own time is the only bound.
        let _ = std::thread::Builder::new().name("watchdog".to_owned()).stack_size(64 * 1024).spawn(watch);
        Watchdog { shared }
    }

    /// Whether it has ended what ran.
    pub fn has_ended_it(&self) -> bool {
        self.shared.fired.load(Ordering::SeqCst)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.shared.over.lock() = true;
        self.shared.changed.notify_one();
    }
}
