//! The memory that nghttp2 has: counted for each session, and refused where the process has no more.

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

use isolate::library::memory_for;
use libnghttp2_sys::nghttp2_mem;

/// What lies before each block: how large that is.
const HEAD: usize = 16;

/// How much a session takes before the process is asked again whether it may.
const STEP: usize = 64 * 1024;

/// See the module.
#[derive(Default)]
pub(super) struct Memory {
    used: Cell<usize>,
    /// As much the process has agreed to.
    agreed: Cell<usize>,
}

impl Memory {
    /// Bytes that the session has now.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// As nghttp2 is told of it. The memory must outlive whoever is told.
    pub fn functions(self: &Rc<Memory>) -> nghttp2_mem {
        nghttp2_mem {
            mem_user_data: Rc::as_ptr(self).cast_mut().cast(),
            malloc: Some(malloc),
            free: Some(free),
            calloc: Some(calloc),
            realloc: Some(realloc),
        }
    }

    fn take(&self, size: usize) -> bool {
        let after = self.used.get().saturating_add(size);
        if after > self.agreed.get() {
            if !memory_for(size.saturating_add(STEP + 1)) {
                return false;
            }
            self.agreed.set(after.saturating_add(STEP));
        }
        self.used.set(after);
        true
    }

    fn give_back(&self, size: usize) {
        self.used.set(self.used.get().saturating_sub(size));
        self.agreed.set(self.agreed.get().min(self.used.get().saturating_add(2 * STEP)));
    }
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEAD)?, HEAD).ok()
}

/// Notes a block's size in its head. Gives what lies behind that.
///
/// # Safety
///
/// The block is null, or its own and of that layout.
unsafe fn with_head(memory: &Memory, block: *mut u8, layout: Layout) -> *mut c_void {
    if block.is_null() {
        memory.give_back(layout.size());
        return ptr::null_mut();
    }
    // SAFETY: the block has a head, which is aligned for a number.
    unsafe {
        block.cast::<usize>().write(layout.size());
        block.add(HEAD).cast()
    }
}

/// A block and its layout, by what lies behind its head.
///
/// # Safety
///
/// `pointer` came from [`with_head`] and has not been freed.
unsafe fn block(pointer: *mut c_void) -> Option<(*mut u8, Layout)> {
    // SAFETY: the head lies there.
    unsafe {
        let start = pointer.cast::<u8>().sub(HEAD);
        let layout = Layout::from_size_align(start.cast::<usize>().read(), HEAD).ok()?;
        Some((start, layout))
    }
}

/// The memory that nghttp2 was given with its functions.
///
/// # Safety
///
/// `data` is what [`Memory::functions`] said, and that memory lives.
unsafe fn memory<'a>(data: *mut c_void) -> &'a Memory {
    // SAFETY: as promised.
    unsafe { &*data.cast::<Memory>() }
}

unsafe extern "C" fn malloc(size: usize, data: *mut c_void) -> *mut c_void {
    // SAFETY: nghttp2 hands back what it was given.
    let memory = unsafe { memory(data) };
    match layout(size) {
        // SAFETY: the layout has a head, so it is not empty.
        Some(layout) if memory.take(layout.size()) => unsafe {
            with_head(memory, alloc::alloc(layout), layout)
        },
        _ => ptr::null_mut(),
    }
}

unsafe extern "C" fn calloc(count: usize, size: usize, data: *mut c_void) -> *mut c_void {
    // SAFETY: as in `malloc`.
    let memory = unsafe { memory(data) };
    match count.checked_mul(size).and_then(layout) {
        // SAFETY: as in `malloc`.
        Some(layout) if memory.take(layout.size()) => unsafe {
            with_head(memory, alloc::alloc_zeroed(layout), layout)
        },
        _ => ptr::null_mut(),
    }
}

unsafe extern "C" fn free(pointer: *mut c_void, data: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: as in `malloc`; nghttp2 frees what it got here, once.
    unsafe {
        if let Some((start, layout)) = block(pointer) {
            memory(data).give_back(layout.size());
            alloc::dealloc(start, layout);
        }
    }
}

unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize, data: *mut c_void) -> *mut c_void {
    if pointer.is_null() {
        // SAFETY: the same promises.
        return unsafe { malloc(size, data) };
    }
    // SAFETY: as in `malloc`; the block is nghttp2's own. A block that cannot grow stays as it is.
    unsafe {
        let memory = memory(data);
        let (Some((start, before)), Some(after)) = (block(pointer), layout(size)) else {
            return ptr::null_mut();
        };
        if !memory.take(after.size()) {
            return ptr::null_mut();
        }
        let moved = alloc::realloc(start, before, after.size());
        if !moved.is_null() {
            memory.give_back(before.size());
        }
        with_head(memory, moved, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_taken_and_given_back() {
        let memory = Rc::new(Memory::default());
        let data = memory.functions().mem_user_data;
        // SAFETY: what is passed is the memory's own, and each block is freed once.
        unsafe {
            let first = malloc(100, data);
            let second = calloc(10, 10, data);
            assert_eq!(memory.used(), 2 * (100 + HEAD));
            assert_eq!(second.cast::<u8>().add(99).read(), 0);
            first.cast::<u8>().write_bytes(7, 100);
            let grown = realloc(first, 1000, data);
            assert_eq!(grown.cast::<u8>().add(99).read(), 7);
            assert_eq!(memory.used(), 1000 + 100 + 2 * HEAD);
            free(grown, data);
            free(second, data);
            free(ptr::null_mut(), data);
        }
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn gives_nothing_for_sizes_that_overflow() {
        let memory = Rc::new(Memory::default());
        let data = memory.functions().mem_user_data;
        // SAFETY: as above.
        unsafe {
            assert!(malloc(usize::MAX, data).is_null());
            assert!(calloc(usize::MAX, 2, data).is_null());
        }
        assert_eq!(memory.used(), 0);
    }
}
