//! Processes at terminals: the controlling terminal of a session, and job control: who may read, write and change a terminal
//! while another group is in its foreground.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::Process;
use super::signal::Disposition;
use crate::terminal::{Attributes, ChangeWhen, LocalModes};
use crate::{Errno, OpenFile, Pid, Signal, Terminal};

impl Process {
    /// The controlling terminal of its session, if it has one.
    pub fn terminal(&self) -> Option<Arc<Terminal>> {
        self.table.upgrade()?.terminal_of(self.session())
    }

    /// Ready once it may read from `file`: unless that is its controlling terminal and another group is in the foreground,
    /// which sends its group `SIGTTIN`. `EIO` if that would not stop it.
    pub(super) fn poll_may_read(&self, cx: &Context<'_>, file: &OpenFile) -> Poll<Result<(), Errno>> {
        match file.terminal() {
            Some(terminal) if self.is_background_of(terminal) => {
                let useless =
                    self.disposition(Signal::Ttin) == Disposition::Ignore || self.is_in_orphaned_group();
                if useless { Poll::Ready(Err(Errno::Eio)) } else { self.poll_stop(cx, Signal::Ttin) }
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Likewise for writing, if the terminal says that this stops who is in the background.
    pub(super) fn poll_may_write(&self, cx: &Context<'_>, file: &OpenFile) -> Poll<Result<(), Errno>> {
        match file.terminal() {
            Some(terminal) if terminal.attributes().local.contains(LocalModes::STOP_BACKGROUND) => {
                self.poll_may_change(cx, terminal)
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Ready once it may change a terminal: from the background that sends its group `SIGTTOU`. Who ignores that may.
    fn poll_may_change(&self, cx: &Context<'_>, terminal: &Terminal) -> Poll<Result<(), Errno>> {
        if !self.is_background_of(terminal) || self.disposition(Signal::Ttou) == Disposition::Ignore {
            return Poll::Ready(Ok(()));
        }
        if self.is_in_orphaned_group() {
            return Poll::Ready(Err(Errno::Eio));
        }
        self.poll_stop(cx, Signal::Ttou)
    }

    fn is_background_of(&self, terminal: &Terminal) -> bool {
        let own = self.membership();
        terminal.is_background(own.session, own.group)
    }

    fn is_in_orphaned_group(&self) -> bool {
        self.table.upgrade().is_none_or(|table| table.is_orphaned(self.group()))
    }

    /// Sends the own group a signal that stops it, and is ready when that did anything else: `EINTR` for who handles it, or
    /// was ended. Who is continued looks again.
    fn poll_stop(&self, cx: &Context<'_>, signal: Signal) -> Poll<Result<(), Errno>> {
        // While it is stopped its executor does not run it, but may poll what it waits for.
        if self.stopped().is_none() {
            let own = self.membership();
            for process in self.table.upgrade().map(|table| table.all()).unwrap_or_default() {
                if process.membership() == own {
                    process.signal(signal);
                }
            }
        }
        if self.killed().is_some() || self.poll_interrupted(cx).is_ready() {
            return Poll::Ready(Err(Errno::Eintr));
        }
        if self.poll_runnable(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ready once the modes of a terminal are these. `ENOTTY` if it is none, `EIO` or `EINTR` if it may not be changed from
    /// the background.
    pub fn poll_set_terminal_attributes(
        &self,
        cx: &Context<'_>,
        file: &OpenFile,
        when: ChangeWhen,
        attributes: Attributes,
    ) -> Poll<Result<(), Errno>> {
        let Some(terminal) = file.terminal() else { return Poll::Ready(Err(Errno::Enotty)) };
        match self.poll_may_change(cx, terminal) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        match terminal.poll_set_attributes(cx, when, attributes) {
            Poll::Pending => self.poll_killed(cx).map(|_| Err(Errno::Eintr)),
            outcome => outcome,
        }
    }

    /// The group in the foreground of its controlling terminal. `ENOTTY` if `file` is not that.
    pub fn terminal_foreground(&self, file: &OpenFile) -> Result<Pid, Errno> {
        let terminal = self.controlling(file)?;
        // As on Linux where there is none: a number that is no group's.
        Ok(terminal.foreground().unwrap_or(Pid::MAX >> 1))
    }

    /// Ready once a group of its session is in the foreground of its controlling terminal. `ENOTTY` if `file` is not
    /// that, `EPERM` if there is no such group in the session.
    pub fn poll_set_terminal_foreground(
        &self,
        cx: &Context<'_>,
        file: &OpenFile,
        group: Pid,
    ) -> Poll<Result<(), Errno>> {
        let terminal = match self.controlling(file) {
            Ok(terminal) => terminal,
            Err(errno) => return Poll::Ready(Err(errno)),
        };
        match self.poll_may_change(cx, terminal) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        Poll::Ready(self.put_in_foreground(terminal, group))
    }

    fn put_in_foreground(&self, terminal: &Terminal, group: Pid) -> Result<(), Errno> {
        let session = self.session();
        let table = self.table.upgrade().ok_or(Errno::Eperm)?;
        let is_there = table.with_processes(|processes| {
            processes.values().any(|process| process.session() == session && process.group() == group)
        });
        if !is_there {
            return Err(Errno::Eperm);
        }
        terminal.set_foreground(group);
        Ok(())
    }

    /// `file`, if it is the controlling terminal of its session.
    fn controlling<'a>(&self, file: &'a OpenFile) -> Result<&'a Arc<Terminal>, Errno> {
        let terminal = file.terminal().ok_or(Errno::Enotty)?;
        if terminal.session() == Some(self.session()) { Ok(terminal) } else { Err(Errno::Enotty) }
    }

    /// Whether `file` is the controlling terminal of its session.
    pub fn is_controlled_by(&self, file: &OpenFile) -> bool {
        self.controlling(file).is_ok()
    }

    /// It leads a session, and has ended: that has no terminal any more.
    pub(super) fn leave_terminal(&self) {
        let table = self.table.upgrade().filter(|_| self.session() == self.pid);
        if let Some(terminal) = table.and_then(|table| table.terminal_of(self.pid)) {
            terminal.lose_session();
        }
    }
}
