//! Every process of the VM by id, and who is whose parent.
//!
//! Owns ids, the limit of processes and reaping, and the one lock under which it is decided who belongs where. An entry stays until its process has ended and was waited for;
//! processes whose parent is init (the parent ended, or they were detached) leave by themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::scope::Scope;
use super::session::{Grouping, Membership};
use super::{Process, group};
use crate::{Errno, Pid, Terminal};

/// The kernel's own process: parent of all that have no other, never signalled, never waited for.
pub(crate) const INIT: Pid = 1;
/// Ids start again from 2 after this one, as on Linux.
const LAST_PID: Pid = 4_194_303;

pub(crate) struct ProcessTable {
    entries: Mutex<Entries>,
    /// All terminals that there are. Locked for moments, with no other lock.
    terminals: Mutex<Vec<Weak<Terminal>>>,
    limit: u32,
}

struct Entries {
    processes: BTreeMap<Pid, Arc<Process>>,
    next: Pid,
}

impl Entries {
    /// An id that no process has, and no session or group that is there. There are far fewer than ids, so this ends.
    fn free_id(&self) -> Pid {
        let is_taken = |pid: Pid| {
            let names = |process: &Arc<Process>| {
                let Membership { session, group } = process.membership();
                pid == session || pid == group
            };
            self.processes.contains_key(&pid) || self.processes.values().any(names)
        };
        let mut pid = self.next;
        while is_taken(pid) {
            pid = successor(pid);
        }
        pid
    }
}

impl ProcessTable {
    pub(crate) fn new(limit: u32) -> ProcessTable {
        let entries = Entries { processes: BTreeMap::new(), next: INIT + 1 };
        ProcessTable { entries: Mutex::new(entries), terminals: Mutex::default(), limit }
    }

    /// Enters init, which does not count towards the limit.
    pub(crate) fn enter_init(&self, make: impl FnOnce(Pid, Membership) -> Process) -> Arc<Process> {
        let init = Arc::new(make(INIT, Membership::leader(INIT)));
        self.entries.lock().processes.insert(INIT, init.clone());
        init
    }

    /// Knows a terminal as long as it is there.
    pub(crate) fn add_terminal(&self, terminal: &Arc<Terminal>) {
        let mut terminals = self.terminals.lock();
        terminals.retain(|terminal| terminal.strong_count() > 0);
        terminals.push(Arc::downgrade(terminal));
    }

    /// The controlling terminal of a session.
    pub(crate) fn terminal_of(&self, session: Pid) -> Option<Arc<Terminal>> {
        let terminals: Vec<Arc<Terminal>> = self.terminals.lock().iter().filter_map(Weak::upgrade).collect();
        terminals.into_iter().find(|terminal| terminal.session() == Some(session))
    }

    /// Enters the process that `make` makes of a free id, as a child of one that is where `from` says. `EINTR` once the
    /// call of the scope is over.
    pub(crate) fn enter(
        &self,
        scope: &Scope,
        from: Membership,
        grouping: Grouping,
        make: impl FnOnce(Pid, Membership) -> Process,
    ) -> Result<Arc<Process>, Errno> {
        let mut entries = self.entries.lock();
        if scope.has_ended() {
            return Err(Errno::Eintr);
        }
        if entries.processes.len() > self.limit as usize {
            return Err(Errno::Eagain);
        }
        let pid = entries.free_id();
        let session = from.session;
        let membership = match grouping {
            Grouping::Inherit => from,
            Grouping::NewGroup => Membership { session, group: pid },
            Grouping::NewSession => Membership::leader(pid),
            Grouping::Join(group) => {
                let joined = Membership { session, group };
                let is_there = entries.processes.values().any(|process| process.membership() == joined);
                is_there.then_some(joined).ok_or(Errno::Eperm)?
            }
        };
        entries.next = successor(pid);
        let process = Arc::new(make(pid, membership));
        entries.processes.insert(pid, process.clone());
        Ok(process)
    }

    /// Ends a scope: nothing enters it any more. Returns the processes in it that have not ended.
    pub(crate) fn end_scope(&self, scope: &Scope) -> Vec<Arc<Process>> {
        let entries = self.entries.lock();
        scope.end();
        let inside = entries.processes.values().filter(|process| process.scope() == scope);
        inside.filter(|process| process.exit_status().is_none()).cloned().collect()
    }

    /// Looks at all processes, while none comes or goes or changes where it belongs.
    pub(super) fn with_processes<T>(&self, look: impl FnOnce(&BTreeMap<Pid, Arc<Process>>) -> T) -> T {
        look(&self.entries.lock().processes)
    }

    /// Lets ids start again from the first.
    #[cfg(test)]
    pub(crate) fn restart_ids(&self) {
        self.entries.lock().next = INIT + 1;
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

    /// A process has ended: its children become init's, and it stays only if there is somebody to wait for it. Returns
    /// whom it leaves stopped without anybody who would continue them.
    pub(crate) fn ended(&self, process: &Process) -> Vec<Arc<Process>> {
        let mut gone = Vec::new();
        let mut children = Vec::new();
        let mut entries = self.entries.lock();
        for child in entries.processes.values().filter(|child| child.ppid() == process.pid()) {
            child.set_ppid(INIT);
            if child.exit_status().is_some() {
                gone.push(child.clone());
            } else {
                children.push(child.membership());
            }
        }
        let parent = entries.processes.get(&process.ppid());
        let parent = parent.filter(|parent| parent.pid() != INIT && parent.exit_status().is_none());
        let parents = parent.map(|parent| parent.membership());
        if parent.is_none() {
            entries.processes.remove(&process.pid()).into_iter().for_each(|this| gone.push(this));
        }
        for child in &gone {
            entries.processes.remove(&child.pid());
        }
        let left = group::left_behind(&entries.processes, process.membership(), parents, &children);
        drop(entries);
        drop(gone);
        left
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
