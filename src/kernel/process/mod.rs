//! Processes: who they are, what they hold, and the operations that are theirs. By file: `table` (ids and parents),
//! `birth`, `scope`, `session` and `group` (who belongs together), `signal` and `delivery` (what signals do, and who is
//! told), `terminal` (job control), `wait` (ends), `paths` (operations by path), `program` (from a name to what has to run).
//!
//! Does not run anything: an [`Executor`](crate::Executor) does, watches [`Process::poll_killed`] and
//! [`Process::poll_runnable`], and calls [`Process::exit`].

pub(crate) mod birth;
mod delivery;
mod group;
pub(crate) mod paths;
pub(crate) mod program;
pub(crate) mod scope;
pub(crate) mod session;
pub(crate) mod signal;
pub(crate) mod table;
mod terminal;
pub(crate) mod wait;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use self::scope::Scope;
use self::session::Membership;
use self::signal::Signals;
use self::table::{INIT, ProcessTable};
use self::wait::Change;
use super::fs::walk::Node;
use super::fs::{Caller, Filesystem};
use super::limits::Share;
use super::wait::Wakers;
use super::{DescriptorTable, Errno, ExitStatus, OpenFile, Pid, Signal};

/// A process of the VM, running, stopped or ended.
pub struct Process {
    pid: Pid,
    ppid: AtomicU32,
    scope: Scope,
    argv: Vec<String>,
    env: Vec<(String, String)>,
    exe: String,
    fds: DescriptorTable,
    pub(super) fs: Arc<Filesystem>,
    table: Weak<ProcessTable>,
    state: Mutex<State>,
    _share: Option<Share>,
}

struct State {
    cwd: Node,
    umask: u32,
    /// Changed under the lock of the table, which looks at that of all.
    membership: Membership,
    signals: Signals,
    /// What no parent has heard of yet.
    change: Option<Change>,
    status: Option<ExitStatus>,
    /// Who waits for its end, or for it to stop or continue.
    parents: Wakers,
    /// Who runs it, or something on its behalf.
    runners: Wakers,
}

impl Process {
    /// Its id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its parent's id; 1 once the parent has ended.
    pub fn ppid(&self) -> Pid {
        self.ppid.load(Ordering::SeqCst)
    }

    pub(crate) fn set_ppid(&self, parent: Pid) {
        self.ppid.store(parent, Ordering::SeqCst);
    }

    /// The call scope that it is in; see [`Kernel::end_scope`](super::Kernel::end_scope).
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Its arguments, the first being its own name.
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// The environment it was started with.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// The value of one variable of the environment.
    pub fn env_var(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path of its program; empty for processes that run none.
    pub fn exe(&self) -> &str {
        &self.exe
    }

    /// Its descriptors.
    pub fn fds(&self) -> &DescriptorTable {
        &self.fds
    }

    /// Its file creation mask.
    pub fn umask(&self) -> u32 {
        self.state.lock().umask
    }

    /// Sets its file creation mask and returns the one before.
    pub fn set_umask(&self, mask: u32) -> u32 {
        std::mem::replace(&mut self.state.lock().umask, mask & 0o777)
    }

    pub(crate) fn cwd_node(&self) -> Node {
        self.state.lock().cwd.clone()
    }

    pub(crate) fn set_cwd_node(&self, directory: Node) {
        let before = std::mem::replace(&mut self.state.lock().cwd, directory);
        drop(before);
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { pid: self.pid, exempt: self.pid == INIT, umask: self.umask(), fds: &self.fds }
    }

    /// Waits on behalf of this process until it may go on with what it has opened: `EINTR` once a signal has ended it.
    pub fn poll_opened(&self, cx: &mut Context<'_>, file: &OpenFile) -> Poll<Result<(), Errno>> {
        let outcome = file.poll_opened(cx).map(|()| Ok(0));
        self.or_killed(cx, outcome).map_ok(|_| ())
    }

    /// Reads from `file` on behalf of this process: `EINTR` once a signal has ended it.
    pub fn poll_read(
        &self,
        cx: &mut Context<'_>,
        file: &OpenFile,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Errno>> {
        if self.killed().is_some() {
            return Poll::Ready(Err(Errno::Eintr));
        }
        let outcome = match self.poll_may_read(cx, file) {
            Poll::Ready(Ok(())) => file.poll_read(cx, buffer),
            other => other.map_ok(|()| 0),
        };
        self.or_killed(cx, outcome)
    }

    /// Writes to `file` on behalf of this process: `EINTR` once a signal has ended it. A pipe that nobody can read
    /// answers `EPIPE` and sends the process `SIGPIPE`.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        file: &OpenFile,
        bytes: &[u8],
    ) -> Poll<Result<usize, Errno>> {
        if self.killed().is_some() {
            return Poll::Ready(Err(Errno::Eintr));
        }
        let outcome = match self.poll_may_write(cx, file) {
            Poll::Ready(Ok(())) => file.poll_write(cx, bytes),
            other => other.map_ok(|()| 0),
        };
        if outcome == Poll::Ready(Err(Errno::Epipe)) {
            self.signal(Signal::Pipe);
        }
        self.or_killed(cx, outcome)
    }

    /// While an operation waits, a signal that ends the process ends the wait.
    fn or_killed(&self, cx: &Context<'_>, outcome: Poll<Result<usize, Errno>>) -> Poll<Result<usize, Errno>> {
        match outcome {
            Poll::Pending => self.poll_killed(cx).map(|_| Err(Errno::Eintr)),
            outcome => outcome,
        }
    }
}
