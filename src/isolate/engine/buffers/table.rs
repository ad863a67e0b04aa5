//! A growing array of plain records in a mapping of its own, which never moves and is never given back. It does not use
//! the process's allocator, so that it can be refused memory and say so, and what it was not asked for yet is neither
//! resident nor counted.

use std::ops::{Deref, DerefMut};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

/// Records that are valid with all their bytes zero.
///
/// # Safety
/// They are, and they need no dropping.
pub(super) unsafe trait Zeroed: Copy {}

/// By how much a table grows at least, in bytes.
const STEP: usize = 16 * 1024;

/// See the module.
pub(super) struct Table<T> {
    start: *mut T,
    /// How many records may be used.
    length: usize,
    /// What of the mapping is accessible, in bytes.
    open: usize,
    /// How long the mapping is, in bytes.
    size: usize,
}

// SAFETY: the mapping belongs to the table alone, which is no different from a `Vec`.
unsafe impl<T: Send> Send for Table<T> {}

impl<T: Zeroed> Table<T> {
    /// An empty table that may grow to so many records.
    pub fn reserve(records: usize) -> Option<Table<T>> {
        let size = records.checked_mul(size_of::<T>())?.checked_next_multiple_of(STEP)?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the system's choice; it overlaps nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), size, ProtFlags::empty(), flags) }.ok()?;
        Some(Table { start: start.cast(), length: 0, open: 0, size })
    }

    /// Makes it at least so many records long; new ones are zero. Whether there was memory for them.
    pub fn grow(&mut self, records: usize) -> bool {
        let Some(bytes) = records.checked_mul(size_of::<T>()) else { return false };
        if bytes > self.open {
            let open = bytes.next_multiple_of(STEP);
            if open > self.size {
                return false;
            }
            let access = MprotectFlags::READ | MprotectFlags::WRITE;
            // SAFETY: `open` is within the mapping, whose further pages nobody has used.
            if unsafe { mprotect(self.start.cast(), open, access) }.is_err() {
                return false;
            }
            self.open = open;
        }
        self.length = self.length.max(records);
        true
    }
}

impl<T: Zeroed> Deref for Table<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: so many records are accessible, were zero or written by us, and zero is valid; mappings are aligned to
        // pages. Nobody else has the pointer.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl<T: Zeroed> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and the table is borrowed for it.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SAFETY: a number is valid with all its bytes zero.
    unsafe impl Zeroed for u32 {}

    #[test]
    fn a_table_grows_in_place_with_zeros_up_to_what_was_reserved() {
        let mut table = Table::<u32>::reserve(STEP).unwrap();
        assert!(table.is_empty());
        assert!(table.grow(10));
        table[9] = 7;
        assert!(table.grow(5000) && table.len() == 5000);
        assert_eq!((table[9], table[4999]), (7, 0));
        assert!(table.grow(STEP));
        assert!(!table.grow(4 * STEP), "no more than was reserved");
        assert!(!table.grow(usize::MAX));
    }
}
