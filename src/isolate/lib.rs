//! The JavaScript half of a worker process: one V8 isolate, its event loop and what guest code finds there of the VM.
//!
//! Owns what every standard library needs of V8: profiles, contexts, jobs and turns, the natives behind the modules
//! `cordon:vm/...`, limits and termination. The library itself comes by [`library::Library`]. It uses the kernel (files,
//! descriptors, processes) and knows neither Wasmtime nor the broker; what reaches outside goes through [`Services`].
//!
//! Order of use, all on one thread (the process's main thread):
//! 1. [`initialize`] once, before any other thread exists;
//! 2. [`Isolate::new`]: a template or a pooled worker waits here, with booted contexts ready;
//! 3. in a process that was forked here, [`Isolate::reseed`];
//! 4. [`Isolate::claim`] when the worker becomes a VM;
//! 5. [`Isolate::serve`] until [`IsolateHandle::shut_down`].
//!
//! Other threads hold an [`IsolateHandle`]. Nothing of it blocks.

mod binding;
mod engine;
pub mod library;
mod platform;
mod realm;
mod run;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use kernel::{Kernel, Signal};
use protocol::config::{Limits, Platform, TimingMitigation};
use protocol::engine::{EngineProfile, EngineReport, WasmLevel};

pub use engine::clock::GuestClock;
pub use run::inbox::{ContextError, IsolateHandle};
pub use run::outcome::{
    CallId, Cause, Completion, ContextId, ErrorData, Format, Job, JobId, Language, Outcome, SourceOptions,
    Work, codes,
};
pub use run::threads::{Starter, THREADS_MAX};

/// What the isolate needs of the worker around it. Called on the isolate's thread; must not block on the isolate.
pub trait Services: Send + Sync {
    /// A job is over. Its process has exited, so its descriptors are closed.
    fn finished(&self, job: JobId, completion: Completion);
    /// Guest code of that isolate calls a host function that is among `Settings::host_functions`; answered by
    /// [`IsolateHandle::host_reply`], also when it failed or took too long.
    fn host_call(&self, isolate: IsolateHandle, call: CallId, name: &str, input: String);
    /// Whether the scope `process` allows sending a signal.
    fn may_signal(&self, signal: Signal) -> bool {
        let _ = signal;
        true
    }
    /// The process ends with `FATAL_EXIT_CODE` right after this returns. No V8 call is possible any more, and memory is
    /// scarce. Called on any thread.
    fn fatal(&self, why: Fatal<'_>);
}

/// Why the process cannot go on.
#[derive(Clone, Copy, Debug)]
pub enum Fatal<'a> {
    /// V8's heap is full where V8 cannot unwind; with the place.
    Heap(&'a str),
    /// The system refused memory. None may be asked for any more.
    Memory,
    /// V8 has found an invariant of its own broken; with its words.
    Defect(&'a str),
}

/// Exit code of a worker whose V8 could not go on.
pub const FATAL_EXIT_CODE: i32 = 134;

/// What is known about a VM when a pooled worker becomes one.
#[derive(Clone)]
pub struct Settings {
    /// Ceilings: heap, timers, modules, contexts, host calls.
    pub limits: Limits,
    /// Shared memory.
    pub timing_mitigation: TimingMitigation,
    /// The clock that guest code is shown, the kernel's as well.
    pub clock: GuestClock,
    /// The VM's kernel.
    pub kernel: Arc<Kernel>,
    /// The worker around the isolate.
    pub services: Arc<dyn Services>,
    /// Host functions that may be called: `name` or `collection.name`.
    pub host_functions: Vec<String>,
    /// The engine report as JSON text, for `cordon:vm/engine`.
    pub engine_report: String,
    /// IANA name of the time zone that guests see; `UTC` unless the VM says otherwise.
    pub time_zone: String,
}

/// How one isolate differs from others.
struct Make {
    young_generation: usize,
    /// How far the stack of its thread may be used, if V8 is not to know that by itself.
    stack_limit: Option<usize>,
    inbox: Arc<run::inbox::Inbox>,
    /// What guest WebAssembly is, as another isolate of this process has found; none for the first.
    wasm: Option<WasmLevel>,
    owns_processes: bool,
}

/// Largest heap that a VM may ask for; the limit is lowered at the claim.
const HEAP_CEILING: usize = 4 * 1024 * 1024 * 1024 - 64 * 1024 * 1024;

/// Largest young generation: what a collection has to copy, and what an idle VM may keep.
const YOUNG_GENERATION: usize = 16 * 1024 * 1024;

/// Address space that V8 takes for machine code when it starts, writable and executable at once. It is V8's minimum:
/// every byte of it counts as memory of the process, used or not, and scripts come by with a few megabytes.
pub const CODE_RANGE: usize = 64 * 1024 * 1024;

/// What a context in which the library has booted takes, in bytes, at most.
pub const CONTEXT: u64 = 16 * 1024 * 1024;

/// When V8 starts its helper thread, which compiles and collects beside the isolate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helpers {
    /// With the engine.
    Now,
    /// With [`start_helpers`], so that the process can be forked before.
    Later,
}

/// Starts V8's helper thread if it was put off, on any thread, the first time that this is called.
pub fn start_helpers() {
    engine::helpers::start();
}

/// Starts V8 in this process. Flags cannot change afterwards. Has to come before any thread that may enter V8.
///
/// # Panics
/// If called twice.
pub fn initialize(profile: &EngineProfile, helpers: Helpers) {
    engine::start::initialize(profile, helpers);
}

/// An isolate: the process's first, or one of its [further ones](library::Thread).
pub struct Isolate {
    // Dropped in this order: handles into the heap before the heap.
    /// Ready for the next job that wants a realm of its own.
    spare: Option<Rc<realm::core::Realm>>,
    /// Made before the claim, so that they still have to learn what is particular to the VM.
    early: Vec<Rc<realm::core::Realm>>,
    /// Whether a realm is made before a job wants one.
    keeps_spare: bool,
    /// What boots in each realm.
    library: Box<dyn library::Library>,
    /// It is a further one, which runs one job.
    is_further: bool,
    /// Its jobs have processes of their own, which end with them.
    owns_processes: bool,
    core: Rc<realm::core::Core>,
    profile: EngineProfile,
    /// A job waits, and V8 had background work when the loop last went to sleep.
    watches_background: bool,
    /// V8 had more tasks for this thread than were run at once.
    leaves_tasks: bool,
    isolate: v8::OwnedIsolate,
    guard: Box<engine::faults::HeapGuard>,
}

impl Isolate {
    /// Creates the isolate and boots the library in so many contexts in advance. Without any, none is booted before a job
    /// wants one, and none in advance before the first job has ended.
    ///
    /// # Panics
    /// If V8 has not been initialized.
    pub fn new(
        profile: EngineProfile,
        platform: Platform,
        library: Box<dyn library::Library>,
        contexts: usize,
    ) -> Isolate {
        let first = Make {
            young_generation: YOUNG_GENERATION,
            stack_limit: None,
            inbox: run::inbox::Inbox::new(),
            wasm: None,
            owns_processes: true,
        };
        let mut isolate = Isolate::make(profile, platform, library, first);
        isolate.early = (0..contexts)
            .map(|_| {
                realm::create(&mut isolate.isolate, &isolate.core, &*isolate.library)
                    .expect("the library is part of this program and boots in a fresh isolate")
            })
            .collect();
        isolate.keeps_spare = contexts > 0;
        isolate
    }

