//! V8's heap limit: what happens as it comes near, and how it is set when the VM is claimed.

use std::cell::Cell;
use std::ffi::c_void;

use super::allocator::has_room_for;

/// Lent for the rest of a turn when V8 asks in want of one large thing while most of the heap is free: at most so many
/// bytes, and in a small VM a quarter of its memory, half of which at least lies beside the heap.
const LOAN_MAX: usize = 32 * 1024 * 1024;

/// What has to be left of the process's memory for guest code to go on after it was refused some: so many bytes, and in a
/// small VM an eighth of its memory.
const RESERVE_MAX: usize = 16 * 1024 * 1024;

/// Which limit the job that ran has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exhausted {
    /// `limits.heapBytes`.
    Heap,
    /// `limits.memoryBytes`, by what lies outside the heap.
    Memory,
}

/// What the callback needs. It has one address for the life of the isolate.
pub(super) struct HeapGuard {
    engine: v8::IsolateHandle,
    isolate: v8::UnsafeRawIsolatePtr,
    limit: Cell<usize>,
    /// The largest limit that V8 may be given: for a job that is being ended, so that V8 can unwind it. V8's interpreter
    /// looks for a termination only once in some thousand rounds of a loop, and its built-in functions look less often.
    /// What the process may have is bounded by `limits.memoryBytes`.
    ceiling: usize,
    hit: Cell<Option<Exhausted>>,
    lent: Cell<bool>,
    loan: Cell<usize>,
    reserve: Cell<usize>,
}

impl HeapGuard {
    /// A guard for an isolate, in force from now on. `ceiling` is what the isolate was created with, in bytes.
    pub fn install(isolate: &mut v8::OwnedIsolate, ceiling: usize) -> Box<HeapGuard> {
        let guard = Box::new(HeapGuard {
            engine: isolate.thread_safe_handle(),
            // SAFETY: the pointer is used by the callback alone, which V8 calls while this isolate lives.
            isolate: unsafe { isolate.as_raw_isolate_ptr() },
            limit: Cell::new(ceiling),
            ceiling,
            hit: Cell::new(None),
            lent: Cell::new(false),
            loan: Cell::new(LOAN_MAX),
            reserve: Cell::new(RESERVE_MAX),
        });
        isolate.add_near_heap_limit_callback(near_limit, guard.pointer());
        guard
    }

    fn pointer(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// The limit that the job that ran has reached, if it has.
    pub fn exhausted(&self) -> Option<Exhausted> {
        self.hit.get()
    }

    /// Says how much memory the VM may have, in bytes.
    pub fn set_memory(&self, memory: u64) {
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        self.loan.set(LOAN_MAX.min(memory / 4));
        self.reserve.set(RESERVE_MAX.min(memory / 8));
    }

    /// Lowers the limit. V8 does so only when a callback is removed.
    pub fn set_limit(&self, isolate: &mut v8::OwnedIsolate, limit: usize) {
        self.limit.set(limit);
        isolate.remove_near_heap_limit_callback(near_limit, limit);
        isolate.add_near_heap_limit_callback(near_limit, self.pointer());
    }

    /// After a turn that did not reach the limit: takes back what it was lent.
    pub fn settle(&self, isolate: &mut v8::OwnedIsolate) {
        if self.lent.replace(false) {
            self.set_limit(isolate, self.limit.get());
        }
    }

    /// After a job that reached the limit: collects what it left and puts the limit back.
    pub fn recover(&self, isolate: &mut v8::OwnedIsolate) {
        isolate.low_memory_notification();
        self.set_limit(isolate, self.limit.get());
        self.hit.set(None);
        self.lent.set(false);
    }

    /// V8 asks before it gives up on anything that it cannot allocate, a buffer outside the heap among them. Only a heap
    /// that is really full is the job's end: guest code is told of the rest by a `RangeError`.
    fn is_full(&self) -> bool {
        // SAFETY: the isolate lives and this is its thread, since V8 calls from there; reading its statistics is what
        // V8 allows in this callback.
        let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(self.isolate) };
        isolate.get_heap_statistics().total_heap_size() >= self.limit.get() / 4 * 3
    }
}

unsafe extern "C" fn near_limit(data: *mut c_void, current: usize, _initial: usize) -> usize {
    // SAFETY: `data` is the guard that was installed with this callback; it lives as long as the isolate, and V8
    // calls this on the isolate's thread.
    let guard = unsafe { &*data.cast::<HeapGuard>() };
    let exhausted = match guard.hit.get() {
        Some(exhausted) => exhausted,
        None if guard.is_full() => Exhausted::Heap,
        None if has_room_for(guard.reserve.get()) => {
            guard.lent.set(true);
            return guard.limit.get().saturating_add(guard.loan.get()).min(guard.ceiling).max(current);
        }
        None => Exhausted::Memory,
    };
    guard.hit.set(Some(exhausted));
    guard.engine.terminate_execution();
    // After that V8's out-of-memory handler ends the process.
    guard.ceiling.max(current)
}
