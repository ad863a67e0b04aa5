//! Locks of databases, between all connections of the VM: they are this process's own.

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::Arc;

use libsqlite3_sys as ffi;
use parking_lot::Mutex;

use super::shared_memory::SharedMemory;

/// Which file it is.
pub(super) type Key = (u64, u64);

/// What connections to one file share.
#[derive(Default)]
pub(super) struct Shared {
    locks: Mutex<Locks>,
    pub memory: Mutex<SharedMemory>,
}

#[derive(Default)]
struct Locks {
    readers: usize,
    /// Who is about to write, and who waits for the readers to leave or writes.
    reserved: Option<u64>,
    pending: Option<u64>,
}

static FILES: Mutex<Option<HashMap<Key, Arc<Shared>>>> = Mutex::new(None);

/// What the connections to that file share.
pub(super) fn shared(key: Key) -> Arc<Shared> {
    let mut files = FILES.lock();
    files.get_or_insert_default().entry(key).or_default().clone()
}

/// A connection has let go of it.
pub(super) fn release(key: Key, shared: Arc<Shared>) {
    let mut files = FILES.lock();
    // The table's own, and this one.
    if Arc::strong_count(&shared) <= 2
        && let Some(files) = files.as_mut()
    {
        files.remove(&key);
    }
}

impl Shared {
    /// Raises what the connection `id` has to `wanted`. Gives what it has now, and SQLite's answer.
    pub fn lock(&self, id: u64, level: c_int, wanted: c_int) -> (c_int, c_int) {
        let mut locks = self.locks.lock();
        let other = |who: Option<u64>| who.is_some_and(|who| who != id);
        if level >= wanted {
            return (level, ffi::SQLITE_OK);
        }
        if wanted == ffi::SQLITE_LOCK_SHARED {
            if locks.pending.is_some() {
                return (level, ffi::SQLITE_BUSY);
            }
            locks.readers += 1;
            return (wanted, ffi::SQLITE_OK);
        }
        if other(locks.reserved) || other(locks.pending) {
            return (level, ffi::SQLITE_BUSY);
        }
        if wanted == ffi::SQLITE_LOCK_RESERVED {
            locks.reserved = Some(id);
            return (wanted, ffi::SQLITE_OK);
        }
        // No reader may come any more.
        locks.pending = Some(id);
        if locks.readers > 1 {
            return (level.max(ffi::SQLITE_LOCK_PENDING), ffi::SQLITE_BUSY);
        }
        (wanted, ffi::SQLITE_OK)
    }

    /// Lowers what the connection has.
    pub fn unlock(&self, id: u64, level: c_int, wanted: c_int) -> c_int {
        if level <= wanted {
            return level;
        }
        let mut locks = self.locks.lock();
        locks.reserved = locks.reserved.filter(|who| *who != id);
        locks.pending = locks.pending.filter(|who| *who != id);
        if wanted == ffi::SQLITE_LOCK_NONE && level >= ffi::SQLITE_LOCK_SHARED {
            locks.readers = locks.readers.saturating_sub(1);
        }
        wanted
    }

    /// Whether anybody is about to write.
    pub fn is_reserved(&self) -> bool {
        let locks = self.locks.lock();
        locks.reserved.is_some() || locks.pending.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffi::{SQLITE_LOCK_EXCLUSIVE, SQLITE_LOCK_NONE, SQLITE_LOCK_RESERVED, SQLITE_LOCK_SHARED};

    #[test]
    fn one_writes_once_all_others_have_left() {
        let shared = Shared::default();
        assert_eq!(
            shared.lock(1, SQLITE_LOCK_NONE, SQLITE_LOCK_SHARED),
            (SQLITE_LOCK_SHARED, ffi::SQLITE_OK)
        );
        assert_eq!(
            shared.lock(2, SQLITE_LOCK_NONE, SQLITE_LOCK_SHARED),
            (SQLITE_LOCK_SHARED, ffi::SQLITE_OK)
        );
        assert_eq!(shared.lock(1, SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED).1, ffi::SQLITE_OK);
        assert_eq!(shared.lock(2, SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED).1, ffi::SQLITE_BUSY);
        assert!(shared.is_reserved());
        let (level, answer) = shared.lock(1, SQLITE_LOCK_RESERVED, SQLITE_LOCK_EXCLUSIVE);
        assert_eq!((level, answer), (ffi::SQLITE_LOCK_PENDING, ffi::SQLITE_BUSY));
        assert_eq!(shared.lock(3, SQLITE_LOCK_NONE, SQLITE_LOCK_SHARED).1, ffi::SQLITE_BUSY);
        assert_eq!(shared.unlock(2, SQLITE_LOCK_SHARED, SQLITE_LOCK_NONE), SQLITE_LOCK_NONE);
        assert_eq!(shared.lock(1, level, SQLITE_LOCK_EXCLUSIVE), (SQLITE_LOCK_EXCLUSIVE, ffi::SQLITE_OK));
        assert_eq!(shared.unlock(1, SQLITE_LOCK_EXCLUSIVE, SQLITE_LOCK_NONE), SQLITE_LOCK_NONE);
        assert!(!shared.is_reserved());
        assert_eq!(shared.lock(3, SQLITE_LOCK_NONE, SQLITE_LOCK_SHARED).1, ffi::SQLITE_OK);
    }
}
