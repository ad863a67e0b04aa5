//! Traps of signals: what this process wants of a signal, and running the action of one that was caught.
//!
//! Subshells share the process with the environment around them, so a signal meets whoever inside traps it: the subshell
//! that runs, or the shell around it once that runs again.

use std::cell::Cell;
use std::rc::Rc;

use crate::{
    exec::control::NOT_FOR_THE_SHELL,
    state::{Condition, Flow, Shell},
    system::{
        self, Child,
        signals::{self, Disposition, Signal},
    },
};

thread_local! {
    /// The shell was stopped by a subshell that is a part of it, which goes on: it stands still, waiting, as it would. What
    /// stops it once the subshell has ended, unless that continues it before, is this.
    static STANDS_STILL: Cell<bool> = const { Cell::new(false) };
}

/// The actions of an environment, by their conditions, in the order of `trap`.
pub type Traps = Vec<(Condition, String)>;

/// The traps of an environment around a subshell, in this process.
pub struct Enclosing {
    traps: Traps,
    enclosing: Option<Rc<Enclosing>>,
}

fn find(traps: &Traps, condition: Condition) -> Option<&str> {
    traps.iter().find(|(known, _)| *known == condition).map(|(_, action)| action.as_str())
}

/// Whether there is something to do when the signal arrives.
fn handles(traps: &Traps, signal: Signal) -> bool {
    find(traps, Condition::Signal(signal)).is_some_and(|action| !action.is_empty())
}

impl Shell {
    /// The signals that programs started from here ignore too.
    pub fn ignored_signals(&self) -> Vec<Signal> {
        let ignored = self.traps.iter().filter(|(_, action)| action.is_empty());
        ignored
            .filter_map(|(condition, _)| match condition {
                Condition::Signal(signal) => Some(*signal),
                _ => None,
            })
            .collect()
    }

    fn is_outermost(&self) -> bool {
        self.enclosing.is_none()
    }

    /// The environments around this one, the nearest first.
    fn around(&self) -> impl Iterator<Item = &Enclosing> {
        std::iter::successors(self.enclosing.as_deref(), |around| around.enclosing.as_deref())
    }

    /// Traps are gone in an environment that begins as a copy, except that what is ignored stays ignored.
    pub fn enclose_traps(&mut self) {
        let enclosing = Enclosing { traps: self.traps.clone(), enclosing: self.enclosing.take() };
        self.enclosing = Some(Rc::new(enclosing));
        let options = self.options;
        self.has_set_traps = false;
        self.traps.retain(|(condition, action)| match condition {
            Condition::Exit => false,
            Condition::Signal(_) => action.is_empty(),
            Condition::Error => options.errtrace,
            Condition::Debug | Condition::Return => options.functrace,
        });
    }

    /// Runs the trap of a condition that is no signal, if there is one.
    pub fn run_trap(&mut self, condition: Condition) -> Result<(), Flow> {
        if self.extras.in_trap || self.traps.is_empty() {
            return Ok(());
        }
        let Some(action) = find(&self.traps, condition).filter(|action| !action.is_empty()) else {
            return Ok(());
        };
        let action = action.to_owned();
        self.extras.in_trap = true;
        let line = self.line;
        let outcome = self.run_action_from(&action, line);
        self.extras.in_trap = false;
        outcome
    }

    /// A function begins, which these traps are not for unless options say so. A file that is sourced has those of ERR and
    /// DEBUG.
    pub fn hide_traps(&mut self, is_file: bool) {
        let options = self.options;
        let hidden = |condition: Condition| match condition {
            Condition::Error => !options.errtrace && !is_file,
            Condition::Debug => !options.functrace && !is_file,
            Condition::Return => !options.functrace && !is_file,
            _ => false,
        };
        let (hidden, kept) = self.traps.drain(..).partition(|(condition, _)| hidden(*condition));
        self.traps = kept;
        self.extras.hidden_traps.push(hidden);
    }

    /// It has ended. What it has set itself stays.
    pub fn unhide_traps(&mut self) {
        for (condition, action) in self.extras.hidden_traps.pop().unwrap_or_default() {
            if find(&self.traps, condition).is_none() {
                self.set_trap(condition, Some(action));
            }
        }
    }

    /// What the process has to want of a signal while this environment runs.
    fn disposition(&self, signal: Signal) -> Disposition {
        let trapped = find(&self.traps, Condition::Signal(signal)).is_some();
        if self.control.is_some() && !trapped {
            // What a shell at a terminal wants of it whatever its traps say.
            if signal == Signal::Interrupt {
                return Disposition::Handle;
            }
            if NOT_FOR_THE_SHELL.contains(&signal) {
                return Disposition::Ignore;
            }
        }
        let is_handled = handles(&self.traps, signal)
            || self.around().any(|around| handles(&around.traps, signal))
            || (signal == Signal::Pipe && self.ends_at_broken_pipe);
        if is_handled {
            Disposition::Handle
        } else if find(&self.traps, Condition::Signal(signal)).is_some() {
            Disposition::Ignore
        } else {
            Disposition::Default
        }
    }

    /// What `trap` shows: in a subshell that has set none, those of the environment around it.
    pub fn listed_traps(&self) -> &Traps {
        match &self.enclosing {
            Some(around) if !self.has_set_traps => &around.traps,
            _ => &self.traps,
        }
    }

