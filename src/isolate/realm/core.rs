//! What the parts of the isolate share: the realms (one V8 context each, with everything that belongs to it) and the
//! way from a V8 callback back to them.
//!
//! All of it lives on the isolate's thread. No `RefCell` here is borrowed while guest code can run.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use crate::Platform;
use crate::Settings;
use crate::library::Environment;
use crate::realm::numbers::NumberMap;
use crate::realm::resources::Resources;
use crate::run::inbox::Inbox;
use crate::run::operations::{Operations, Settled};
use crate::run::outcome::{ContextId, Job, JobId};
use crate::run::threads::Thread;
use crate::run::watchdog::Watchdog;
use kernel::{Errno, Process};
use protocol::config::TimingMitigation;
use protocol::engine::{EngineProfile, WasmLevel};

/// A scope of V8's in a context.
pub type Scope<'s, 'i> = v8::PinScope<'s, 'i>;

/// Names a realm in tables and in its context's embedder data: an integer, since no pointer may lie in V8's sandbox.
pub(crate) type RealmId = u32;

/// The context's embedder field that holds the realm's number.
const REALM_FIELD: i32 = 0;

/// Fields of a context that the crate `v8` keeps for itself, before the embedder's.
const FIELDS_OF_BINDING: u32 = 2;

unsafe extern "C" {
    /// In the crate's own C++ part, though its Rust part shows it to itself only.
    fn v8__Context__GetNumberOfEmbedderDataFields(context: *const v8::Context) -> u32;
}

/// An embedder's field of a context; none if nobody has set it or one behind it. V8 itself reads it unseen, and gives
/// whatever lies there: of a context that is being made, which callbacks may see.
pub fn context_field<'s>(
    scope: &mut Scope<'s, '_>,
    context: v8::Local<'_, v8::Context>,
    field: i32,
) -> Option<v8::Local<'s, v8::Value>> {
    // SAFETY: the function reads the length of an array of the context, which the handle keeps alive.
    let fields = unsafe { v8__Context__GetNumberOfEmbedderDataFields(&raw const *context) };
    let is_there = u32::try_from(field).is_ok_and(|field| field + FIELDS_OF_BINDING < fields);
    if is_there { context.get_embedder_data(scope, field) } else { None }
}

/// Shared by everything that belongs to one isolate.
pub struct Core {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) profile: EngineProfile,
    pub(crate) platform: Platform,
    pub(crate) wasm: WasmLevel,
    pub(crate) settings: OnceCell<Settings>,
    pub(crate) realms: RefCell<NumberMap<Rc<Realm>>>,
    pub(crate) operations: RefCell<Operations>,
    pub(crate) next_realm: Cell<RealmId>,
    /// What the object with the native functions of a realm is made from.
    pub(crate) natives: OnceCell<v8::Global<v8::ObjectTemplate>>,
}

impl Core {
    /// What JavaScript finds.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// The core of the isolate that a callback runs in.
    ///
    /// # Panics
    /// In an isolate that is not this crate's.
    pub fn of(isolate: &v8::Isolate) -> Rc<Core> {
        isolate.get_slot::<Rc<Core>>().expect("set when the isolate was created").clone()
    }

    /// What the VM is.
    ///
    /// # Panics
    /// Before the claim, when no guest code runs.
    pub fn settings(&self) -> &Settings {
        self.settings.get().expect("guest code runs after the claim only")
    }

    /// The names of the VM's host functions; none before the claim.
    pub fn host_functions(&self) -> &[String] {
        self.settings.get().map_or(&[], |settings| &settings.host_functions)
    }

    /// The ceilings of the VM.
    pub fn limits(&self) -> &protocol::config::Limits {
        &self.settings().limits
    }

    pub(crate) fn realm(&self, id: RealmId) -> Option<Rc<Realm>> {
        self.realms.borrow().get(&id).cloned()
    }

    /// Whether what runs has been told to end: no guest code may be entered any more. V8 itself forgets that once the
    /// code that it ended has been unwound.
    pub fn is_interrupted(&self) -> bool {
        self.inbox.is_interrupted()
    }

    /// What guest WebAssembly is in this isolate.
    pub fn wasm(&self) -> WasmLevel {
        self.wasm
    }

    /// Waits for the kernel on the isolate's thread; `EINTR` when the job that runs is ended meanwhile.
    ///
    /// # Errors
    /// As above.
    pub fn wait<R>(&self, future: impl Future<Output = R>) -> Result<R, Errno> {
        Ok(kernel::block_on(future, self.inbox.interrupt())?)
    }

    /// Notes that the isolate's thread begins or ends to wait for a program: none that the isolate would run starts
    /// meanwhile.
    pub fn set_waits_for_programs(&self, waits: bool) {
        self.inbox.set_waits_for_programs(waits);
    }

    /// As [`wait`](Self::wait), until a deadline: `None` once that has passed.
    ///
    /// # Errors
    /// As above.
    pub fn wait_until<R>(
        &self,
        future: impl Future<Output = R>,
        deadline: Option<std::time::Instant>,
    ) -> Result<Option<R>, Errno> {
        Ok(kernel::block_on_until(future, self.inbox.interrupt(), deadline)?)
    }

