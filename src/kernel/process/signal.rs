//! What signals have done to one process: a machine of states without locks, without a table and without a parent.
//!
//! Owns dispositions, pending signals, stopping and the end by a signal, by the rules of POSIX. There is no handler that
//! interrupts: a program that handles a signal asks for it. Whom to tell of a change is [`Process`](super::Process)'s
//! part.

use crate::{DefaultAction, Errno, Signal, SignalSet};

/// Signals that stop a process.
const STOPS: [Signal; 4] = [Signal::Stop, Signal::Tstp, Signal::Ttin, Signal::Ttou];

/// What a process wants of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Its default action.
    Default,
    /// Nothing.
    Ignore,
    /// To be told: it stays pending until the process takes it.
    Handle,
}

/// What a signal, or a change of disposition, did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that anybody could see.
    Nothing,
    /// A signal that the process handles is pending.
    Pending,
    /// The process is to run no more until it is continued.
    Stopped(Signal),
    /// It may run again.
    Continued,
    /// It has ended; whoever runs it has to notice.
    Killed,
}

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signals {
    ignored: SignalSet,
    handled: SignalSet,
    pending: SignalSet,
    stopped: Option<Signal>,
    killed: Option<Signal>,
}

impl Signals {
    /// Those of a new process: what its parent ignores is ignored, nothing is handled or pending.
    pub(super) fn new(ignored: SignalSet) -> Signals {
        Signals { ignored, ..Signals::default() }
    }

    pub(super) fn ignored(&self) -> SignalSet {
        self.ignored
    }

    pub(super) fn handled(&self) -> SignalSet {
        self.handled
    }

    pub(super) fn pending(&self) -> SignalSet {
        self.pending
    }

    /// The signal that has stopped it.
    pub(super) fn stopped(&self) -> Option<Signal> {
        self.stopped
    }

    /// The signal that has ended it.
    pub(super) fn killed(&self) -> Option<Signal> {
        self.killed
    }

    /// A signal arrives. Nobody who could continue a process watches one of an `orphaned` group: what a terminal would
    /// send does not stop it.
    pub(super) fn send(&mut self, signal: Signal, orphaned: bool) -> Effect {
        if self.killed.is_some() {
            return Effect::Nothing;
        }
        if signal == Signal::Cont {
            STOPS.into_iter().for_each(|stop| self.pending.remove(stop));
        } else if STOPS.contains(&signal) {
            self.pending.remove(Signal::Cont);
        }
        // It goes on whatever it thinks of the signal.
        if signal == Signal::Cont && self.stopped.take().is_some() {
            self.act(signal, orphaned);
            self.act_on_pending();
            return if self.killed.is_some() { Effect::Killed } else { Effect::Continued };
        }
        self.act(signal, orphaned)
    }

    /// Does what the disposition says.
    fn act(&mut self, signal: Signal, orphaned: bool) -> Effect {
        if self.ignored.contains(signal) {
            return Effect::Nothing;
        }
        if self.handled.contains(signal) {
            self.pending.insert(signal);
            return Effect::Pending;
        }
        match signal.default_action() {
            DefaultAction::Ignore | DefaultAction::Continue => Effect::Nothing,
            DefaultAction::Stop if orphaned && signal != Signal::Stop => Effect::Nothing,
            DefaultAction::Stop if self.stopped.is_some() => Effect::Nothing,
            DefaultAction::Stop => {
                self.stopped = Some(signal);
                Effect::Stopped(signal)
            }
            // What is stopped meets its end when it goes on, unless nothing can put that off.
            DefaultAction::Terminate if self.stopped.is_some() && signal != Signal::Kill => {
                self.pending.insert(signal);
                Effect::Nothing
            }
            DefaultAction::Terminate => {
                self.killed = Some(signal);
                self.stopped = None;
                Effect::Killed
            }
        }
    }

    /// Acts on what is pending and not handled: the lowest number first.
    fn act_on_pending(&mut self) {
        for &signal in Signal::ALL {
            if self.pending.contains(signal) && !self.handled.contains(signal) && self.killed.is_none() {
                self.pending.remove(signal);
                self.act(signal, false);
            }
        }
    }