    /// Sets, with an empty action to ignore a signal, or takes away a trap.
    pub fn set_trap(&mut self, condition: Condition, action: Option<String>) {
        self.has_set_traps = true;
        self.traps.retain(|(known, _)| *known != condition);
        if let Some(action) = action {
            let place = self.traps.partition_point(|(known, _)| known.number() < condition.number());
            self.traps.insert(place, (condition, action));
        }
        if let Condition::Signal(signal) = condition {
            let disposition = self.disposition(signal);
            if disposition != Disposition::Handle {
                signals::catch();
                signals::forget(signal, self.is_outermost());
            }
            signals::set_disposition(signal, disposition);
        }
    }

    /// This environment ends, and `outer`, of which it is a copy, runs again.
    pub fn restore_traps(&self, outer: &Shell) {
        for (condition, _) in self.traps.iter().chain(&outer.traps) {
            if let Condition::Signal(signal) = *condition
                && self.disposition(signal) != outer.disposition(signal)
            {
                signals::set_disposition(signal, outer.disposition(signal));
            }
        }
    }

    /// Runs something in `inner` that ends at a broken pipe, while this process does not.
    pub fn without_sigpipe<T>(&self, mut inner: Shell, run: impl FnOnce(Shell) -> T) -> T {
        inner.ends_at_broken_pipe = true;
        signals::set_disposition(Signal::Pipe, inner.disposition(Signal::Pipe));
        let result = run(inner);
        // That signal has done its work.
        signals::catch();
        signals::forget(Signal::Pipe, false);
        signals::set_disposition(Signal::Pipe, self.disposition(Signal::Pipe));
        result
    }

    /// The signal of the lowest number that was caught and is trapped here.
    pub fn caught_signal(&self) -> Option<Signal> {
        let trapped = self.traps.iter().filter(|(_, action)| !action.is_empty());
        trapped
            .filter_map(|(condition, _)| match condition {
                Condition::Signal(signal) => Some(*signal),
                _ => None,
            })
            .find(|signal| signals::is_caught(*signal, self.is_outermost()))
    }

    /// Runs the actions of what has arrived. `$?` stays what it was.
    pub fn run_traps(&mut self) -> Result<(), Flow> {
        if self.control.is_some() && find(&self.traps, Condition::Signal(Signal::Interrupt)).is_none() {
            signals::catch();
            if signals::is_caught(Signal::Interrupt, true) {
                signals::forget(Signal::Interrupt, true);
                return Err(Flow::Interrupt);
            }
        }
        let traps_signals = |(condition, action): &(Condition, String)| {
            matches!(condition, Condition::Signal(_)) && !action.is_empty()
        };
        while self.traps.iter().any(traps_signals) {
            signals::catch();
            let Some(signal) = self.caught_signal() else { break };
            signals::forget(signal, self.is_outermost());
            let action = find(&self.traps, Condition::Signal(signal)).unwrap_or_default().to_owned();
            self.run_action(&action)?;
        }
        Ok(())
    }

    fn run_action(&mut self, action: &str) -> Result<(), Flow> {
        self.run_action_from(action, 1)
    }

    fn run_action_from(&mut self, action: &str, first_line: u32) -> Result<(), Flow> {
        let (status, line) = (self.status, self.line);
        let status_before_trap = self.status_before_trap.replace(status);
        let calls_before_trap = std::mem::replace(&mut self.calls_before_trap, self.calls);
        let failure_is_handled = std::mem::take(&mut self.failure_is_handled);
        let outcome = self.nested(|shell| shell.run_text(action, first_line));
        self.failure_is_handled = failure_is_handled;
        self.status_before_trap = status_before_trap;
        self.calls_before_trap = calls_before_trap;
        (self.status, self.line) = (status, line);
        outcome.map(drop)
    }

    /// A program takes the place of this environment: signals to this process are passed on to it, and its end is this
    /// process's. The exit status where that cannot be.
    pub fn replace_by(&mut self, program: &Child) -> i32 {
        for (condition, _) in std::mem::take(&mut self.traps) {
            self.set_trap(condition, None);
        }
        if !self.is_outermost() {
            return program.wait();
        }
        program.replace_shell()
    }

    /// Stops this process, if a subshell has that this environment was waiting for.
    pub fn stop_if_stopped(&self) {
        if self.enclosing.is_none() && STANDS_STILL.replace(false) {
            // It can be refused by nobody.
            let _ = signals::kill(system::process_id(), Signal::Stop);
        }
    }

    /// Sends a signal to the process `id`. To the shell that a subshell is a part of means to that shell's own traps.
    pub fn send(&self, id: u32, signal: Signal) -> Result<(), system::Errno> {
        if id == system::process_id() && self.around().last().is_some() {
            match signal {
                Signal::Stop => {
                    STANDS_STILL.set(true);
                    return Ok(());
                }
                Signal::Continue if STANDS_STILL.replace(false) => return Ok(()),
                _ => {}
            }
        }
        let can_be_trapped = !matches!(signal, Signal::Kill | Signal::Stop);
        let shell = match self.around().last() {
            Some(outermost)
                if can_be_trapped
                    && id == system::process_id()
                    && !signals::is_ignored_from_start(signal) =>
            {
                outermost
            }
            _ => return signals::kill(id, signal),
        };
        match find(&shell.traps, Condition::Signal(signal)) {
            Some("") => Ok(()),
            Some(_) => {
                signals::raise(signal);
                Ok(())
            }
            None => {
                // What the subshell has chosen is not asked.
                signals::set_disposition(signal, Disposition::Default);
                let sent = signals::kill(id, signal);
                signals::set_disposition(signal, self.disposition(signal));
                sent
            }
        }
    }
}
