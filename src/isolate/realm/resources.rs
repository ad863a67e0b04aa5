//! What guest code of one realm holds by number: open files and children. The numbers are the only thing
//! of them that JavaScript has; an unknown one is an error, never a fault.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{ExitStatus, OpenFile, Process};

/// Things by number.
pub(crate) struct Table<T> {
    entries: HashMap<u32, T>,
    last: u32,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { entries: HashMap::new(), last: 0 }
    }
}

impl<T> Table<T> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an entry; its number is not 0.
    pub fn add(&mut self, entry: T) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.entries.contains_key(&self.last) {
                break;
            }
        }
        self.entries.insert(self.last, entry);
        self.last
    }

    pub fn get(&self, id: u32) -> Option<&T> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.entries.get_mut(&id)
    }

    pub fn remove(&mut self, id: u32) -> Option<T> {
        self.entries.remove(&id)
    }
}

/// A child that this realm's code started.
pub(crate) struct Child {
    pub process: Arc<Process>,
    /// How it ended, once it has been waited for: its process id may be another's by then.
    pub waited: Option<ExitStatus>,
}

impl Drop for Child {
    fn drop(&mut self) {
        // Nobody will wait for it any more; the kernel reaps it.
        if self.waited.is_none() {
            self.process.detach();
        }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Resources {
    pub files: Table<Arc<OpenFile>>,
    pub children: Table<Child>,
}