    /// Chooses what a signal does. One that is pending and not handled any more does it now. `EINVAL` for `SIGKILL` and
    /// `SIGSTOP`, which always do the same.
    pub(super) fn dispose(
        &mut self,
        signal: Signal,
        wanted: Disposition,
        orphaned: bool,
    ) -> Result<Effect, Errno> {
        if !signal.can_be_ignored() {
            return Err(Errno::Einval);
        }
        self.ignored.remove(signal);
        self.handled.remove(signal);
        match wanted {
            Disposition::Default => {}
            Disposition::Ignore => self.ignored.insert(signal),
            Disposition::Handle => self.handled.insert(signal),
        }
        if !self.pending.contains(signal) || wanted == Disposition::Handle {
            return Ok(Effect::Nothing);
        }
        self.pending.remove(signal);
        Ok(if self.killed.is_some() { Effect::Nothing } else { self.act(signal, orphaned) })
    }

    /// Takes the pending signal of the lowest number that the process handles.
    pub(super) fn take(&mut self) -> Option<Signal> {
        let handled = self.pending.intersection(self.handled);
        let signal = handled.first()?;
        self.pending.remove(signal);
        Some(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(signals: &mut Signals, all: &[Signal]) -> Vec<Effect> {
        all.iter().map(|&signal| signals.send(signal, false)).collect()
    }

    #[test]
    fn handled_signals_wait_once_each_until_they_are_taken_lowest_first() {
        let mut signals = Signals::default();
        for signal in [Signal::Usr1, Signal::Chld, Signal::Term] {
            signals.dispose(signal, Disposition::Handle, false).unwrap();
        }
        let effects = sent(&mut signals, &[Signal::Chld, Signal::Term, Signal::Usr1, Signal::Usr1]);
        assert_eq!(effects, [Effect::Pending; 4]);
        let taken: Vec<_> = std::iter::from_fn(|| signals.take()).collect();
        assert_eq!(taken, [Signal::Usr1, Signal::Term, Signal::Chld]);
        assert_eq!(signals.killed(), None);
    }

    #[test]
    fn a_pending_signal_that_is_handled_no_more_does_what_it_does_then() {
        let pending = || {
            let mut signals = Signals::default();
            signals.dispose(Signal::Term, Disposition::Handle, false).unwrap();
            signals.send(Signal::Term, false);
            signals
        };
        let mut ignores = pending();
        assert_eq!(ignores.dispose(Signal::Term, Disposition::Ignore, false), Ok(Effect::Nothing));
        assert_eq!((ignores.pending().is_empty(), ignores.killed()), (true, None));
        let mut ends = pending();
        assert_eq!(ends.dispose(Signal::Term, Disposition::Default, false), Ok(Effect::Killed));
        assert_eq!(ends.killed(), Some(Signal::Term));
    }

    #[test]
    fn continuing_and_stopping_discard_each_other() {
        let mut signals = Signals::default();
        signals.dispose(Signal::Cont, Disposition::Handle, false).unwrap();
        signals.dispose(Signal::Tstp, Disposition::Handle, false).unwrap();
        sent(&mut signals, &[Signal::Tstp, Signal::Cont]);
        assert_eq!(signals.pending(), SignalSet::from_iter([Signal::Cont]));
        sent(&mut signals, &[Signal::Ttin]);
        assert!(signals.pending().is_empty());
        assert_eq!(signals.stopped(), Some(Signal::Ttin));
        assert_eq!(signals.send(Signal::Cont, false), Effect::Continued);
        assert_eq!(signals.take(), Some(Signal::Cont), "handling it does not keep the process stopped");
    }

    #[test]
    fn what_is_ignored_stops_nothing_and_still_continues() {
        let mut signals = Signals::new(SignalSet::from_iter([Signal::Tstp, Signal::Cont]));
        assert_eq!(sent(&mut signals, &[Signal::Tstp, Signal::Cont]), [Effect::Nothing; 2]);
        let effects = sent(&mut signals, &[Signal::Stop, Signal::Stop, Signal::Cont]);
        assert_eq!(effects, [Effect::Stopped(Signal::Stop), Effect::Nothing, Effect::Continued]);
    }

    #[test]
    fn the_end_of_what_is_stopped_waits_but_for_sigkill() {
        let mut signals = Signals::default();
        let effects = sent(&mut signals, &[Signal::Stop, Signal::Usr1, Signal::Term, Signal::Cont]);
        assert_eq!(
            effects,
            [Effect::Stopped(Signal::Stop), Effect::Nothing, Effect::Nothing, Effect::Killed]
        );
        assert_eq!(signals.killed(), Some(Signal::Usr1), "the lowest number");
        let mut signals = Signals::default();
        assert_eq!(sent(&mut signals, &[Signal::Stop, Signal::Kill])[1], Effect::Killed);
        assert_eq!((signals.killed(), signals.stopped()), (Some(Signal::Kill), None));
    }

    #[test]
    fn sigkill_and_sigstop_always_do_the_same() {
        let mut signals = Signals::default();
        for signal in [Signal::Kill, Signal::Stop] {
            for wanted in [Disposition::Default, Disposition::Ignore, Disposition::Handle] {
                assert_eq!(signals.dispose(signal, wanted, false), Err(Errno::Einval));
            }
        }
    }

    #[test]
    fn nobody_stops_an_orphaned_group_from_a_terminal() {
        let mut signals = Signals::default();
        assert_eq!(signals.send(Signal::Tstp, true), Effect::Nothing);
        assert_eq!(signals.send(Signal::Ttou, true), Effect::Nothing);
        assert_eq!(signals.send(Signal::Stop, true), Effect::Stopped(Signal::Stop));
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        fn signal() -> impl Strategy<Value = Signal> {
            prop::sample::select(Signal::ALL)
        }

        fn disposition() -> impl Strategy<Value = Disposition> {
            prop::sample::select(vec![Disposition::Default, Disposition::Ignore, Disposition::Handle])
        }

        #[derive(Clone, Debug)]
        enum Step {
            Send(Signal, bool),
            Dispose(Signal, Disposition),
            Take,
        }

        fn step() -> impl Strategy<Value = Step> {
            prop_oneof![
                4 => (signal(), any::<bool>()).prop_map(|(signal, orphaned)| Step::Send(signal, orphaned)),
                2 => (signal(), disposition()).prop_map(|(signal, wanted)| Step::Dispose(signal, wanted)),
                1 => Just(Step::Take),
            ]
        }

        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            fn the_rules_hold_after_any_signals(steps in prop::collection::vec(step(), 0..60)) {
                let mut signals = Signals::default();
                for step in steps {
                    let before = signals;
                    match step {
                        Step::Send(signal, orphaned) => {
                            let effect = signals.send(signal, orphaned);
                            prop_assert_eq!(effect == Effect::Continued, before.stopped.is_some()
                                && signals.stopped.is_none() && signals.killed.is_none());
                            if signal == Signal::Kill {
                                prop_assert!(signals.killed.is_some());
                            }
                            if signal == Signal::Cont {
                                prop_assert_eq!(signals.stopped, None);
                            }
                        }
                        Step::Dispose(signal, wanted) => drop(signals.dispose(signal, wanted, false)),
                        Step::Take => drop(signals.take()),
                    }
                    let continues = signals.pending.contains(Signal::Cont);
                    let stops = STOPS.into_iter().any(|stop| signals.pending.contains(stop));
                    prop_assert!(!(continues && stops));
                    prop_assert!(signals.killed.is_none() || signals.stopped.is_none());
                    prop_assert!(before.killed.is_none() || before.killed == signals.killed);
                    prop_assert!(signals.ignored.intersection(signals.handled).is_empty());
                    prop_assert!(signals.pending.intersection(signals.ignored).is_empty());
                }
            }
        }
    }
}
