//! Process groups: processes of one session that are signalled together, such as the programs of a pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Process;
use super::session::Membership;
use super::table::{INIT, ProcessTable};
use crate::{Errno, Kernel, Pid, Signal};

impl Process {
    /// The process group that it is in: the id of the process that made it.
    pub fn group(&self) -> Pid {
        self.membership().group
    }

    /// Puts itself, or a child that runs no program yet, into a process group of its session: into one that is there, or
    /// into a new one with the id of the process itself. A number 0 stands for the caller's, and for the id of the
    /// process that is put.
    ///
    /// `ESRCH` if it is neither; `EACCES` for a child that runs a program; `EPERM` for one that started a session or is
    /// in another, and when there is no such group in the session.
    pub fn setpgid(&self, pid: Pid, group: Pid) -> Result<(), Errno> {
        let table = self.table.upgrade().ok_or(Errno::Esrch)?;
        let child =
            if pid == 0 || pid == self.pid { None } else { Some(table.get(pid).ok_or(Errno::Esrch)?) };
        let target = child.as_deref().unwrap_or(self);
        table.with_processes(|processes| {
            let own = self.membership();
            let session = target.membership().session;
            if target.exit_status().is_some() {
                return Err(Errno::Esrch);
            }
            if child.is_some() {
                if target.ppid() != self.pid {
                    return Err(Errno::Esrch);
                }
                if session != own.session {
                    return Err(Errno::Eperm);
                }
                if !target.exe().is_empty() {
                    return Err(Errno::Eacces);
                }
            }
            if session == target.pid {
                return Err(Errno::Eperm);
            }
            let membership = Membership { session, group: if group == 0 { target.pid } else { group } };
            if membership.group != target.pid
                && !processes.values().any(|process| process.membership() == membership)
            {
                return Err(Errno::Eperm);
            }
            target.set_membership(membership);
            Ok(())
        })
    }
}

impl Kernel {
    /// Sends a signal to every process of a group. `ESRCH` if there is none, `EPERM` for number 1.
    pub fn kill_group(&self, group: Pid, signal: Signal) -> Result<(), Errno> {
        if group == INIT {
            return Err(Errno::Eperm);
        }
        let members: Vec<Arc<Process>> =
            self.processes().into_iter().filter(|process| process.group() == group).collect();
        if members.is_empty() {
            return Err(Errno::Esrch);
        }
        members.iter().for_each(|process| process.signal(signal));
        Ok(())
    }
}

impl ProcessTable {
    pub(super) fn is_orphaned(&self, group: Pid) -> bool {
        self.with_processes(|processes| is_orphaned(processes, group))
    }
}

/// Whether nobody is left who would look after the processes of a group: none of them has a parent in another group of
/// its session.
fn is_orphaned(processes: &BTreeMap<Pid, Arc<Process>>, group: Pid) -> bool {
    let runs = |process: &&Arc<Process>| process.exit_status().is_none();
    !processes.values().filter(runs).any(|process| {
        let own = process.membership();
        let parent = processes.get(&process.ppid()).filter(runs).map(|parent| parent.membership());
        own.group == group
            && parent.is_some_and(|parent| parent.session == own.session && parent.group != group)
    })
}

/// The processes of groups that the end of one, which was in `from` with a parent in `parent`, leaves orphaned with
/// somebody stopped in them. `children` are where its children are.
pub(super) fn left_behind(
    processes: &BTreeMap<Pid, Arc<Process>>,
    from: Membership,
    parent: Option<Membership>,
    children: &[Membership],
) -> Vec<Arc<Process>> {
    let ties = |other: &Membership| other.session == from.session && other.group != from.group;
    let own = parent.as_ref().filter(|parent| ties(parent)).map(|_| from.group);
    let mut groups: Vec<Pid> =
        children.iter().filter(|child| ties(child)).map(|child| child.group).chain(own).collect();
    groups.sort_unstable();
    groups.dedup();
    let members = |group: Pid| processes.values().filter(move |process| process.group() == group);
    groups.retain(|&group| members(group).any(|process| process.stopped().is_some()));
    groups.retain(|&group| is_orphaned(processes, group));
    groups.into_iter().flat_map(members).cloned().collect()
}
