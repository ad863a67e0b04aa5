//! The JavaScript half of a worker process: one V8 isolate, its event loop and what guest code finds in it.
//!
//! Owns everything that touches V8: profiles, contexts, modules, timers, the natives behind the bootstrap JavaScript
//! in `guest-shim/js`, limits and termination. It uses the kernel (files, descriptors, processes) and knows neither
//! Wasmtime nor the broker; what reaches outside goes through [`Services`].
//!
//! Order of use, all on one thread (the process's main thread):
//! 1. [`initialize`] once, before any other thread exists;
//! 2. [`Isolate::new`]: a pooled worker waits here, with a bootstrapped context ready;
//! 3. [`Isolate::claim`] when the worker becomes a VM;
//! 4. [`Isolate::serve`] until [`IsolateHandle::shut_down`].
//!
//! Other threads hold an [`IsolateHandle`]. Nothing of it blocks.

mod handle;
mod outcome;

use std::sync::Arc;

use crate::config::{Limits, Platform, TimingMitigation};
use crate::engine::{EngineProfile, EngineReport};
use crate::kernel::Kernel;

pub use handle::{ContextError, IsolateHandle};
pub use outcome::{
    CallError, CallId, Cause, Completion, ContextId, ErrorData, Format, Job, JobId, Language, Outcome,
    SourceOptions, Work, codes,
};

/// What the isolate needs of the worker around it. Called on the isolate's thread; must not block on the isolate.
pub trait Services: Send + Sync {
    /// A job is over. Its process has exited, so its descriptors are closed.
    fn finished(&self, job: JobId, completion: Completion);
    /// Guest code calls a host function that is among `Settings::host_functions`; answered by
    /// [`IsolateHandle::host_reply`], also when it failed or took too long.
    fn host_call(&self, call: CallId, name: &str, input: String);
    /// V8 cannot go on (out of memory where it cannot recover, or a broken invariant). The process ends with
    /// `FATAL_EXIT_CODE` right after this returns. No V8 call is possible any more, and memory is scarce.
    fn fatal(&self, reason: &str);
}

/// Exit code of a worker whose V8 could not go on.
pub const FATAL_EXIT_CODE: i32 = 134;

/// What is known about a VM when a pooled worker becomes one.
pub struct Settings {
    /// Ceilings: heap, timers, modules, contexts, host calls.
    pub limits: Limits,
    /// Clocks and shared memory.
    pub timing_mitigation: TimingMitigation,
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

/// Starts V8 in this process. Flags cannot change afterwards.
///
/// # Panics
/// If called twice.
pub fn initialize(profile: &EngineProfile) {
    let _ = profile;
    todo!()
}

/// The isolate of this process.
pub struct Isolate {}

impl Isolate {
    /// Creates the isolate and bootstraps a context in advance.
    pub fn new(profile: EngineProfile, platform: Platform) -> Isolate {
        let _ = (profile, platform);
        todo!()
    }

    /// Facts read from the engine. `wasmtime` is the version of the other one.
    pub fn report(&self, wasmtime: &str) -> EngineReport {
        let _ = wasmtime;
        todo!()
    }

    /// A handle for other threads.
    pub fn handle(&self) -> IsolateHandle {
        todo!()
    }

    /// Makes this the isolate of a VM.
    pub fn claim(&mut self, settings: Settings) {
        let _ = settings;
        todo!()
    }

    /// Runs jobs until the handle says `shut_down`.
    pub fn serve(&mut self) {
        todo!()
    }
}
