//! On whose behalf SQLite runs on this thread: the process whose files it opens, the core that says when the job is
//! ended, the scope in which it may call JavaScript.

use std::cell::RefCell;
use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use isolate::library::{Core, Scope};
use kernel::Process;

/// See the module.
#[derive(Clone)]
pub(crate) struct Here {
    pub process: Arc<Process>,
    pub core: Rc<Core>,
}

struct Entered {
    here: Here,
    /// The scope of the native function that called SQLite; none where it must not call JavaScript.
    scope: *mut c_void,
}

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// Leaves again, however a call ends.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        ENTERED.with_borrow_mut(|entered| entered.pop());
    }
}

fn enter<R>(here: &Here, scope: *mut c_void, call: impl FnOnce() -> R) -> R {
    ENTERED.with_borrow_mut(|entered| entered.push(Entered { here: here.clone(), scope }));
    let _leave = Leave;
    call()
}

/// Calls SQLite, which may call JavaScript.
pub(crate) fn call<R>(here: &Here, scope: &mut Scope<'_, '_>, call: impl FnOnce() -> R) -> R {
    enter(here, std::ptr::from_mut(scope).cast(), call)
}

/// Calls SQLite, which must not call JavaScript.
pub(crate) fn call_quietly<R>(here: &Here, call: impl FnOnce() -> R) -> R {
    enter(here, std::ptr::null_mut(), call)
}

/// Calls JavaScript from what SQLite has called. `None` where that is not possible now.
pub(crate) fn with_scope<R>(call: impl FnOnce(&mut Scope<'_, '_>) -> R) -> Option<R> {
    let scope = ENTERED.with_borrow(|entered| entered.last().map(|entered| entered.scope))?;
    if scope.is_null() {
        return None;
    }
    // SAFETY: the pointer was made of the exclusive reference that `call` was given and still holds, and SQLite was called
    // by it on this thread and has not returned: nobody else uses the scope meanwhile. The lifetimes are as short as the
    // closure's.
    let scope: &mut Scope<'_, '_> = unsafe { &mut *scope.cast() };
    v8::scope!(let scope, scope);
    Some(call(scope))
}

/// On whose behalf SQLite runs now.
pub(super) fn here() -> Option<Here> {
    ENTERED.with_borrow(|entered| entered.last().map(|entered| entered.here.clone()))
}

/// Whether the job has been ended that SQLite runs for.
pub(crate) fn is_interrupted() -> bool {
    here().is_some_and(|here| here.core.is_interrupted())
}

/// Waits, unless the job is ended meanwhile.
pub(super) fn sleep(time: Duration) {
    if let Some(here) = here() {
        here.core.sleep(time);
    }
}
