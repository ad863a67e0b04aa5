//! The allocator that an archive of V8 may bring: PartitionAlloc, which takes the place of malloc in the whole process.
//! Where the system refuses it memory it ends the process with a trap that says nothing, whoever asked. It has a hook
//! for last words, which is set here. So who wants much memory asks first, which [`has_room_for`] does of the system
//! itself.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::buffers;

/// PartitionAlloc's `void SetPartitionAllocOomCallback(void (*)())`.
type SetCallback = unsafe extern "C" fn(extern "C" fn());

// By a weak reference: upstream's archives leave malloc to the system and have no such function.
std::arch::global_asm!(
    ".pushsection .data.rel.ro.cordon_set_oom_callback,\"aw\",@progbits",
    ".weak _ZN15partition_alloc28SetPartitionAllocOomCallbackEPFvvE",
    ".globl cordon_set_oom_callback",
    ".hidden cordon_set_oom_callback",
    ".balign 8",
    "cordon_set_oom_callback:",
    ".quad _ZN15partition_alloc28SetPartitionAllocOomCallbackEPFvvE",
    ".popsection",
);

unsafe extern "C" {
    /// Zero where the function is missing.
    safe static cordon_set_oom_callback: Option<SetCallback>;
}

/// Has this called, on whichever thread asks, when the process is refused memory. It must not allocate.
pub(crate) fn on_refusal(callback: extern "C" fn()) {
    if let Some(set) = cordon_set_oom_callback {
        // SAFETY: the function stores the pointer, which is valid for ever, and does nothing else.
        unsafe { set(callback) }
    }
}

/// Whether the process may have so many bytes more now: whether its memory ceiling leaves room for them. Asks for
/// address space and gives it back untouched, and allocates nothing. What buffers have left idle is given back first, if
/// it is wanting.
pub(crate) fn has_room_for(bytes: usize) -> bool {
    may_map(bytes) || (buffers::give_back() && may_map(bytes))
}

/// What one look at the ceiling allows a thread to take in parts without another, and how much must be left beside that.
const CREDIT: usize = 4 * 1024 * 1024;
const MARGIN: usize = 8 * 1024 * 1024;

/// Counts what has taken much memory without asking here: credit from before is void.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Bytes that this thread may take without looking again, and what [`TAKEN`] was then.
    static LEFT: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Much memory has been taken, or is about to be.
pub(crate) fn forget_credit() {
    TAKEN.fetch_add(1, Ordering::Relaxed);
}

/// As [`has_room_for`], of what is small beside the margin that is left: to ask the system costs as much as to copy some
/// hundred kilobytes, so it is asked for several at once where there is plenty.
pub(crate) fn has_room_for_part(bytes: usize) -> bool {
    let taken = TAKEN.load(Ordering::Relaxed);
    let (left, since) = LEFT.get();
    if since == taken
        && let Some(left) = left.checked_sub(bytes)
    {
        LEFT.set((left, since));
        return true;
    }
    if let Some(left) = CREDIT.checked_sub(bytes)
        && may_map(CREDIT + MARGIN)
    {
        LEFT.set((left, taken));
        return true;
    }
    LEFT.set((0, taken));
    has_room_for(bytes)
}

fn may_map(bytes: usize) -> bool {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    if bytes == 0 {
        return true;
    }
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new private mapping at an address of the system's choice; it overlaps nothing.
    let Ok(start) = (unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, access, MapFlags::PRIVATE) })
    else {
        return false;
    };
    // SAFETY: the mapping that was made just now, whole; nobody else knows of it.
    unsafe { munmap(start, bytes) }.is_ok()
}
