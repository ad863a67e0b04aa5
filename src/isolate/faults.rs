//! V8's heap limit: what happens as it comes near, and how it is set when the VM is claimed.

use std::cell::Cell;
use std::ffi::c_void;

/// Added to the limit before the VM's own is known, for a job that reached it, so that V8 can unwind it: V8's
/// interpreter looks for a termination only once in some thousand rounds of a loop.
const HEADROOM: usize = 64 * 1024 * 1024;

/// What the callback needs. It has one address for the life of the isolate.
pub(super) struct HeapGuard {
    engine: v8::IsolateHandle,
    limit: Cell<usize>,
    headroom: Cell<usize>,
    hit: Cell<bool>,
}

impl HeapGuard {
    /// A guard for an isolate, in force from now on.
    pub fn install(isolate: &mut v8::OwnedIsolate, limit: usize) -> Box<HeapGuard> {
        let guard = Box::new(HeapGuard {
            engine: isolate.thread_safe_handle(),
            limit: Cell::new(limit),
            headroom: Cell::new(HEADROOM),
            hit: Cell::new(false),
        });
        isolate.add_near_heap_limit_callback(near_limit, guard.pointer());
        guard
    }

    fn pointer(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Whether the job that ran has reached the limit.
    pub fn is_hit(&self) -> bool {
        self.hit.get()
    }

    /// Says how much is added for a job that reached the limit.
    pub fn set_headroom(&self, headroom: usize) {
        self.headroom.set(headroom);
    }

    /// Lowers the limit. V8 does so only when a callback is removed.
    pub fn set_limit(&self, isolate: &mut v8::OwnedIsolate, limit: usize) {
        self.limit.set(limit);
        isolate.remove_near_heap_limit_callback(near_limit, limit);
        isolate.add_near_heap_limit_callback(near_limit, self.pointer());
    }

    /// After a job that reached the limit: collects what it left and puts the limit back.
    pub fn recover(&self, isolate: &mut v8::OwnedIsolate) {
        isolate.low_memory_notification();
        self.set_limit(isolate, self.limit.get());
        self.hit.set(false);
    }
}

unsafe extern "C" fn near_limit(data: *mut c_void, current: usize, _initial: usize) -> usize {
    // SAFETY: `data` is the guard that was installed with this callback; it lives as long as the isolate, and V8
    // calls this on the isolate's thread.
    let guard = unsafe { &*data.cast::<HeapGuard>() };
    guard.hit.set(true);
    guard.engine.terminate_execution();
    // Once: after that V8's out-of-memory handler ends the process.
    guard.limit.get().saturating_add(guard.headroom.get()).max(current)
}
