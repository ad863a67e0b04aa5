//! The index of a write-ahead log: memory that all connections to a database share, and locks on it. It is this process's
//! own memory, since all of them are.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::c_int;

use isolate::library::memory_for;
use libsqlite3_sys as ffi;

/// Locks of one index.
const LOCKS: usize = 8;

/// Most pieces of one index: each of the usual size stands for 4096 pages of the log.
const REGIONS_MAX: usize = 4096;

/// Largest piece.
const REGION_MAX: usize = 1024 * 1024;

/// See the module.
#[derive(Default)]
pub(in crate::sqlite) struct SharedMemory {
    regions: Vec<Region>,
    /// How many share each lock; -1 if one has it alone.
    locks: [i32; LOCKS],
    /// How many connections use it.
    pub users: usize,
}

struct Region {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: it owns the memory that it points to. What lies there SQLite reads and writes under its own locks, from any
// thread.
unsafe impl Send for Region {}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.start, self.layout) };
    }
}

/// What one connection has of the locks: a bit each.
#[derive(Clone, Copy, Default)]
pub(in crate::sqlite) struct Held {
    shared: u8,
    alone: u8,
}

impl SharedMemory {
    /// A piece, which stays where it is; null if there is none and none is to be made.
    pub fn region(&mut self, index: usize, size: usize, extend: bool) -> Result<*mut u8, c_int> {
        while self.regions.len() <= index {
            if !extend {
                return Ok(std::ptr::null_mut());
            }
            if index >= REGIONS_MAX || size == 0 || size > REGION_MAX || !memory_for(size.max(1 << 17)) {
                return Err(ffi::SQLITE_NOMEM);
            }
            let layout = Layout::from_size_align(size, 16).map_err(|_| ffi::SQLITE_NOMEM)?;
            // SAFETY: the layout is not empty.
            let start = unsafe { alloc_zeroed(layout) };
            if start.is_null() {
                return Err(ffi::SQLITE_NOMEM);
            }
            self.regions.push(Region { start, layout });
        }
        match self.regions.get(index) {
            Some(region) if region.layout.size() >= size => Ok(region.start),
            _ => Err(ffi::SQLITE_IOERR_SHMMAP),
        }
    }

    /// Locks or unlocks some of the locks, all of them or none.
    pub fn lock(&mut self, held: &mut Held, first: usize, count: usize, flags: c_int) -> c_int {
        let Some(locks) = first.checked_add(count).and_then(|end| self.locks.get_mut(first..end)) else {
            return ffi::SQLITE_IOERR_SHMLOCK;
        };
        let bits = (first..first + count).fold(0u8, |bits, index| bits | 1 << index);
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            for (index, lock) in locks.iter_mut().enumerate() {
                let bit = 1u8 << (first + index);
                if held.alone & bit != 0 {
                    *lock = 0;
                } else if held.shared & bit != 0 {
                    *lock = (*lock - 1).max(0);
                }
            }
            held.alone &= !bits;
            held.shared &= !bits;
            return ffi::SQLITE_OK;
        }
        if flags & ffi::SQLITE_SHM_SHARED != 0 {
            if held.shared & bits == bits {
                return ffi::SQLITE_OK;
            }
            if locks.iter().any(|lock| *lock < 0) {
                return ffi::SQLITE_BUSY;
            }
            locks.iter_mut().for_each(|lock| *lock += 1);
            held.shared |= bits;
            return ffi::SQLITE_OK;
        }
        if locks.iter().any(|lock| *lock != 0) {
            return ffi::SQLITE_BUSY;
        }
        locks.fill(-1);
        held.alone |= bits;
        ffi::SQLITE_OK
    }

    /// A connection uses it no more.
    pub fn leave(&mut self, held: &mut Held) {
        self.lock(held, 0, LOCKS, ffi::SQLITE_SHM_UNLOCK);
        self.users = self.users.saturating_sub(1);
        if self.users == 0 {
            // The log's index is made anew by whoever comes next.
            self.regions.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffi::{SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_LOCK, SQLITE_SHM_SHARED, SQLITE_SHM_UNLOCK};

    #[test]
    fn locks_are_shared_or_held_alone() {
        let (mut memory, mut first, mut second) = (SharedMemory::default(), Held::default(), Held::default());
        assert_eq!(memory.lock(&mut first, 3, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), ffi::SQLITE_OK);
        assert_eq!(memory.lock(&mut second, 3, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), ffi::SQLITE_OK);
        let alone = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
        assert_eq!(memory.lock(&mut first, 0, 4, alone), ffi::SQLITE_BUSY);
        assert_eq!(memory.lock(&mut first, 0, 3, alone), ffi::SQLITE_OK);
        assert_eq!(memory.lock(&mut second, 1, 1, alone), ffi::SQLITE_BUSY);
        assert_eq!(memory.lock(&mut first, 0, 3, SQLITE_SHM_UNLOCK), ffi::SQLITE_OK);
        assert_eq!(memory.lock(&mut second, 1, 1, alone), ffi::SQLITE_OK);
        assert_eq!(memory.lock(&mut first, 7, 4, alone), ffi::SQLITE_IOERR_SHMLOCK);
        memory.users = 2;
        memory.leave(&mut first);
        memory.leave(&mut second);
        assert_eq!(memory.locks, [0; LOCKS]);
    }

    #[test]
    fn pieces_stay_where_they_are() {
        let mut memory = SharedMemory::default();
        assert!(memory.region(0, 32768, false).unwrap().is_null());
        let first = memory.region(0, 32768, true).unwrap();
        memory.region(5, 32768, true).unwrap();
        assert_eq!(memory.region(0, 32768, false).unwrap(), first);
        assert!(memory.region(REGIONS_MAX, 32768, true).is_err());
    }
}
