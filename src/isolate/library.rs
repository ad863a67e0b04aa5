//! The seam for a standard library that is a crate of its own: what the event loop asks of one, and what it may use.
//!
//! Owns the traits and the road by which a library's waiting ends in a turn. Knows no library.

use std::rc::Rc;
use std::time::{Duration, Instant};

pub use crate::binding::errors::{Report, describe, errno, throw, throw_errno, throw_type};
pub use crate::binding::values::{
    bytes, copy_bytes, fill_view, heap_holds, heap_takes, memory_for, text, throw_no_memory,
};
pub use crate::engine::buffers::uncleared_buffer;
pub use crate::engine::clock::{moment, monotonic, present, wall};
pub use crate::engine::start::set_time_zone;
pub use crate::platform::{ExportedNames, StripError, exported_names, strip_types};
pub use crate::realm::core::{Awaited, Core, Realm, Scope, context_field, string};
pub use crate::realm::numbers::NumberMap;
pub use crate::realm::{inner_context, natives, shared_array_buffer};
pub use crate::run::operations::{Delivery, OperationId, forget, reference, spawn};
pub use crate::run::outcome::{ErrorData, Format, Language, SourceOptions, Work, codes};
pub use crate::run::output::{write, write_all};
pub use crate::run::program::{Begun, evaluate_text, file_path, plain_text};
pub use crate::run::threads::{THREADS_MAX, Thread, ThreadEnd, ThreadStart};

/// A standard library.
pub trait Library {
    /// Sets the callbacks of an isolate that are the library's.
    fn install(&self, isolate: &mut v8::OwnedIsolate);

    /// Everything that a job begins with has run once, in this scope's context: what further isolates of the process will
    /// need of it may be kept.
    fn rehearsed(&self, scope: &mut Scope<'_, '_>) {
        let _ = scope;
    }

    /// Boots in a context that nothing has run in, and installs its environment there ([`Realm::install`]). `None`, with
    /// an exception pending or without memory, if that failed.
    fn boot(&self, scope: &mut Scope<'_, '_>, core: &Rc<Core>, realm: &Rc<Realm>) -> Option<()>;
}

/// Where a program stands when nothing is left that could make it run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Something has begun anew.
    Alive,
    /// It is over, with this exit code.
    Over(i32),
}

/// A library in one realm. All of it is called on the isolate's thread, within a turn unless it says otherwise.
pub trait Environment {
    /// After the claim, before any guest code: learns what is particular to the VM.
    fn configure(&self, scope: &mut Scope<'_, '_>) -> Option<()>;

    /// Begins a job; its process is the realm's by now. `None` with an exception pending if that failed.
    fn begin(&self, scope: &mut Scope<'_, '_>, work: Work) -> Option<Begun>;

    /// After each piece of guest code: what was put off to its end, and the microtasks. `None` with an exception pending
    /// if that threw.
    fn settle(&self, scope: &mut Scope<'_, '_>) -> Option<()>;

    /// Something was thrown and not caught: whether the guest's own handler has taken it. If not, the program has asked to
    /// end by now.
    fn uncaught(
        &self,
        scope: &mut Scope<'_, '_>,
        exception: v8::Local<'_, v8::Value>,
        message: Option<v8::Local<'_, v8::Message>>,
    ) -> bool;

    /// The exit code of a program that has asked to end; guest code has been terminated for it. Outside turns too.
    fn exited(&self) -> Option<i32>;

    /// What has been thrown, if the program ends because of that. Outside turns.
    fn fatal(&self) -> Option<ErrorData>;

    /// The clocks stood still in this turn, which has lasted until `now` (monotonic): the timers that were started in it
    /// count from its end, all of them, lest they are over before they have begun.
    fn count_timers_from(&self, scope: &mut Scope<'_, '_>, now: Duration);

    /// When its timers are due. Outside turns.
    fn deadline(&self) -> Option<Instant>;

    /// Runs the timers that are due.
    fn run_timers(&self, scope: &mut Scope<'_, '_>) -> Option<()>;

    /// Whether something waits for the end of this round of the event loop. Outside turns.
    fn has_immediates(&self) -> bool;

    /// Whether [`run_immediates`](Self::run_immediates) was cut short by an exception. Outside turns.
    fn leaves_immediates(&self) -> bool;

    /// Runs what waits for the end of this round.
    fn run_immediates(&self, scope: &mut Scope<'_, '_>) -> Option<()>;

    /// Whether it has timers or immediates that keep a program from being over. Outside turns.
    fn is_alive(&self) -> bool;

    /// Nothing is left that could run: tells the program.
    fn end(&self, scope: &mut Scope<'_, '_>) -> Option<Ending>;

    /// A promise was rejected without a handler, or got one afterwards. Called while guest code runs.
    fn promise_rejected(&self, scope: &mut Scope<'_, '_>, message: &v8::PromiseRejectMessage<'_>);

    /// A job of a realm that goes on has ended: forgets the modules that it has left half done, and what has been put off
    /// and would run behind the next. Runs no guest code.
    fn forget_unfinished(&self, scope: &mut Scope<'_, '_>);

    /// Lets go of all that the present job has under way, and of its wish to end. Outside turns.
    fn quiesce(&self);

    /// A value in words, as the library shows it in the text of an error. `None`, perhaps with an exception pending, if
    /// it cannot.
    fn inspect(&self, scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<String>;

    /// The data that scripts of the program's own carry, for `import()` in them.
    fn host_options<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Data>>;

    /// For the library's own functions.
    fn as_any(self: Rc<Self>) -> Rc<dyn std::any::Any>;
}