    /// Whether guest code's clocks stand still within a turn, and it has no shared memory.
    pub fn is_frozen(&self) -> bool {
        self.settings.get().is_none_or(|settings| settings.timing_mitigation == TimingMitigation::Freeze)
    }

    /// Ends what runs after so long, unless what this returns is dropped before.
    pub fn watch(&self, time: std::time::Duration) -> Watchdog {
        Watchdog::start(&self.inbox, time)
    }

    /// Has the isolate's thread sleep, unless the job that runs is ended meanwhile.
    pub fn sleep(&self, time: std::time::Duration) {
        let _ = self.wait_until(std::future::pending::<()>(), Some(std::time::Instant::now() + time));
    }

    /// The realm of a context; `None` once it was disposed of.
    pub fn realm_of(
        &self,
        scope: &mut Scope<'_, '_>,
        context: v8::Local<'_, v8::Context>,
    ) -> Option<Rc<Realm>> {
        let field = context_field(scope, context, REALM_FIELD)?.try_cast::<v8::Uint32>().ok()?;
        self.realm(field.value())
    }

    /// The realm of the native function that is running.
    pub fn current_realm(&self, scope: &mut Scope<'_, '_>) -> Option<Rc<Realm>> {
        let context = scope.get_current_context();
        self.realm_of(scope, context)
    }
}

/// What a job waits for.
#[derive(Clone)]
pub enum Awaited {
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
pub struct Realm {
    pub(crate) id: RealmId,
    pub(crate) context: v8::Global<v8::Context>,
    /// Of its own, so that the microtasks of a realm that was ended never run.
    pub(crate) microtasks: v8::MicrotaskQueueHandle,
    /// What the library made of it.
    pub(crate) environment: OnceCell<Rc<dyn Environment>>,
    /// The name by which it is retained; none for the realm of a single job.
    pub(crate) retained: Cell<Option<ContextId>>,
    pub(crate) active: RefCell<Option<Rc<ActiveJob>>>,
    pub(crate) waiting: RefCell<VecDeque<Job>>,
    /// The process of the present job, or of the last one.
    pub(crate) process: RefCell<Option<Arc<Process>>>,
    pub(crate) resources: RefCell<Resources>,
    /// Operations under way that keep a job from being over.
    pub(crate) pending: Cell<usize>,
    /// Those among them that do not.
    pub(crate) unreferenced: Cell<usize>,
    /// What ended while the job was stopped. No more than `pending`.
    pub(crate) held: RefCell<Vec<Settled>>,
    /// Threads that its job has started and that have not been waited for.
    pub(crate) threads: RefCell<Vec<Rc<Thread>>>,
}

impl Realm {
    pub(crate) fn mark(&self, scope: &mut Scope<'_, '_>, context: v8::Local<'_, v8::Context>) {
        let id = v8::Integer::new_from_unsigned(scope, self.id);
        context.set_embedder_data(REALM_FIELD, id.into());
    }

    /// The process of the present job, or of the last one.
    pub fn process(&self) -> Option<Arc<Process>> {
        self.process.borrow().clone()
    }

    /// Says what the library makes of this realm: once, as it boots.
    pub fn install(&self, environment: Rc<dyn Environment>) {
        let _ = self.environment.set(environment);
    }

    /// What the library made of this realm; none until it has booted.
    pub fn environment(&self) -> Option<Rc<dyn Environment>> {
        self.environment.get().cloned()
    }

    /// Runs the microtasks that wait.
    pub fn run_microtasks(&self, scope: &mut Scope<'_, '_>) {
        self.microtasks.perform_checkpoint(scope);
    }

    /// Has a function called with the realm's microtasks.
    pub fn enqueue_microtask(&self, scope: &mut Scope<'_, '_>, function: v8::Local<'_, v8::Function>) {
        self.microtasks.enqueue_microtask(scope, function);
    }

    /// Whether a name keeps it for further jobs.
    pub fn is_retained(&self) -> bool {
        self.retained.get().is_some()
    }

    /// Whether a signal has stopped its job: no turn of it begins then.
    pub fn is_stopped(&self) -> bool {
        self.active.borrow().is_some() && self.process().is_some_and(|process| process.stopped().is_some())
    }

    /// An operation is not under way any more.
    pub(crate) fn settled(&self, referenced: bool) {
        self.pending.set(self.pending.get().saturating_sub(1));
        if !referenced {
            self.unreferenced.set(self.unreferenced.get().saturating_sub(1));
        }
    }

    /// Whether nothing is left that could make its code run.
    pub fn is_idle(&self) -> bool {
        self.pending.get() == self.unreferenced.get()
            && !self.environment().is_some_and(|environment| environment.is_alive())
    }
}

/// A V8 string of a Rust one. Too long for V8 (over 512 MiB) becomes the empty string; nothing here is that long.
pub fn string<'s>(scope: &mut Scope<'s, '_>, text: &str) -> v8::Local<'s, v8::String> {
    v8::String::new(scope, text).unwrap_or_else(|| v8::String::empty(scope))
}
