//! How a process ends, and how its parent hears of that, and of its stopping and continuing.

use std::task::{Context, Poll};

use super::Process;
use crate::{ExitStatus, Signal};

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildStatus {
    /// It has ended.
    Ended(ExitStatus),
    /// This signal has stopped it.
    Stopped(Signal),
    /// It goes on after it was stopped.
    Continued,
}

/// What to wait for besides the end; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitOptions {
    /// That it is stopped (`WUNTRACED`).
    pub stopped: bool,
    /// That it goes on after it was stopped (`WCONTINUED`).
    pub continued: bool,
}

/// A change that is told once. The next one takes its place whether it was told or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Stopped(Signal),
    Continued,
}

impl Process {
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
        let parents = state.parents.take();
        // No signal will do anything to it any more. Whoever waits for one learns of the end elsewhere, but may have to
        // look.
        let runners = state.runners.take();
        let cwd = std::mem::replace(&mut state.cwd, self.fs.root());
        drop(state);
        drop(cwd);
        self.leave_terminal();
        let left_behind = self.table.upgrade().map(|table| table.ended(self)).unwrap_or_default();
        self.signal_parent();
        parents.wake();
        runners.wake();
        // What is stopped, and has nobody left who would continue it, is not kept for ever.
        for process in left_behind {
            process.signal(Signal::Hup);
            process.signal(Signal::Cont);
        }
    }

    /// Something became of it that its parent may handle a signal for.
    pub(super) fn signal_parent(&self) {
        if let Some(parent) = self.table.upgrade().and_then(|table| table.get(self.ppid())) {
            parent.signal(Signal::Chld);
        }
    }

    /// How it ended, if it did. Leaves it to be waited for.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.state.lock().status
    }

    /// Ready once it has ended; takes it out of the process table.
    pub fn poll_wait(&self, cx: &Context<'_>) -> Poll<ExitStatus> {
        match self.poll_wait_for(cx, WaitOptions::default()) {
            Poll::Ready(ChildStatus::Ended(status)) => Poll::Ready(status),
            // It was not asked for anything else.
            Poll::Ready(ChildStatus::Stopped(_) | ChildStatus::Continued) | Poll::Pending => Poll::Pending,
        }
    }

    /// Ready once it has ended, which takes it out of the process table, or something else became of it that is waited
    /// for. Each change is told once.
    pub fn poll_wait_for(&self, cx: &Context<'_>, options: WaitOptions) -> Poll<ChildStatus> {
        let mut state = self.state.lock();
        if let Some(status) = state.status {
            drop(state);
            if let Some(table) = self.table.upgrade() {
                table.reap(self.pid);
            }
            return Poll::Ready(ChildStatus::Ended(status));
        }
        let told = match state.change {
            Some(Change::Stopped(signal)) if options.stopped => ChildStatus::Stopped(signal),
            Some(Change::Continued) if options.continued => ChildStatus::Continued,
            _ => {
                let woken = state.parents.register(cx);
                drop(state);
                woken.wake();
                return Poll::Pending;
            }
        };
        state.change = None;
        Poll::Ready(told)
    }

    /// Nobody will wait for it: it leaves the process table by itself when it ends.
    pub fn detach(&self) {
        if let Some(table) = self.table.upgrade() {
            table.detach(self);
        }
    }
}
