//! V8's heap limit: what happens as it comes near, and how it is set when the VM is claimed.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::allocator::has_room_for;

/// Lent for the rest of a turn when V8 asks in want of one large thing while most of the heap is free: at most so many
/// bytes, and in a small VM a quarter of its memory, half of which at least lies beside the heap.
const LOAN_MAX: usize = 32 * 1024 * 1024;

/// What has to be left of the process's memory for guest code to go on after it was refused some: so many bytes, and in a
/// small VM an eighth of its memory.
const RESERVE_MAX: usize = 16 * 1024 * 1024;

/// What a further isolate begins with of its heap limit, in bytes: the rest it is given as it needs it and the VM's memory
/// has it, doubling. V8 is told nothing of it while there is more to give: a heap that comes near V8's limit is collected
/// over and over, for programs that hold some megabytes fewer as well.
const FIRST_PART: usize = 24 * 1024 * 1024;

/// What further isolates may have of heap beside that, all together, where the VM's memory leaves little, in bytes.
const PARTS_MIN: usize = 32 * 1024 * 1024;

/// What is left for further isolates: what the VM's memory is more than the heap of the first, and what lies beside that.
static PARTS: AtomicUsize = AtomicUsize::new(0);

/// Says how much memory a VM has, in bytes, and how much its first isolate's heap may take of it.
pub(crate) fn share(memory: u64, heap: usize) {
    let beside = memory.min(2 * BESIDE) / 2;
    let left = memory.saturating_sub(beside).saturating_sub(heap as u64);
    PARTS.store(usize::try_from(left).unwrap_or(usize::MAX).max(PARTS_MIN), Ordering::Relaxed);
}

/// What a heap leaves to the rest of its VM, in bytes, as `limits.heapBytes` is checked.
const BESIDE: u64 = 64 * 1024 * 1024;

/// Which limit the job that ran has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// `limits.heapBytes`.
    Heap,
    /// `limits.memoryBytes`, by what lies outside the heap.
    Memory,
}

/// What the callback needs. It has one address for the life of the isolate.
pub(crate) struct HeapGuard {
    engine: v8::IsolateHandle,
    isolate: v8::UnsafeRawIsolatePtr,
    limit: Cell<usize>,
    /// What the limit may grow to.
    whole: Cell<usize>,
    /// Whether it has parts to be given, and none was refused: V8 knows of the whole alone.
    grows: Cell<bool>,
    /// What it has been given of what is left for further isolates.
    taken: Cell<usize>,
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
            whole: Cell::new(ceiling),
            grows: Cell::new(false),
            taken: Cell::new(0),
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

    /// Lowers the limit of a further isolate, which it reaches part by part.
    pub fn set_growing_limit(&self, isolate: &mut v8::OwnedIsolate, limit: usize) {
        self.set_limit(isolate, limit);
        if limit > FIRST_PART {
            self.limit.set(FIRST_PART);
            self.grows.set(true);
            isolate.add_gc_epilogue_callback(collected, self.pointer(), v8::GCType::kGCTypeAll);
        }
    }

    /// After a collection: gives the heap the parts that it has grown into. Where there is none left, V8 is told how much
    /// it has, and asks from then on.
    fn follow(&self, isolate: &mut v8::Isolate) {
        let size = isolate.get_heap_statistics().total_heap_size();
        while self.grows.get() && size > self.limit.get() / 4 * 3 {
            if self.limit.get() >= self.whole.get() {
                self.grows.set(false);
            } else if self.grow(self.limit.get().saturating_mul(2)).is_none() {
                self.grows.set(false);
                self.put_limit(isolate, self.limit.get());
            }
        }
    }

    /// Lowers the limit.
    pub fn set_limit(&self, isolate: &mut v8::OwnedIsolate, limit: usize) {
        self.put_limit(isolate, limit);
        self.limit.set(limit);
        self.whole.set(limit);
    }

    /// Tells V8 a limit. It lowers one only when a callback is removed.
    fn put_limit(&self, isolate: &mut v8::Isolate, limit: usize) {
        isolate.remove_near_heap_limit_callback(near_limit, limit);
        isolate.add_near_heap_limit_callback(near_limit, self.pointer());
    }

    /// After a turn that did not reach the limit: takes back what it was lent.
    pub fn settle(&self, isolate: &mut v8::OwnedIsolate) {
        if self.lent.replace(false) {
            self.put_limit(isolate, self.told());
        }
    }

    /// The limit that V8 knows of.
    fn told(&self) -> usize {
        if self.grows.get() { self.whole.get() } else { self.limit.get() }
    }

    /// After a job that reached the limit: collects what it left and puts the limit back.
    pub fn recover(&self, isolate: &mut v8::OwnedIsolate) {
        isolate.low_memory_notification();
        self.grows.set(false);
        self.put_limit(isolate, self.limit.get());
        self.hit.set(None);
        self.lent.set(false);
    }

    /// Gives the heap more, at most up to `next`, if it may have more and the VM has it.
    fn grow(&self, next: usize) -> Option<usize> {
        let (limit, whole) = (self.limit.get(), self.whole.get());
        let next = next.min(whole);
        let more = next.checked_sub(limit).filter(|more| *more > 0)?;
        PARTS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more)).ok()?;
        if !has_room_for(more.saturating_add(self.reserve.get())) {
            PARTS.fetch_add(more, Ordering::Relaxed);
            return None;
        }
        self.taken.set(self.taken.get() + more);
        self.limit.set(next);
        Some(next)
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

impl Drop for HeapGuard {
    fn drop(&mut self) {
        PARTS.fetch_add(self.taken.get(), Ordering::Relaxed);
    }
}

unsafe extern "C" fn collected(
    isolate: v8::UnsafeRawIsolatePtr,
    _: v8::GCType,
    _: v8::GCCallbackFlags,
    data: *mut c_void,
) {
    // SAFETY: `data` is the guard that was installed with this callback; it lives as long as the isolate, and V8 calls this
    // on the isolate's thread.
    let guard = unsafe { &*data.cast::<HeapGuard>() };
    // SAFETY: V8 gives the isolate that it has collected; reading statistics and setting the limit runs no code in it.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    guard.follow(&mut isolate);
}

unsafe extern "C" fn near_limit(data: *mut c_void, current: usize, _initial: usize) -> usize {
    // SAFETY: `data` is the guard that was installed with this callback; it lives as long as the isolate, and V8
    // calls this on the isolate's thread.
    let guard = unsafe { &*data.cast::<HeapGuard>() };
    let exhausted = match guard.hit.get() {
        Some(exhausted) => exhausted,
        None if guard.is_full() => match guard.grow(guard.limit.get().saturating_mul(2)) {
            // Of what V8 had been told of before.
            Some(next) if next <= current => Exhausted::Heap,
            Some(next) => return next,
            None if guard.limit.get() < guard.whole.get() => Exhausted::Memory,
            None => Exhausted::Heap,
        },
        None => {
            // One thing that is larger than what has been given: V8 asks once for it, so it is given all.
            if let Some(next) = guard.grow(usize::MAX).filter(|next| *next > current) {
                return next;
            }
            if has_room_for(guard.reserve.get()) {
                guard.lent.set(true);
                return guard.told().saturating_add(guard.loan.get()).min(guard.ceiling).max(current);
            }
            Exhausted::Memory
        }
    };
    guard.hit.set(Some(exhausted));
    guard.engine.terminate_execution();
    // After that V8's out-of-memory handler ends the process.
    guard.ceiling.max(current)
}
