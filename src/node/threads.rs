//! What the threads of a program are to each other: numbers, the broadcast channels and the environment that they may share,
//! and what one is started with. Nothing here touches V8; the binding `worker` starts them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use isolate::library::{memory_for, monotonic};
use kernel::Process;
use serde_json::{Map, Value};

use crate::bindings::messaging::Port;
use crate::locks::Locks;

/// How many limits of a thread's resources there are: young generation, old generation, room for code, stack; in MiB.
pub(crate) const LIMITS: usize = 4;

/// Most bytes of an environment that threads share.
const VARIABLES_MAX: usize = 8 * 1024 * 1024;

/// Locks; what a thread that holds one does ends with the process if it panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The threads of one program, its main one included.
#[derive(Default)]
pub(crate) struct Group {
    last: AtomicU32,
    channels: Mutex<HashMap<String, Vec<Weak<Port>>>>,
    /// What they lock.
    pub locks: Locks,
}

impl Group {
    /// The number of a new thread. The main one has 0.
    pub fn number(&self) -> u32 {
        self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Whether there has been more than the main one.
    pub fn is_shared(&self) -> bool {
        self.last.load(Ordering::Relaxed) != 0
    }

    /// Adds a port to a broadcast channel.
    pub fn join_channel(&self, name: &str, port: &Arc<Port>) {
        let mut channels = lock(&self.channels);
        channels.retain(|_, members| {
            members.retain(|member| member.strong_count() > 0);
            !members.is_empty()
        });
        channels.entry(name.to_owned()).or_default().push(Arc::downgrade(port));
    }

    /// The other ports of a broadcast channel.
    pub fn others_in(&self, name: &str, port: &Arc<Port>) -> Vec<Arc<Port>> {
        let channels = lock(&self.channels);
        let members = channels.get(name).into_iter().flatten().filter_map(Weak::upgrade);
        members.filter(|member| !Arc::ptr_eq(member, port)).collect()
    }
}

/// An environment that threads share.
pub(crate) struct Variables(Mutex<Vec<(String, String)>>);

impl Variables {
    pub fn new(pairs: Vec<(String, String)>) -> Arc<Variables> {
        Arc::new(Variables(Mutex::new(pairs)))
    }

    pub fn get(&self, name: &str) -> Option<String> {
        lock(&self.0).iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Sets one; false if there is no room for it.
    pub fn set(&self, name: String, value: String) -> bool {
        let mut pairs = lock(&self.0);
        let taken: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        let added = name.len() + value.len();
        if taken.saturating_add(added) > VARIABLES_MAX || !memory_for(added) {
            return false;
        }
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => pairs.push((name, value)),
        }
        true
    }

    pub fn remove(&self, name: &str) {
        lock(&self.0).retain(|(known, _)| known != name);
    }

    pub fn names(&self) -> Vec<String> {
        lock(&self.0).iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The environment of a thread.
pub(crate) enum Environment {
    Own(Vec<(String, String)>),
    Shared(Arc<Variables>),
}

/// What a thread is started with.
pub(crate) struct Start {
    pub number: u32,
    pub name: String,
    pub is_internal: bool,
    pub group: Arc<Group>,
    /// To the thread that starts it.
    pub port: Arc<Port>,
    pub environment: Environment,
    pub exec_arguments: Vec<String>,
    pub options: Map<String, Value>,
    pub limits: [f64; LIMITS],
    /// Descriptors that it opens and does not close are closed at its end.
    pub tracks_descriptors: bool,
    pub started: Arc<Started>,
}

/// When a thread began to wait for its events, as its clock shows it: nanoseconds; 0 before.
#[derive(Default)]
pub(crate) struct Started(AtomicU64);

impl Started {
    /// In milliseconds.
    pub fn at(&self) -> Option<f64> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            nanoseconds => Some(nanoseconds as f64 / 1e6),
        }
    }
}

/// What a thread is, in its own realm.
pub(crate) struct Own {
    pub number: u32,
    pub name: String,
    pub is_internal: bool,
    pub group: Arc<Group>,
    /// Until it has an object.
    pub port: RefCell<Option<Arc<Port>>>,
    pub port_object: RefCell<Option<v8::Global<v8::Object>>>,
    pub environment: Environment,
    pub exec_arguments: Vec<String>,
    pub options: Map<String, Value>,
    pub limits: [f64; LIMITS],
    tracks_descriptors: bool,
    descriptors: RefCell<HashSet<u32>>,
    started: Arc<Started>,
}

impl Own {
    pub fn new(start: Start) -> Own {
        let Start {
            number,
            name,
            is_internal,
            group,
            port,
            environment,
            exec_arguments,
            options,
            limits,
            tracks_descriptors,
            started,
        } = start;
        Own {
            number,
            name,
            is_internal,
            group,
            port: RefCell::new(Some(port)),
            port_object: RefCell::default(),
            environment,
            exec_arguments,
            options,
            limits,
            tracks_descriptors,
            descriptors: RefCell::default(),
            started,
        }
    }

    /// A descriptor was opened. Gives what the program is told if it should have been closed before.
    pub fn opened(&self, descriptor: u32) -> Option<String> {
        let is_new = !self.tracks_descriptors || self.descriptors.borrow_mut().insert(descriptor);
        (!is_new).then(|| format!("File descriptor {descriptor} opened in unmanaged mode twice"))
    }

    /// A descriptor was closed. Gives what the program is told if it was not open.
    pub fn closed(&self, descriptor: u32) -> Option<String> {
        let was_open = !self.tracks_descriptors || self.descriptors.borrow_mut().remove(&descriptor);
        (!was_open).then(|| format!("File descriptor {descriptor} closed but not opened in unmanaged mode"))
    }

    /// Closes those that are left.
    pub fn close_descriptors(&self, process: &Process) {
        for descriptor in self.descriptors.take() {
            let _ = process.fds().close(descriptor);
        }
    }

    /// Its main script has run.
    pub fn note_start(&self) {
        let now = u64::try_from(monotonic().as_nanos()).unwrap_or(u64::MAX);
        self.started.0.store(now.max(1), Ordering::Release);
    }
}
