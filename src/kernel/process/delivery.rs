//! Signals arrive at a process: what [`Signals`](super::signal) makes of them, and who is told.

use std::task::{Context, Poll};

use parking_lot::MutexGuard;

use super::signal::{Disposition, Effect};
use super::table::INIT;
use super::wait::Change;
use super::{Process, State};
use crate::wait::Woken;
use crate::{Errno, Signal, SignalSet};

impl Process {
    /// Sends this process a signal.
    pub fn signal(&self, signal: Signal) {
        if self.pid == INIT {
            return;
        }
        let orphaned = self.is_orphan_for(signal);
        let mut state = self.state.lock();
        if state.status.is_some() {
            return;
        }
        let effect = state.signals.send(signal, orphaned);
        self.tell(state, effect);
    }

    /// Tells everybody whom it concerns.
    fn tell(&self, mut state: MutexGuard<'_, State>, effect: Effect) {
        state.change = match effect {
            Effect::Nothing => return,
            Effect::Stopped(signal) => Some(Change::Stopped(signal)),
            Effect::Continued => Some(Change::Continued),
            Effect::Pending | Effect::Killed => state.change,
        };
        let runners = state.runners.take();
        let has_changed = matches!(effect, Effect::Stopped(_) | Effect::Continued);
        let parents = if has_changed { state.parents.take() } else { Woken::default() };
        drop(state);
        runners.wake();
        parents.wake();
        if has_changed {
            self.signal_parent();
        }
    }

    /// Whether `signal` is one of a terminal and this process's group is orphaned, so that it stops nothing.
    fn is_orphan_for(&self, signal: Signal) -> bool {
        matches!(signal, Signal::Tstp | Signal::Ttin | Signal::Ttou)
            && self.table.upgrade().is_some_and(|table| table.is_orphaned(self.group()))
    }

    /// The signal that has ended it. The guest may still run until its executor has stopped it.
    pub fn killed(&self) -> Option<Signal> {
        self.state.lock().signals.killed()
    }

    /// Ready once a signal has ended it. The executor then stops the guest and calls [`exit`](Self::exit).
    pub fn poll_killed(&self, cx: &Context<'_>) -> Poll<Signal> {
        self.poll(cx, |state| state.signals.killed())
    }

    /// The signal that has stopped it, until it is continued.
    pub fn stopped(&self) -> Option<Signal> {
        self.state.lock().signals.stopped()
    }

    /// Ready once a signal has stopped it. The executor then runs the guest no further until
    /// [`poll_runnable`](Self::poll_runnable) is ready.
    pub fn poll_stopped(&self, cx: &Context<'_>) -> Poll<Signal> {
        self.poll(cx, |state| state.signals.stopped())
    }

    /// Ready unless a signal has stopped it: also once one has ended it, which only its executor can see through.
    pub fn poll_runnable(&self, cx: &Context<'_>) -> Poll<()> {
        self.poll(cx, |state| state.signals.stopped().is_none().then_some(()))
    }

    /// Takes a pending signal that it handles, the lowest number first.
    pub fn take_signal(&self) -> Option<Signal> {
        self.state.lock().signals.take()
    }

    /// Ready with a pending signal that it handles, which is taken thereby.
    pub fn poll_signal(&self, cx: &Context<'_>) -> Poll<Signal> {
        self.poll(cx, |state| state.signals.take())
    }

    /// Ready while a signal that it handles is pending, which stays so: what ends a wait with `EINTR`.
    pub fn poll_interrupted(&self, cx: &Context<'_>) -> Poll<()> {
        self.poll(cx, |state| {
            let handled = state.signals.pending().intersection(state.signals.handled());
            (!handled.is_empty()).then_some(())
        })
    }

    fn poll<T>(&self, cx: &Context<'_>, look: impl FnOnce(&mut State) -> Option<T>) -> Poll<T> {
        let mut state = self.state.lock();
        if let Some(found) = look(&mut state) {
            return Poll::Ready(found);
        }
        // Signals do nothing any more to a process that has ended: nobody is kept for that.
        let is_over = state.status.is_some();
        let woken = if is_over { Woken::default() } else { state.runners.register(cx) };
        drop(state);
        woken.wake();
        Poll::Pending
    }

    /// Signals that wait: for the process to take them, or while it is stopped to end it.
    pub fn pending(&self) -> SignalSet {
        self.state.lock().signals.pending()
    }

    /// The signals that it ignores. Programs that it starts ignore them too.
    pub fn ignored(&self) -> SignalSet {
        self.state.lock().signals.ignored()
    }

    /// The signals that it handles. Programs that it starts do not.
    pub fn handled(&self) -> SignalSet {
        self.state.lock().signals.handled()
    }

    /// What it wants of a signal.
    pub fn disposition(&self, signal: Signal) -> Disposition {
        let state = self.state.lock();
        if state.signals.ignored().contains(signal) {
            Disposition::Ignore
        } else if state.signals.handled().contains(signal) {
            Disposition::Handle
        } else {
            Disposition::Default
        }
    }

    /// Chooses what a signal does. One that is pending and not handled any more does that now. `EINVAL` for `SIGKILL`
    /// and `SIGSTOP`.
    pub fn set_disposition(&self, signal: Signal, disposition: Disposition) -> Result<(), Errno> {
        let orphaned = self.is_orphan_for(signal);
        let mut state = self.state.lock();
        let effect = state.signals.dispose(signal, disposition, orphaned)?;
        self.tell(state, effect);
        Ok(())
    }
}
