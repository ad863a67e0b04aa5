//! Sessions: the process groups that one process and its descendants make, until one of them starts a session of its
//! own. Which terminal controls one is known by the terminal.

use super::Process;
use crate::{Errno, Pid};

/// The session and the process group of a process, each named by the process that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) session: Pid,
    pub(crate) group: Pid,
}

impl Membership {
    /// Of a process that starts a session.
    pub(crate) fn leader(pid: Pid) -> Membership {
        Membership { session: pid, group: pid }
    }
}

/// The session and process group that a program starts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Those of its parent.
    #[default]
    Inherit,
    /// A group of its own in its parent's session.
    NewGroup,
    /// This group of its parent's session. `EPERM` if there is none.
    Join(Pid),
    /// A session of its own, and a group.
    NewSession,
}

impl Process {
    /// The session that it is in: the id of the process that started it.
    pub fn session(&self) -> Pid {
        self.membership().session
    }

    pub(crate) fn membership(&self) -> Membership {
        self.state.lock().membership
    }

    pub(super) fn set_membership(&self, membership: Membership) {
        self.state.lock().membership = membership;
    }

    /// Starts a session, and a group, of its own and returns its id. `EPERM` for a process that leads a group.
    pub fn setsid(&self) -> Result<Pid, Errno> {
        let table = self.table.upgrade().ok_or(Errno::Esrch)?;
        table.with_processes(|processes| {
            if processes.values().any(|process| process.group() == self.pid) {
                return Err(Errno::Eperm);
            }
            self.set_membership(Membership::leader(self.pid));
            Ok(self.pid)
        })
    }
}
