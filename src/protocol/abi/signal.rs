//! Signals and how a process ends.
//!
//! Owns the numbering (Linux, x86-64) and the default actions. Who receives a signal and when is decided by
//! `process`.

use serde::{Deserialize, Serialize};

macro_rules! signals {
    ($($variant:ident $name:literal $number:literal $action:ident,)*) => {
        /// A signal, numbered as on Linux.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Signal {
            $(#[doc = $name] $variant = $number,)*
        }

        impl Signal {
            /// Every signal this kernel knows.
            pub const ALL: &[Signal] = &[$(Signal::$variant,)*];

            /// The symbolic name, for example `SIGTERM`.
            pub fn name(self) -> &'static str {
                match self { $(Signal::$variant => $name,)* }
            }

            /// The signal of that number.
            pub fn from_number(number: u8) -> Option<Signal> {
                match number { $($number => Some(Signal::$variant),)* _ => None }
            }

            /// What happens to a process that does not ignore it.
            pub fn default_action(self) -> DefaultAction {
                match self { $(Signal::$variant => DefaultAction::$action,)* }
            }
        }
    };
}

/// What a signal does to a process that does not ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// It ends the process.
    Terminate,
    /// Nothing. Job control does not exist yet, so the signals that stop and continue are among these.
    Ignore,
}

signals! {
    Hup "SIGHUP" 1 Terminate,
    Int "SIGINT" 2 Terminate,
    Quit "SIGQUIT" 3 Terminate,
    Abrt "SIGABRT" 6 Terminate,
    Kill "SIGKILL" 9 Terminate,
    Usr1 "SIGUSR1" 10 Terminate,
    Segv "SIGSEGV" 11 Terminate,
    Usr2 "SIGUSR2" 12 Terminate,
    Pipe "SIGPIPE" 13 Terminate,
    Alrm "SIGALRM" 14 Terminate,
    Term "SIGTERM" 15 Terminate,
    Chld "SIGCHLD" 17 Ignore,
    Cont "SIGCONT" 18 Ignore,
    Stop "SIGSTOP" 19 Ignore,
    Tstp "SIGTSTP" 20 Ignore,
}

impl Signal {
    /// The Linux number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether a process may replace the default action; `SIGKILL` and `SIGSTOP` may not be.
    pub fn can_be_ignored(self) -> bool {
        !matches!(self, Signal::Kill | Signal::Stop)
    }
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(u32);

impl SignalSet {
    /// Whether `signal` is in the set.
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << signal.number()) != 0
    }

    /// Puts `signal` into the set.
    pub fn insert(&mut self, signal: Signal) {
        self.0 |= 1 << signal.number();
    }

    /// Takes `signal` out of the set.
    pub fn remove(&mut self, signal: Signal) {
        self.0 &= !(1 << signal.number());
    }

    /// What is in either set.
    pub fn union(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }

    /// The set as Linux shows it in `/proc/PID/status`: bit 0 is signal 1.
    pub fn linux_mask(self) -> u64 {
        u64::from(self.0) >> 1
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        let mut set = SignalSet::default();
        signals.into_iter().for_each(|signal| set.insert(signal));
        set
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It exited with this code.
    Exited(u8),
    /// A signal ended it.
    Signaled(Signal),
}

impl ExitStatus {
    /// Whether it is an exit with code 0.
    pub fn success(self) -> bool {
        self == ExitStatus::Exited(0)
    }

    /// The number that a shell shows as `$?`: the code, or 128 and the signal's number.
    pub fn shell_code(self) -> u8 {
        match self {
            ExitStatus::Exited(code) => code,
            ExitStatus::Signaled(signal) => 128 + signal.number(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_and_sets_hold_what_was_put_in() {
        for &signal in Signal::ALL {
            assert_eq!(Signal::from_number(signal.number()), Some(signal));
            let mut set = SignalSet::from_iter([signal]);
            assert!(set.contains(signal));
            set.remove(signal);
            assert_eq!(set, SignalSet::default());
        }
        assert_eq!(ExitStatus::Signaled(Signal::Pipe).shell_code(), 141);
    }
}
