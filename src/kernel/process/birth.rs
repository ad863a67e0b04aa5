//! What a new process starts with, and its entry into the table.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use parking_lot::Mutex;

use super::scope::Scope;
use super::session::{Grouping, Membership};
use super::signal::Signals;
use super::table::ProcessTable;
use super::{Process, State};
use crate::fs::Filesystem;
use crate::fs::walk::Node;
use crate::limits::Share;
use crate::wait::Wakers;
use crate::{DescriptorTable, Errno, Pid, SignalSet};

/// Longest arguments and environment together, as Linux allows with its usual stack.
const ARGUMENT_BYTES_MAX: usize = 2 << 20;

/// What a new process starts with.
pub(crate) struct Birth {
    pub(crate) parent: Pid,
    pub(crate) scope: Scope,
    /// Where its parent is.
    pub(crate) from: Membership,
    pub(crate) grouping: Grouping,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) exe: String,
    pub(crate) cwd: Node,
    pub(crate) umask: u32,
    pub(crate) ignored: SignalSet,
    pub(crate) fds: DescriptorTable,
}

impl Birth {
    /// What arguments and environment take. `E2BIG` if they are too long, `EINVAL` if C could not hold them.
    fn size(&self) -> Result<u64, Errno> {
        let pairs = self.env.iter().flat_map(|(key, value)| [key, value]);
        let mut bytes = 0;
        for text in self.argv.iter().chain(pairs) {
            if text.contains('\0') {
                return Err(Errno::Einval);
            }
            // A terminating zero and a pointer for each.
            bytes += text.len() + 9;
        }
        if self.env.iter().any(|(key, _)| key.is_empty() || key.contains('=')) {
            return Err(Errno::Einval);
        }
        if bytes > ARGUMENT_BYTES_MAX { Err(Errno::E2big) } else { Ok(bytes as u64) }
    }

    /// Enters the process into the table.
    pub(crate) fn enter(
        self,
        fs: &Arc<Filesystem>,
        table: &Arc<ProcessTable>,
    ) -> Result<Arc<Process>, Errno> {
        let share = Share::take(&fs.process_bytes, self.size()?).ok_or(Errno::E2big)?;
        let (scope, from, grouping) = (self.scope.clone(), self.from, self.grouping);
        let make = |pid, membership| self.process(pid, membership, fs.clone(), table, Some(share));
        table.enter(&scope, from, grouping, make)
    }

    pub(crate) fn process(
        self,
        pid: Pid,
        membership: Membership,
        fs: Arc<Filesystem>,
        table: &Arc<ProcessTable>,
        share: Option<Share>,
    ) -> Process {
        let state = State {
            cwd: self.cwd,
            umask: self.umask,
            membership,
            signals: Signals::new(self.ignored),
            change: None,
            status: None,
            parents: Wakers::default(),
            runners: Wakers::default(),
        };
        Process {
            pid,
            ppid: AtomicU32::new(self.parent),
            scope: self.scope,
            argv: self.argv,
            env: self.env,
            exe: self.exe,
            fds: self.fds,
            fs,
            table: Arc::downgrade(table),
            state: Mutex::new(state),
            _share: share,
        }
    }
}
