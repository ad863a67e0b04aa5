//! Stacks of commands: mapped once, and handed on from a command that ended to the next one.
//!
//! A command's stack would otherwise be mapped, guarded, touched page by page and unmapped again within the millisecond
//! for which the command runs, and unmapping interrupts the process's other threads. A stack that is handed on is not
//! cleared: a program's own data lies in its linear memory, and it cannot read the native stack. Knows nothing of
//! commands.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use wasmtime::{StackCreator, StackMemory};

/// Stacks that are kept while nobody runs on them: what a pipeline of three and its shell take. What they have touched
/// stays counted against the VM's memory.
const KEPT: usize = 4;

/// Hands out stacks.
#[derive(Default)]
pub struct Stacks(Arc<Mutex<Vec<Mapping>>>);

// SAFETY: every stack handed out is a mapping of its own, writable above a guard page, aligned to pages at both ends,
// and is owned by what is returned until that is dropped; a kept one has no owner before. Clearing is asked for by a
// setting that this project leaves off, and is obeyed by mapping anew.
unsafe impl StackCreator for Stacks {
    fn new_stack(&self, size: usize, zeroed: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        let page = rustix::param::page_size();
        let len = size.next_multiple_of(page) + page;
        let kept = if zeroed { None } else { self.0.lock().pop() };
        let mapping = match kept.filter(|kept| kept.len == len) {
            Some(kept) => kept,
            None => Mapping::new(len, page)?,
        };
        Ok(Box::new(Stack { mapping: Some(mapping), page, kept: self.0.clone() }))
    }
}

/// A stack in use.
struct Stack {
    /// There until it is dropped.
    mapping: Option<Mapping>,
    page: usize,
    kept: Arc<Mutex<Vec<Mapping>>>,
}

impl Stack {
    /// The first and last address, with the guard page.
    fn bounds(&self) -> Range<*mut u8> {
        let (start, len) = self.mapping.as_ref().map_or((ptr::null_mut(), 0), |held| (held.start, held.len));
        start..start.wrapping_add(len)
    }
}

// SAFETY: the memory is mapped as long as this lives, page aligned, and its lowest page is inaccessible.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.bounds().end
    }

    fn range(&self) -> Range<usize> {
        let Range { start, end } = self.bounds();
        start as usize + self.page..end as usize
    }

    fn guard_range(&self) -> Range<*mut u8> {
        let start = self.bounds().start;
        start..start.wrapping_add(self.page)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let mut kept = self.kept.lock();
        if kept.len() < KEPT {
            kept.extend(self.mapping.take());
        }
    }
}

/// Memory of one stack: a guard page, and above it what can be written.
struct Mapping {
    start: *mut u8,
    len: usize,
}

// SAFETY: an address range that belongs to nobody but its holder, on whichever thread that is.
unsafe impl Send for Mapping {}
// SAFETY: shared references give addresses, never access.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len: usize, page: usize) -> io::Result<Mapping> {
        // SAFETY: a new mapping at an address of the system's choice touches no memory that is in use.
        let start = unsafe {
            rustix::mm::mmap_anonymous(ptr::null_mut(), len, ProtFlags::empty(), MapFlags::PRIVATE)
        }?;
        let mapping = Mapping { start: start.cast(), len };
        // SAFETY: the range lies within what was mapped above, and nobody knows of it yet.
        unsafe {
            let usable = mapping.start.add(page).cast();
            rustix::mm::mprotect(usable, len - page, MprotectFlags::READ | MprotectFlags::WRITE)
        }?;
        Ok(mapping)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and whoever ran on it is done: it is dropped by its only owner.
        let _ = unsafe { rustix::mm::munmap(self.start.cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 256 * 1024;

    #[test]
    fn a_stack_is_handed_on_and_at_most_so_many_are_kept() {
        let stacks = Stacks::default();
        let first = stacks.new_stack(SIZE, false).unwrap();
        let range = first.range();
        assert_eq!(range.len(), SIZE);
        assert_eq!(first.top() as usize, range.end);
        assert_eq!(first.guard_range().end as usize, range.start);
        let second = stacks.new_stack(SIZE, false).unwrap();
        assert_ne!(second.range(), range);
        drop(first);
        assert_eq!(stacks.new_stack(SIZE, false).unwrap().range(), range);
        drop((0..2 * KEPT).map(|_| stacks.new_stack(SIZE, false).unwrap()).collect::<Vec<_>>());
        assert_eq!(stacks.0.lock().len(), KEPT);
    }

    #[test]
    fn a_stack_that_has_to_be_clear_or_of_another_size_is_new() {
        let stacks = Stacks::default();
        let range = stacks.new_stack(SIZE, false).unwrap().range();
        assert_ne!(stacks.new_stack(SIZE, true).unwrap().range(), range);
        assert_eq!(stacks.new_stack(2 * SIZE, false).unwrap().range().len(), 2 * SIZE);
    }
}
