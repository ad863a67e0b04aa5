//! Every process of the VM by id, and who is whose parent.
//!
//! Owns ids, the limit of processes and reaping. An entry stays until its process has ended and was waited for;
//! processes whose parent is init (the parent ended, or they were detached) leave by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Errno, Pid, Process};

/// The kernel's own process: parent of all that have no other, never signalled, never waited for.
pub(crate) const INIT: Pid = 1;
/// Ids start again from 2 after this one, as on Linux.
const LAST_PID: Pid = 4_194_303;

pub(crate) struct ProcessTable {
    entries: Mutex<Entries>,
    limit: u32,
}

struct Entries {
    processes: BTreeMap<Pid, Arc<Process>>,
    next: Pid,
}

impl ProcessTable {
    pub(crate) fn new(limit: u32) -> ProcessTable {
        ProcessTable { entries: Mutex::new(Entries { processes: BTreeMap::new(), next: INIT + 1 }), limit }
    }

    /// Enters init, which does not count towards the limit.
    pub(crate) fn enter_init(&self, make: impl FnOnce(Pid) -> Process) -> Arc<Process> {
        let init = Arc::new(make(INIT));
        self.entries.lock().processes.insert(INIT, init.clone());
        init
    }

    /// Enters the process that `make` makes of a free id.
    pub(crate) fn enter(&self, make: impl FnOnce(Pid) -> Process) -> Result<Arc<Process>, Errno> {
        let mut entries = self.entries.lock();
        if entries.processes.len() > self.limit as usize {
            return Err(Errno::Eagain);
        }
        // There are fewer processes than ids, so this ends.
        let mut pid = entries.next;
        while entries.processes.contains_key(&pid) {
            pid = successor(pid);
        }
        entries.next = successor(pid);
        let process = Arc::new(make(pid));
        entries.processes.insert(pid, process.clone());
        Ok(process)
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<Arc<Process>> {
        self.entries.lock().processes.get(&pid).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Process>> {
        self.entries.lock().processes.values().cloned().collect()
    }

    /// Takes a process out. It may be the last to hold its descriptors, so it is dropped outside of the lock.
    pub(crate) fn reap(&self, pid: Pid) {
        let gone = self.entries.lock().processes.remove(&pid);
        drop(gone);
    }

    /// A process has ended: its children become init's, and it stays only if there is somebody to wait for it.
    pub(crate) fn ended(&self, process: &Process) {
        let mut gone = Vec::new();
        let mut entries = self.entries.lock();
        for child in entries.processes.values().filter(|child| child.ppid() == process.pid()) {
            child.set_ppid(INIT);
            if child.exit_status().is_some() {
                gone.push(child.clone());
            }
        }
        let parent = entries.processes.get(&process.ppid());
        let awaited = process.ppid() != INIT && parent.is_some_and(|parent| parent.exit_status().is_none());
        if !awaited {
            entries.processes.remove(&process.pid()).into_iter().for_each(|this| gone.push(this));
        }
        for child in &gone {
            entries.processes.remove(&child.pid());
        }
        drop(entries);
        drop(gone);
    }

    /// Nobody will wait for a process.
    pub(crate) fn detach(&self, process: &Process) {
        let mut entries = self.entries.lock();
        process.set_ppid(INIT);
        let gone = process.exit_status().and_then(|_| entries.processes.remove(&process.pid()));
        drop(entries);
        drop(gone);
    }
}

fn successor(pid: Pid) -> Pid {
    if pid >= LAST_PID { INIT + 1 } else { pid + 1 }
}
