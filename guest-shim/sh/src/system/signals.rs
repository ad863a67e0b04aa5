//! Signals: their names and numbers, what this process wants of them, and those that have arrived.
//!
//! Nothing interrupts a program to handle a signal. It stays with the process until the shell asks, or until a wait ends
//! because of it; then it is *caught*, which is what a handler would have noted, and stays so until its trap runs. What is
//! caught belongs to the process, not to one of the environments in it.

use std::cell::Cell;

use cordon_multicall::launch::SIGNALS;
pub use cordon_multicall::launch::{number_of as number, signal_named as find};
use cordon_vm::process;
pub use cordon_vm::process::{Disposition, Signal};

use super::Errno;

pub fn name(signal: Signal) -> &'static str {
    SIGNALS.iter().find(|(.., known)| *known == signal).map_or("", |(name, ..)| name)
}

pub fn names() -> impl Iterator<Item = (&'static str, i32)> {
    SIGNALS.iter().map(|(name, number, _)| (*name, *number))
}

/// Some signals, by their numbers.
#[derive(Clone, Copy, Default)]
struct Set(u32);

impl Set {
    fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << number(signal);
    }

    fn remove(&mut self, signal: Signal) {
        self.0 &= !(1 << number(signal));
    }

    fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << number(signal)) != 0
    }
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Those that have arrived.
    caught: Set,
    /// Those that a subshell sent to the shell which it is a part of.
    raised: Set,
    /// Those of which it is known whether they were ignored from the start.
    known: Set,
    ignored_from_start: Set,
}

thread_local! {
    static STATE: Cell<State> = Cell::default();
}

fn change<T>(how: impl FnOnce(&mut State) -> T) -> T {
    let mut state = STATE.get();
    let result = how(&mut state);
    STATE.set(state);
    result
}

/// Catches what has arrived.
pub fn catch() {
    while let Some(signal) = process::take_signal() {
        change(|state| state.caught.insert(signal));
    }
}

/// A subshell in this process sends a signal to the shell that it is a part of.
pub fn raise(signal: Signal) {
    change(|state| state.raised.insert(signal));
}

/// Whether a caught signal waits for its trap. What was raised is the outermost environment's alone.
pub fn is_caught(signal: Signal, outermost: bool) -> bool {
    let state = STATE.get();
    state.caught.contains(signal) || (outermost && state.raised.contains(signal))
}

/// Its trap runs, or there is none any more.
pub fn forget(signal: Signal, outermost: bool) {
    change(|state| {
        state.caught.remove(signal);
        if outermost {
            state.raised.remove(signal);
        }
    });
}

/// Whether the shell was started to ignore this signal, which no trap changes then. Has to be asked before the shell
/// chooses anything for the signal.
pub fn is_ignored_from_start(signal: Signal) -> bool {
    if !STATE.get().known.contains(signal) {
        let ignored = process::get_disposition(signal) == Disposition::Ignore;
        change(|state| {
            state.known.insert(signal);
            if ignored {
                state.ignored_from_start.insert(signal);
            }
        });
    }
    STATE.get().ignored_from_start.contains(signal)
}

/// The shell ignores this signal by a trap of the environment that this process goes on with, which may change its mind.
pub fn is_ignored_by_trap(signal: Signal) {
    change(|state| state.known.insert(signal));
}

/// Chooses what the process wants of a signal, unless that is fixed.
pub fn set_disposition(signal: Signal, disposition: Disposition) {
    if !is_ignored_from_start(signal) {
        // Refused for KILL and STOP, of which a trap is of no effect.
        let _ = process::set_disposition(signal, disposition);
    }
}

/// Sends a signal.
pub fn kill(id: u32, signal: Signal) -> Result<(), Errno> {
    process::kill(id, signal)
}
