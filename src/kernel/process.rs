//! One process: its identity, its descriptors, its signals and its end.
//!
//! Owns what `fork`, `exec`, `kill`, `exit` and `wait` need to know. Does not run anything: an
//! [`Executor`](super::Executor) does, watches [`Process::poll_killed`] and calls [`Process::exit`].

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::DefaultAction;
use super::fs::walk::Node;
use super::fs::{Caller, Filesystem};
use super::limits::Share;
use super::process_table::{INIT, ProcessTable};
use super::wait::Wakers;
use super::{DescriptorTable, Errno, ExitStatus, OpenFile, Pid, Signal, SignalSet};

/// Longest arguments and environment together, as Linux allows with its usual stack.
const ARGUMENT_BYTES_MAX: usize = 2 << 20;

/// A process of the VM, running or ended.
pub struct Process {
    pid: Pid,
    ppid: AtomicU32,
    session: Pid,
    argv: Vec<String>,
    env: Vec<(String, String)>,
    exe: String,
    fds: DescriptorTable,
    pub(super) fs: Arc<Filesystem>,
    table: Weak<ProcessTable>,
    /// Number of the signal that ended it; 0 while none has. Set once.
    killed: AtomicU8,
    state: Mutex<State>,
    _share: Option<Share>,
}

struct State {
    cwd: Node,
    umask: u32,
    ignored: SignalSet,
    status: Option<ExitStatus>,
    waiting_for_end: Wakers,
    waiting_for_kill: Wakers,
}

/// What a new process starts with.
pub(crate) struct Birth {
    pub(crate) parent: Pid,
    /// None for a process that starts a session of its own.
    pub(crate) session: Option<Pid>,
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
        table.enter(|pid| self.process(pid, fs.clone(), table, Some(share)))
    }

    pub(crate) fn process(
        self,
        pid: Pid,
        fs: Arc<Filesystem>,
        table: &Arc<ProcessTable>,
        share: Option<Share>,
    ) -> Process {
        let state = State {
            cwd: self.cwd,
            umask: self.umask,
            ignored: self.ignored,
            status: None,
            waiting_for_end: Wakers::default(),
            waiting_for_kill: Wakers::default(),
        };
        Process {
            pid,
            ppid: AtomicU32::new(self.parent),
            session: self.session.unwrap_or(pid),
            argv: self.argv,
            env: self.env,
            exe: self.exe,
            fds: self.fds,
            fs,
            table: Arc::downgrade(table),
            killed: AtomicU8::new(0),
            state: Mutex::new(state),
            _share: share,
        }
    }
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

    /// The id of the process that was created without a parent and that this one descends from, however many between
    /// them have ended. See [`Kernel::kill_session`](super::Kernel::kill_session).
    pub fn session(&self) -> Pid {
        self.session
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

    pub(crate) fn ignored(&self) -> SignalSet {
        self.state.lock().ignored
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { pid: self.pid, exempt: self.pid == INIT, umask: self.umask(), fds: &self.fds }
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
        let outcome = file.poll_read(cx, buffer);
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
        let outcome = file.poll_write(cx, bytes);
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

    /// Sends this process a signal.
    pub fn signal(&self, signal: Signal) {
        if self.pid == INIT || signal.default_action() == DefaultAction::Ignore {
            return;
        }
        let mut state = self.state.lock();
        if state.ignored.contains(signal) || state.status.is_some() || self.killed().is_some() {
            return;
        }
        self.killed.store(signal.number(), Ordering::SeqCst);
        let woken = state.waiting_for_kill.take();
        drop(state);
        woken.wake();
    }

    /// The signal that has ended it. The guest may still run until its executor has stopped it.
    pub fn killed(&self) -> Option<Signal> {
        Signal::from_number(self.killed.load(Ordering::SeqCst))
    }

    /// Ready once a signal has ended it. The executor then stops the guest and calls [`exit`](Self::exit).
    pub fn poll_killed(&self, cx: &Context<'_>) -> Poll<Signal> {
        if let Some(signal) = self.killed() {
            return Poll::Ready(signal);
        }
        let mut state = self.state.lock();
        // The signal is set under this lock: it cannot come between this look and the registration.
        if let Some(signal) = self.killed() {
            return Poll::Ready(signal);
        }
        let woken = state.waiting_for_kill.register(cx);
        drop(state);
        woken.wake();
        Poll::Pending
    }

    /// Whether it ignores a signal.
    pub fn ignores(&self, signal: Signal) -> bool {
        self.ignored().contains(signal)
    }

    /// Replaces the default action of a signal by ignoring it, or restores it. `EINVAL` for `SIGKILL`, `SIGSTOP`.
    pub fn set_ignored(&self, signal: Signal, ignored: bool) -> Result<(), Errno> {
        if !signal.can_be_ignored() {
            return Err(Errno::Einval);
        }
        let mut state = self.state.lock();
        if ignored {
            state.ignored.insert(signal);
        } else {
            state.ignored.remove(signal);
        }
        Ok(())
    }

    /// Ends the process: closes its descriptors, hands its children to init and tells whoever waits. Whoever
    /// executes it calls this exactly when the guest runs no more; later calls change nothing.
    pub fn exit(&self, status: ExitStatus) {
        if self.state.lock().status.is_some() {
            return;
        }
        // First, so that whoever sees the end finds the pipes closed.
        self.fds.clear();
        let mut state = self.state.lock();
        if state.status.is_some() {
            return;
        }
        state.status = Some(status);
        let ended = state.waiting_for_end.take();
        // Nothing will kill it any more. Whoever waits for that learns of the end elsewhere, but may have to look.
        let watching = state.waiting_for_kill.take();
        let cwd = std::mem::replace(&mut state.cwd, self.fs.root());
        drop(state);
        drop(cwd);
        if let Some(table) = self.table.upgrade() {
            table.ended(self);
        }
        ended.wake();
        watching.wake();
    }

    /// How it ended, if it did. Leaves it to be waited for.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.state.lock().status
    }

    /// Ready once it has ended; takes it out of the process table.
    pub fn poll_wait(&self, cx: &Context<'_>) -> Poll<ExitStatus> {
        let mut state = self.state.lock();
        let Some(status) = state.status else {
            let woken = state.waiting_for_end.register(cx);
            drop(state);
            woken.wake();
            return Poll::Pending;
        };
        drop(state);
        if let Some(table) = self.table.upgrade() {
            table.reap(self.pid);
        }
        Poll::Ready(status)
    }

    /// Nobody will wait for it: it leaves the process table by itself when it ends.
    pub fn detach(&self) {
        if let Some(table) = self.table.upgrade() {
            table.detach(self);
        }
    }
}
