//! SQLite's memory. Where the process may have no more it is told so, and fails with `SQLITE_NOMEM`: the process's own
//! allocator would end it.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use isolate::library::memory_for;
use libsqlite3_sys as ffi;

/// Before each piece: its size. SQLite asks for an alignment of 8.
const HEADER: usize = 16;
const ALIGNMENT: usize = 16;

/// What is left to others.
const HEADROOM: usize = 32 * 1024 * 1024;

/// So much more than is needed is asked for at once.
const STEP: usize = 1024 * 1024;

/// What is in use, and up to how much has been asked for.
static USED: AtomicUsize = AtomicUsize::new(0);
static GRANTED: AtomicUsize = AtomicUsize::new(0);

/// SQLite makes a copy.
pub(super) fn methods() -> ffi::sqlite3_mem_methods {
    ffi::sqlite3_mem_methods {
        xMalloc: Some(allocate),
        xFree: Some(free),
        xRealloc: Some(reallocate),
        xSize: Some(size),
        xRoundup: Some(round_up),
        xInit: Some(init),
        xShutdown: Some(shut_down),
        pAppData: std::ptr::null_mut(),
    }
}

/// Whether there may be so many bytes more.
fn may_grow(more: usize) -> bool {
    let used = USED.load(Ordering::Relaxed).saturating_add(more);
    if more < STEP && used <= GRANTED.load(Ordering::Relaxed) {
        return true;
    }
    if !memory_for(more.saturating_add(HEADROOM)) {
        return false;
    }
    GRANTED.store(used.saturating_add(STEP), Ordering::Relaxed);
    true
}

/// So many bytes were given back.
fn shrink(less: usize) {
    let used = USED.fetch_sub(less, Ordering::Relaxed).saturating_sub(less);
    // What others may have taken meanwhile has to be asked for again.
    GRANTED.fetch_min(used.saturating_add(STEP), Ordering::Relaxed);
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEADER)?, ALIGNMENT).ok()
}

unsafe extern "C" fn allocate(wanted: c_int) -> *mut c_void {
    let Ok(size) = usize::try_from(wanted) else { return std::ptr::null_mut() };
    let Some(layout) = layout(size).filter(|layout| may_grow(layout.size())) else {
        return std::ptr::null_mut();
    };
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc(layout) };
    if start.is_null() {
        return std::ptr::null_mut();
    }
    USED.fetch_add(layout.size(), Ordering::Relaxed);
    // SAFETY: the piece begins with room for the header, and is aligned for it.
    unsafe {
        start.cast::<usize>().write(size);
        start.add(HEADER).cast()
    }
}

/// Where a piece begins, and how large it is.
///
/// # Safety
/// It was allocated here and not given back.
unsafe fn piece(pointer: *mut c_void) -> (*mut u8, usize) {
    // SAFETY: the header lies before what SQLite was given.
    unsafe {
        let start = pointer.cast::<u8>().sub(HEADER);
        (start, start.cast::<usize>().read())
    }
}

unsafe extern "C" fn free(pointer: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: SQLite gives back what it was given here, once.
    unsafe {
        let (start, size) = piece(pointer);
        if let Some(layout) = layout(size) {
            shrink(layout.size());
            dealloc(start, layout);
        }
    }
}

unsafe extern "C" fn reallocate(pointer: *mut c_void, wanted: c_int) -> *mut c_void {
    let Ok(new_size) = usize::try_from(wanted) else { return std::ptr::null_mut() };
    if pointer.is_null() {
        // SAFETY: as it is called.
        return unsafe { allocate(wanted) };
    }
    // SAFETY: SQLite hands in what it was given here; the layout is the one that it was allocated with.
    unsafe {
        let (start, size) = piece(pointer);
        let (Some(old), Some(new)) = (layout(size), layout(new_size)) else { return std::ptr::null_mut() };
        // It may have to move, and lie in both places meanwhile.
        if new.size() > old.size() && !may_grow(new.size()) {
            return std::ptr::null_mut();
        }
        let moved = realloc(start, old, new.size());
        if moved.is_null() {
            return std::ptr::null_mut();
        }
        USED.fetch_add(new.size(), Ordering::Relaxed);
        shrink(old.size());
        moved.cast::<usize>().write(new_size);
        moved.add(HEADER).cast()
    }
}

unsafe extern "C" fn size(pointer: *mut c_void) -> c_int {
    if pointer.is_null() {
        return 0;
    }
    // SAFETY: SQLite asks about what it was given here.
    let (_, size) = unsafe { piece(pointer) };
    c_int::try_from(size).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn round_up(wanted: c_int) -> c_int {
    wanted.checked_add(7).map_or(wanted, |more| more & !7)
}

unsafe extern "C" fn init(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shut_down(_: *mut c_void) {}
