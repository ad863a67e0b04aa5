//! What the parts of the isolate share: the realms (one V8 context each, with everything that belongs to it) and the
//! way from a V8 callback back to them.
//!
//! All of it lives on the isolate's thread. No `RefCell` here is borrowed while guest code can run.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use crate::Platform;
use crate::Settings;
use crate::platform::modules::ModuleMap;
use crate::realm::resources::Resources;
use crate::run::inbox::Inbox;
use crate::run::operations::{Operations, Settled};
use crate::run::outcome::{ContextId, Job, JobId};
use crate::run::timers::Timers;
use kernel::Process;
use protocol::engine::WasmLevel;

pub(crate) type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// Names a realm in tables and in its context's embedder data: an integer, since no pointer may lie in V8's sandbox.
pub(crate) type RealmId = u32;

/// The context's embedder field that holds the realm's number.
const REALM_FIELD: i32 = 0;

/// Shared by everything that belongs to one isolate.
pub(crate) struct Core {
    pub inbox: Arc<Inbox>,
    pub platform: Platform,
    pub wasm: WasmLevel,
    pub settings: OnceCell<Settings>,
    pub realms: RefCell<HashMap<RealmId, Rc<Realm>>>,
    pub operations: RefCell<Operations>,
    pub next_realm: Cell<RealmId>,
}

impl Core {
    /// The core of the isolate that a callback runs in.
    pub fn of(isolate: &v8::Isolate) -> Rc<Core> {
        isolate.get_slot::<Rc<Core>>().expect("set when the isolate was created").clone()
    }

    pub fn settings(&self) -> &Settings {
        self.settings.get().expect("guest code runs after the claim only")
    }

    pub fn limits(&self) -> &protocol::config::Limits {
        &self.settings().limits
    }

    pub fn realm(&self, id: RealmId) -> Option<Rc<Realm>> {
        self.realms.borrow().get(&id).cloned()
    }

    /// The realm of a context; `None` once it was disposed of.
    pub fn realm_of(
        &self,
        scope: &mut Scope<'_, '_>,
        context: v8::Local<'_, v8::Context>,
    ) -> Option<Rc<Realm>> {
        let field = context.get_embedder_data(scope, REALM_FIELD)?;
        self.realm(field.uint32_value(scope)?)
    }

    /// The realm of the native function that is running.
    pub fn current_realm(&self, scope: &mut Scope<'_, '_>) -> Option<Rc<Realm>> {
        let context = scope.get_current_context();
        self.realm_of(scope, context)
    }
}

/// What the bootstrap JavaScript hands back to Rust.
pub(crate) struct Hooks {
    /// Functions by name; see the end of `guest-shim/js/src/main.js`.
    pub object: v8::Global<v8::Object>,
}

/// What a job waits for.
#[derive(Clone)]
pub(crate) enum Awaited {
    /// Its program is still to be run.
    Nothing,
    /// The promise of a module, or of an expression.
    Promise(v8::Global<v8::Promise>),
}

/// The job that a realm runs now.
pub(crate) struct ActiveJob {
    pub id: JobId,
    /// Ends with the value of `awaited`, else when the realm is idle.
    pub evaluates: bool,
    pub awaited: RefCell<Awaited>,
}

/// One context and all that belongs to it.
pub(crate) struct Realm {
    pub id: RealmId,
    pub context: v8::Global<v8::Context>,
    /// Of its own, so that the microtasks of a realm that was ended never run.
    pub microtasks: v8::MicrotaskQueueHandle,
    pub hooks: OnceCell<Hooks>,
    /// The name by which it is retained; none for the realm of a single job.
    pub retained: Cell<Option<ContextId>>,
    pub active: RefCell<Option<Rc<ActiveJob>>>,
    pub waiting: RefCell<VecDeque<Job>>,
    /// The process of the present job, or of the last one.
    pub process: RefCell<Option<Arc<Process>>>,
    pub modules: RefCell<ModuleMap>,
    pub timers: RefCell<Timers>,
    pub resources: RefCell<Resources>,
    /// Promises that were rejected without a handler since the turn began.
    pub rejections: RefCell<Vec<(v8::Global<v8::Promise>, v8::Global<v8::Value>)>>,
    /// The first exception of this turn that had nowhere to go.
    pub uncaught: RefCell<Option<v8::Global<v8::Value>>>,
    /// Operations under way that keep a job from being over.
    pub pending: Cell<usize>,
    /// What ended while the job was stopped. No more than `pending`.
    pub held: RefCell<Vec<Settled>>,
}

impl Realm {
    pub fn mark(&self, scope: &mut Scope<'_, '_>, context: v8::Local<'_, v8::Context>) {
        let id = v8::Integer::new_from_unsigned(scope, self.id);
        context.set_embedder_data(REALM_FIELD, id.into());
    }

    pub fn process(&self) -> Option<Arc<Process>> {
        self.process.borrow().clone()
    }

    /// Whether a signal has stopped its job: no turn of it begins then.
    pub fn is_stopped(&self) -> bool {
        self.active.borrow().is_some() && self.process().is_some_and(|process| process.stopped().is_some())
    }

    /// Whether nothing is left that could make its code run.
    pub fn is_idle(&self) -> bool {
        self.pending.get() == 0 && !self.timers.borrow().keeps_alive()
    }

    /// A function that the bootstrap handed back.
    pub fn hook<'s>(&self, scope: &mut Scope<'s, '_>, name: &str) -> Option<v8::Local<'s, v8::Function>> {
        let object = v8::Local::new(scope, &self.hooks.get()?.object);
        let key = v8::String::new(scope, name)?;
        object.get(scope, key.into())?.try_cast().ok()
    }
}

/// A V8 string of a Rust one. Too long for V8 (over 512 MiB) becomes the empty string; nothing here is that long.
pub(crate) fn string<'s>(scope: &mut Scope<'s, '_>, text: &str) -> v8::Local<'s, v8::String> {
    v8::String::new(scope, text).unwrap_or_else(|| v8::String::empty(scope))
}
