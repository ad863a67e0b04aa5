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
            /// Every signal, by number.
            pub const ALL: &[Signal] = &[$(Signal::$variant,)*];

            /// The symbolic name, for example `SIGTERM`.
            pub fn name(self) -> &'static str {
                match self { $(Signal::$variant => $name,)* }
            }

            /// The signal of that number.
            pub fn from_number(number: u8) -> Option<Signal> {
                match number { $($number => Some(Signal::$variant),)* _ => None }
            }

            /// What happens to a process that neither ignores nor handles it.
            pub fn default_action(self) -> DefaultAction {
                match self { $(Signal::$variant => DefaultAction::$action,)* }
            }
        }
    };
}

/// What a signal does to a process that neither ignores nor handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// It ends the process. Nothing here dumps core, so the signals that would are among these.
    Terminate,
    /// Nothing.
    Ignore,
    /// It stops the process until `SIGCONT`.
    Stop,
    /// It lets a stopped process go on.
    Continue,
}

signals! {
    Hup "SIGHUP" 1 Terminate,
    Int "SIGINT" 2 Terminate,
    Quit "SIGQUIT" 3 Terminate,
    Ill "SIGILL" 4 Terminate,
    Trap "SIGTRAP" 5 Terminate,
    Abrt "SIGABRT" 6 Terminate,
    Bus "SIGBUS" 7 Terminate,
    Fpe "SIGFPE" 8 Terminate,
    Kill "SIGKILL" 9 Terminate,
    Usr1 "SIGUSR1" 10 Terminate,
    Segv "SIGSEGV" 11 Terminate,
    Usr2 "SIGUSR2" 12 Terminate,
    Pipe "SIGPIPE" 13 Terminate,
    Alrm "SIGALRM" 14 Terminate,
    Term "SIGTERM" 15 Terminate,
    Stkflt "SIGSTKFLT" 16 Terminate,
    Chld "SIGCHLD" 17 Ignore,
    Cont "SIGCONT" 18 Continue,
    Stop "SIGSTOP" 19 Stop,
    Tstp "SIGTSTP" 20 Stop,
    Ttin "SIGTTIN" 21 Stop,
    Ttou "SIGTTOU" 22 Stop,
    Urg "SIGURG" 23 Ignore,
    Xcpu "SIGXCPU" 24 Terminate,
    Xfsz "SIGXFSZ" 25 Terminate,
    Vtalrm "SIGVTALRM" 26 Terminate,
    Prof "SIGPROF" 27 Terminate,
    Winch "SIGWINCH" 28 Ignore,
    Io "SIGIO" 29 Terminate,
    Pwr "SIGPWR" 30 Terminate,
    Sys "SIGSYS" 31 Terminate,
}

impl Signal {
    /// The Linux number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether a process may replace the default action; that of `SIGKILL` and `SIGSTOP` it may not.
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

    /// Whether no signal is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The signal of the lowest number in the set.
    pub fn first(self) -> Option<Signal> {
        Signal::from_number(u8::try_from(self.0.trailing_zeros()).ok()?)
    }

    /// What is in either set.
    pub fn union(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    pub fn without(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }

    /// What is in both sets.
    pub fn intersection(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
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
            assert_eq!(SignalSet::from_iter([signal]).first(), Some(signal));
            let mut set = SignalSet::from_iter([signal]);
            assert!(set.contains(signal));
            set.remove(signal);
            assert_eq!(set, SignalSet::default());
        }
        assert_eq!(ExitStatus::Signaled(Signal::Pipe).shell_code(), 141);
        assert_eq!((SignalSet::default().first(), SignalSet::default().is_empty()), (None, true));
    }

    #[test]
    fn signals_are_those_of_linux_from_1_to_31_and_do_by_default_what_they_do_there() {
        let numbers: Vec<u8> = Signal::ALL.iter().map(|signal| signal.number()).collect();
        assert_eq!(numbers, (1..=31).collect::<Vec<_>>());
        assert_eq!((Signal::from_number(0), Signal::from_number(32)), (None, None));
        let with = |action| -> Vec<u8> {
            let all = Signal::ALL.iter().filter(|signal| signal.default_action() == action);
            all.map(|signal| signal.number()).collect()
        };
        assert_eq!(with(DefaultAction::Ignore), [17, 23, 28]);
        assert_eq!(with(DefaultAction::Stop), [19, 20, 21, 22]);
        assert_eq!(with(DefaultAction::Continue), [18]);
    }
}
