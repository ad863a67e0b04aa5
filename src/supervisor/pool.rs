//! Workers that have been started in advance: one executable, engine profile, platform and layout each, claimed once,
//! never reused.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::worker::Worker;
use crate::supervisor::installation::WorkerChoice;
use protocol::config::{CreateVmConfig, Layout, Platform};

/// What makes two workers interchangeable before they are claimed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    pub(crate) choice: WorkerChoice,
    pub(crate) platform: Platform,
    pub(crate) layout: Layout,
}

impl PoolKey {
    /// What a configuration needs, of the executable that was chosen for it.
    pub(crate) fn new(choice: WorkerChoice, config: &CreateVmConfig) -> PoolKey {
        PoolKey { choice, platform: config.platform, layout: config.engine.layout }
    }
}

/// Kinds of workers, and of templates, that are kept at once; the least recently used kind makes room.
pub(super) const KINDS_MAX: usize = 4;

/// Warm workers by kind.
pub(crate) struct Pool {
    /// Warm workers to keep of each kind that is in use.
    size: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kinds: HashMap<PoolKey, Kind>,
    clock: u64,
}

#[derive(Default)]
struct Kind {
    warm: VecDeque<Worker>,
    /// Workers being started.
    starting: usize,
    last_used: u64,
}

impl Pool {
    pub(crate) fn new(size: usize) -> Arc<Self> {
        Arc::new(Pool { size, state: Mutex::default() })
    }

    /// A warm worker of that kind, the one that has waited longest. From now on workers of that kind are kept.
    pub(crate) fn take(&self, key: &PoolKey) -> Option<Worker> {
        self.used(key, |kind| kind.warm.pop_front())
    }

    /// Workers of that kind are kept from now on.
    pub(crate) fn keep(&self, key: &PoolKey) {
        self.used(key, |_| ());
    }

    /// Whether a worker of that kind waits.
    pub(crate) fn has(&self, key: &PoolKey) -> bool {
        self.state.lock().kinds.get(key).is_some_and(|kind| !kind.warm.is_empty())
    }

    /// Makes a kind the one used last.
    fn used<R>(&self, key: &PoolKey, then: impl FnOnce(&mut Kind) -> R) -> R {
        let mut evicted = None;
        let mut state = self.state.lock();
        state.clock += 1;
        let now = state.clock;
        if !state.kinds.contains_key(key) && state.kinds.len() >= KINDS_MAX {
            let oldest =
                state.kinds.iter().min_by_key(|(_, kind)| kind.last_used).map(|(key, _)| key.clone());
            evicted = oldest.and_then(|oldest| state.kinds.remove(&oldest));
        }
        let kind = state.kinds.entry(key.clone()).or_default();
        kind.last_used = now;
        let result = then(kind);
        drop(state);
        // Its workers are told to end without the lock.
        drop(evicted);
        result
    }

    /// How many more workers of that kind should be started now; the caller starts so many and reports each with
    /// [`Pool::started`].
    pub(crate) fn reserve(&self, key: &PoolKey) -> usize {
        let mut state = self.state.lock();
        let Some(kind) = state.kinds.get_mut(key) else { return 0 };
        let missing = self.size.saturating_sub(kind.warm.len() + kind.starting);
        kind.starting += missing;
        missing
    }

    /// A reserved worker has started, or could not be.
    pub(crate) fn started(&self, key: &PoolKey, worker: Option<Worker>) {
        let mut state = self.state.lock();
        // The kind may have made room meanwhile; then the worker ends here.
        if let Some(kind) = state.kinds.get_mut(key) {
            kind.starting = kind.starting.saturating_sub(1);
            if let Some(worker) = worker {
                kind.warm.push_back(worker);
            }
        }
    }

    /// Lets the workers of a kind go.
    pub(crate) fn clear(&self, key: &PoolKey) {
        let warm = self.state.lock().kinds.get_mut(key).map(|kind| std::mem::take(&mut kind.warm));
        // They are told to end without the lock.
        drop(warm);
    }

    /// How many workers wait.
    pub(crate) fn warm(&self) -> usize {
        self.state.lock().kinds.values().map(|kind| kind.warm.len()).sum()
    }
}