    /// An isolate without contexts.
    pub(crate) fn make(
        profile: EngineProfile,
        platform: Platform,
        library: Box<dyn library::Library>,
        make: Make,
    ) -> Isolate {
        let mut parameters = v8::CreateParams::default()
            .set_max_old_generation_size_in_bytes(HEAP_CEILING)
            .set_max_young_generation_size_in_bytes(make.young_generation)
            .set_code_range_size_in_bytes(CODE_RANGE)
            .allow_atomics_wait(false);
        if let Some(address) = make.stack_limit {
            // SAFETY: an address as a number, which V8 compares its stack's pointer with and never reads from. It lies in
            // the stack of this thread, on which alone this isolate runs.
            parameters = unsafe { parameters.set_stack_limit(std::ptr::without_provenance_mut(address)) };
        }
        let mut isolate = v8::Isolate::new(engine::buffers::install(parameters));
        isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
        isolate.set_capture_stack_trace_for_uncaught_exceptions(true, 16);
        isolate.set_oom_error_handler(engine::start::out_of_memory);
        isolate.add_gc_prologue_callback(
            engine::buffers::before_collection,
            std::ptr::null_mut(),
            v8::GCType::kGCTypeAll,
        );
        isolate.add_message_listener(run::event_loop::uncaught);
        isolate.set_promise_reject_callback(run::event_loop::promise_rejected);
        isolate.set_allow_wasm_code_generation_callback(run::event_loop::allow_wasm);
        library.install(&mut isolate);
        if make.wasm.is_none() {
            engine::start::set_time_zone(&mut isolate, engine::start::TIME_ZONE);
        }
        let guard = engine::faults::HeapGuard::install(&mut isolate, HEAP_CEILING);
        make.inbox.attach(isolate.thread_safe_handle());
        let core = Rc::new(realm::core::Core {
            inbox: make.inbox,
            profile,
            platform,
            wasm: make.wasm.unwrap_or_else(|| engine::start::level(profile, &mut isolate)),
            settings: OnceCell::new(),
            realms: Default::default(),
            operations: Default::default(),
            next_realm: Cell::new(1),
            natives: OnceCell::new(),
        });
        let natives = platform::natives::template(&mut isolate);
        let _ = core.natives.set(natives);
        isolate.set_slot(core.clone());
        Isolate {
            spare: None,
            early: Vec::new(),
            keeps_spare: false,
            library,
            is_further: make.wasm.is_some(),
            owns_processes: make.owns_processes,
            core,
            profile,
            watches_background: false,
            leaves_tasks: false,
            isolate,
            guard,
        }
    }

