//! The descriptors of one process.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Errno, OpenFile};

#[derive(Clone)]
struct Entry {
    file: Arc<OpenFile>,
    close_on_exec: bool,
}

/// Which open file each descriptor number of a process refers to. Numbers are given out lowest first.
pub struct DescriptorTable {
    entries: Mutex<Vec<Option<Entry>>>,
    limit: u32,
}

impl DescriptorTable {
    pub(crate) fn empty(limit: u32) -> DescriptorTable {
        DescriptorTable { entries: Mutex::default(), limit }
    }

    pub(crate) fn new(limit: u32, files: Vec<(u32, Arc<OpenFile>)>) -> Result<DescriptorTable, Errno> {
        let table = DescriptorTable::empty(limit);
        for (number, file) in files {
            table.set(number, file, false).map_err(|_| Errno::Emfile)?;
        }
        Ok(table)
    }

    /// The open file that `number` refers to.
    pub fn get(&self, number: u32) -> Result<Arc<OpenFile>, Errno> {
        match self.entries.lock().get(number as usize) {
            Some(Some(entry)) => Ok(entry.file.clone()),
            _ => Err(Errno::Ebadf),
        }
    }

    /// Looks at the open file that `number` refers to without holding it: whoever holds one may be the last to do so,
    /// and closing must not happen under the locks that a path resolution holds.
    pub(crate) fn look<T>(&self, number: u32, at: impl FnOnce(&Arc<OpenFile>) -> T) -> Result<T, Errno> {
        match self.entries.lock().get(number as usize) {
            Some(Some(entry)) => Ok(at(&entry.file)),
            _ => Err(Errno::Ebadf),
        }
    }

    /// Whether `number` refers to anything.
    pub fn contains(&self, number: u32) -> bool {
        matches!(self.entries.lock().get(number as usize), Some(Some(_)))
    }

    /// Gives `file` the lowest free number.
    pub fn insert(&self, file: Arc<OpenFile>, close_on_exec: bool) -> Result<u32, Errno> {
        self.insert_from(0, file, close_on_exec)
    }

    /// Gives `file` the lowest free number that is not below `lowest` (as `F_DUPFD` does).
    pub fn insert_from(&self, lowest: u32, file: Arc<OpenFile>, close_on_exec: bool) -> Result<u32, Errno> {
        if lowest >= self.limit {
            return Err(Errno::Einval);
        }
        let mut entries = self.entries.lock();
        let used = entries.len().saturating_sub(lowest as usize);
        let free = entries.iter().skip(lowest as usize).position(Option::is_none).unwrap_or(used);
        let number = lowest as usize + free;
        if number >= self.limit as usize {
            return Err(Errno::Emfile);
        }
        if number >= entries.len() {
            entries.resize(number + 1, None);
        }
        entries[number] = Some(Entry { file, close_on_exec });
        Ok(number as u32)
    }

    /// Makes `number` refer to `file`; what it referred to before is closed.
    pub fn set(&self, number: u32, file: Arc<OpenFile>, close_on_exec: bool) -> Result<(), Errno> {
        if number >= self.limit {
            return Err(Errno::Ebadf);
        }
        let index = number as usize;
        let before = {
            let mut entries = self.entries.lock();
            if index >= entries.len() {
                entries.resize(index + 1, None);
            }
            entries[index].replace(Entry { file, close_on_exec })
        };
        // Closing may ask the host or wake readers of a pipe: not under the lock.
        drop(before);
        Ok(())
    }

    /// Another, lowest free number for the same open file.
    pub fn dup(&self, number: u32) -> Result<u32, Errno> {
        self.insert(self.get(number)?, false)
    }

    /// Makes `target` refer to what `source` refers to. Nothing happens if they are the same number.
    pub fn dup2(&self, source: u32, target: u32) -> Result<(), Errno> {
        let file = self.get(source)?;
        if source == target { Ok(()) } else { self.set(target, file, false) }
    }

    /// Moves `source` to `target`, which is closed first (as WASI's `fd_renumber` does).
    pub fn renumber(&self, source: u32, target: u32) -> Result<(), Errno> {
        self.dup2(source, target)?;
        if source == target { Ok(()) } else { self.close(source) }
    }

    /// Gives the number up; the file is closed when nobody else holds it.
    pub fn close(&self, number: u32) -> Result<(), Errno> {
        let before = self.entries.lock().get_mut(number as usize).and_then(Option::take);
        before.map(drop).ok_or(Errno::Ebadf)
    }

    /// Whether the descriptor is closed when its process starts another program.
    pub fn close_on_exec(&self, number: u32) -> Result<bool, Errno> {
        match self.entries.lock().get(number as usize) {
            Some(Some(entry)) => Ok(entry.close_on_exec),
            _ => Err(Errno::Ebadf),
        }
    }

    /// Sets whether the descriptor is closed when its process starts another program.
    pub fn set_close_on_exec(&self, number: u32, on: bool) -> Result<(), Errno> {
        match self.entries.lock().get_mut(number as usize) {
            Some(Some(entry)) => {
                entry.close_on_exec = on;
                Ok(())
            }
            _ => Err(Errno::Ebadf),
        }
    }

    /// The numbers in use, ascending.
    pub fn numbers(&self) -> Vec<u32> {
        let entries = self.entries.lock();
        (0..).zip(entries.iter()).filter(|(_, entry)| entry.is_some()).map(|(number, _)| number).collect()
    }

    /// What a child inherits: every descriptor without close-on-exec, by number.
    pub fn inheritable(&self) -> Vec<(u32, Arc<OpenFile>)> {
        let entries = self.entries.lock();
        let kept = (0..).zip(entries.iter()).filter_map(|(number, entry)| Some((number, entry.as_ref()?)));
        kept.filter(|(_, entry)| !entry.close_on_exec)
            .map(|(number, entry)| (number, entry.file.clone()))
            .collect()
    }

    /// Closes everything; for the end of the process.
    pub(crate) fn clear(&self) {
        let before = std::mem::take(&mut *self.entries.lock());
        drop(before);
    }
}