    /// Runs what every VM will run, so that it is compiled when it is wanted: in a process that will be forked, for all
    /// of its children. No context of a VM's is touched, and nothing is left but what V8 keeps of functions.
    pub fn rehearse(&mut self) {
        let Some(realm) = self.create_realm() else { return };
        {
            v8::scope!(let scope, &mut self.isolate);
            let context = v8::Local::new(scope, &realm.context);
            let scope = &mut v8::ContextScope::new(scope, context);
            v8::tc_scope!(let scope, scope);
            let _ = realm::configure(scope, &realm);
            let _ = run::program::rehearse(scope, "({ rehearsal: [] })");
            self.library.rehearsed(scope);
        }
        realm::dispose(&self.core, &realm);
        // Nothing that V8 has begun is left to be gone on with in each child: it collects now, and forgets the functions
        // that wait for its helper to compile them.
        self.isolate.memory_pressure_notification(v8::MemoryPressureLevel::Critical);
        self.isolate.memory_pressure_notification(v8::MemoryPressureLevel::None);
    }

    /// Everything that programs begin with has run in jobs of this isolate, which serves no more: the library may keep it.
    pub fn keep(&mut self) {
        let Some(realm) = self.create_realm() else { return };
        v8::scope!(let scope, &mut self.isolate);
        let context = v8::Local::new(scope, &realm.context);
        let scope = &mut v8::ContextScope::new(scope, context);
        self.library.rehearsed(scope);
    }

    /// Runs a text of our own in a context that waits, so that the pages which every evaluation writes to are this
    /// process's own before anybody waits for one. To a process that was forked they are its template's until then.
    pub fn warm(&mut self) {
        let Some(realm) = self.spare.as_ref().or(self.early.last()).cloned() else { return };
        v8::scope!(let scope, &mut self.isolate);
        let context = v8::Local::new(scope, &realm.context);
        let scope = &mut v8::ContextScope::new(scope, context);
        v8::tc_scope!(let scope, scope);
        // Another text than the template's, which would be found in the cache of texts.
        let _ = run::program::rehearse(scope, "({ warm: [1] })");
    }

    /// Renews what V8 draws random numbers from, in a process that was forked after [`Isolate::new`]: without that
    /// its siblings draw the same ones.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn reseed(&mut self) -> std::io::Result<()> {
        engine::seeds::renew(&mut self.isolate)
    }

    /// Facts read from the engine. `wasmtime` is the version of the other one.
    pub fn report(&self, wasmtime: &str) -> EngineReport {
        engine::start::report(self.core.wasm, self.profile, self.core.platform, wasmtime)
    }

    /// A handle for other threads.
    pub fn handle(&self) -> IsolateHandle {
        IsolateHandle(self.core.inbox.clone())
    }

    /// Makes this the isolate of a VM: once.
    ///
    /// # Panics
    /// If called twice.
    pub fn claim(&mut self, settings: Settings) {
        engine::start::report_fatal_to(settings.services.clone());
        if settings.time_zone != engine::start::TIME_ZONE {
            engine::start::set_time_zone(&mut self.isolate, &settings.time_zone);
        }
        let heap = usize::try_from(settings.limits.heap_bytes).unwrap_or(HEAP_CEILING).min(HEAP_CEILING);
        if self.is_further {
            self.guard.set_growing_limit(&mut self.isolate, heap);
        } else {
            engine::faults::share(settings.limits.memory_bytes, heap);
            engine::buffers::set_memory(settings.limits.memory_bytes);
            self.guard.set_limit(&mut self.isolate, heap);
        }
        self.guard.set_memory(settings.limits.memory_bytes);
        self.core.inbox.set_context_limit(usize::try_from(settings.limits.contexts).unwrap_or(usize::MAX));
        let frozen = settings.timing_mitigation == TimingMitigation::Freeze;
        self.isolate.set_allow_atomics_wait(!frozen);
        engine::clock::begin(settings.clock);
        assert!(self.core.settings.set(settings).is_ok(), "an isolate is claimed once");
        if self.keeps_spare {
            self.spare = self.next_realm();
        }
    }

    /// For programs that have isolates of their own.
    ///
    /// # Panics
    /// If the isolate has not been claimed.
    pub fn starter(&self) -> Starter {
        Starter::of(&self.core)
    }

    /// Runs jobs until the handle says `shut_down`.
    ///
    /// # Panics
    /// If the isolate has not been claimed.
    pub fn serve(&mut self) {
        assert!(self.core.settings.get().is_some(), "an isolate is claimed before it serves");
        self.run_loop();
    }
}

impl Drop for Isolate {
    fn drop(&mut self) {
        // Realms and operations hold handles into the heap, and the isolate itself holds the core.
        self.spare = None;
        self.early.clear();
        let realms = self.core.realms.take();
        for realm in realms.values() {
            realm::quiesce(&self.core, realm);
        }
        self.core.operations.take();
    }
}
