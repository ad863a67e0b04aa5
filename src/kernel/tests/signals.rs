//! Signals: stopping and continuing, those that programs handle, and what parents hear.

use super::processes::{fresh, request};
use super::*;

const EITHER: WaitOptions = WaitOptions { stopped: true, continued: true };

#[test]
fn what_is_stopped_is_not_runnable_until_it_is_continued_or_killed() {
    let (kernel, p) = fresh();
    let child = kernel.spawn(&p, request("sh", &[])).unwrap();
    for end in [Signal::Cont, Signal::Kill] {
        assert!(child.poll_stopped(&idle()).is_pending() && child.poll_runnable(&idle()).is_ready());
        kernel.kill(child.pid(), Signal::Stop).unwrap();
        assert_eq!(child.poll_stopped(&idle()), Poll::Ready(Signal::Stop));
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        assert!(child.poll_runnable(&Context::from_waker(&waker)).is_pending());
        kernel.kill(child.pid(), Signal::Term).unwrap();
        assert_eq!(count.0.load(Ordering::SeqCst), 0, "what is stopped is not run to be ended");
        child.set_disposition(Signal::Term, Disposition::Ignore).unwrap();
        child.set_disposition(Signal::Term, Disposition::Default).unwrap();
        kernel.kill(child.pid(), end).unwrap();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(child.poll_runnable(&idle()).is_ready());
    }
    assert_eq!(child.poll_killed(&idle()), Poll::Ready(Signal::Kill));
}

#[test]
fn parents_hear_once_of_each_stop_and_continuation_they_ask_for() {
    let (kernel, p) = fresh();
    let child = kernel.spawn(&p, request("sh", &[])).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let cx = Context::from_waker(&waker);
    assert!(child.poll_wait_for(&cx, EITHER).is_pending());
    child.signal(Signal::Stop);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(child.poll_wait(&cx).is_pending(), "who waits for the end does not take it away");
    let continued = WaitOptions { continued: true, ..WaitOptions::default() };
    assert!(child.poll_wait_for(&cx, continued).is_pending());
    assert_eq!(child.poll_wait_for(&cx, EITHER), Poll::Ready(ChildStatus::Stopped(Signal::Stop)));
    assert!(child.poll_wait_for(&cx, EITHER).is_pending());
    child.signal(Signal::Cont);
    assert_eq!(child.poll_wait_for(&cx, EITHER), Poll::Ready(ChildStatus::Continued));
    child.signal(Signal::Cont);
    assert!(child.poll_wait_for(&cx, EITHER).is_pending(), "it was not stopped");
    child.signal(Signal::Stop);
    child.exit(ExitStatus::Exited(2));
    assert_eq!(child.poll_wait_for(&cx, EITHER), Poll::Ready(ChildStatus::Ended(ExitStatus::Exited(2))));
    assert!(kernel.process(child.pid()).is_none());
}

#[test]
fn programs_take_the_signals_that_they_handle_and_their_children_do_not_inherit_that() {
    let (kernel, p) = fresh();
    let shell = kernel.spawn(&p, request("sh", &[])).unwrap();
    shell.set_disposition(Signal::Int, Disposition::Handle).unwrap();
    shell.set_disposition(Signal::Quit, Disposition::Ignore).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    assert!(shell.poll_signal(&Context::from_waker(&waker)).is_pending());
    kernel.kill(shell.pid(), Signal::Quit).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    kernel.kill(shell.pid(), Signal::Int).unwrap();
    kernel.kill(shell.pid(), Signal::Int).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(shell.pending(), SignalSet::from_iter([Signal::Int]));
    let child = kernel.spawn(&shell, request("true", &[])).unwrap();
    let dispositions =
        |process: &Process| [Signal::Int, Signal::Quit].map(|signal| process.disposition(signal));
    assert_eq!(dispositions(&shell), [Disposition::Handle, Disposition::Ignore]);
    assert_eq!(dispositions(&child), [Disposition::Default, Disposition::Ignore]);
    assert!(child.pending().is_empty());
    assert_eq!((shell.take_signal(), shell.take_signal()), (Some(Signal::Int), None));
    assert_eq!(shell.killed(), None);
}

#[test]
fn a_wait_is_interrupted_while_a_handled_signal_is_pending() {
    let (kernel, p) = fresh();
    let shell = kernel.spawn(&p, request("sh", &[])).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let cx = Context::from_waker(&waker);
    shell.set_disposition(Signal::Int, Disposition::Handle).unwrap();
    assert!(shell.poll_interrupted(&cx).is_pending());
    // One that waits for the end of a stopped process is not handled.
    shell.signal(Signal::Stop);
    shell.signal(Signal::Term);
    assert!(shell.poll_interrupted(&cx).is_pending());
    let before = count.0.load(Ordering::SeqCst);
    shell.signal(Signal::Int);
    assert_eq!(count.0.load(Ordering::SeqCst), before + 1);
    assert_eq!([(); 2].map(|()| shell.poll_interrupted(&cx)), [Poll::Ready(()); 2], "it stays pending");
    assert_eq!(shell.take_signal(), Some(Signal::Int));
    assert!(shell.poll_interrupted(&cx).is_pending());
}

#[test]
fn a_parent_that_handles_sigchld_gets_it_for_ends_stops_and_continuations() {
    let (kernel, p) = fresh();
    p.set_disposition(Signal::Chld, Disposition::Handle).unwrap();
    let child = kernel.spawn(&p, request("sh", &[])).unwrap();
    for what in [Signal::Stop, Signal::Cont] {
        child.signal(what);
        assert_eq!((p.take_signal(), p.take_signal()), (Some(Signal::Chld), None));
    }
    child.exit(ExitStatus::Exited(0));
    assert_eq!(p.take_signal(), Some(Signal::Chld));
}

#[test]
fn a_terminal_s_stop_needs_somebody_who_could_continue() {
    let (kernel, p) = fresh();
    let same = kernel.spawn(&p, request("sh", &[])).unwrap();
    let job = kernel.spawn(&p, SpawnRequest { grouping: Grouping::NewGroup, ..request("sh", &[]) }).unwrap();
    for signal in [Signal::Tstp, Signal::Ttin, Signal::Ttou] {
        same.signal(signal);
        assert_eq!(same.stopped(), None, "its group has no parent in the session");
        job.signal(signal);
        assert_eq!(job.stopped(), Some(signal));
        job.signal(Signal::Cont);
    }
    same.signal(Signal::Stop);
    assert_eq!(same.stopped(), Some(Signal::Stop));
}

#[test]
fn a_stopped_group_that_nobody_is_left_to_continue_is_hung_up() {
    let (kernel, p) = fresh();
    let in_group = |parent: &Process, grouping| {
        kernel.spawn(parent, SpawnRequest { grouping, ..request("sh", &[]) }).unwrap()
    };
    let shell = in_group(&p, Grouping::NewGroup);
    let job = in_group(&shell, Grouping::NewGroup);
    let running = in_group(&shell, Grouping::NewGroup);
    job.signal(Signal::Tstp);
    assert_eq!(job.stopped(), Some(Signal::Tstp));
    shell.exit(ExitStatus::Exited(0));
    assert_eq!((job.killed(), running.killed()), (Some(Signal::Hup), None), "only what is stopped");
}

#[test]
fn a_group_that_another_parent_looks_after_stays_stopped() {
    let (kernel, p) = fresh();
    let in_group = |parent: &Process, grouping| {
        kernel.spawn(parent, SpawnRequest { grouping, ..request("sh", &[]) }).unwrap()
    };
    let shell = in_group(&p, Grouping::NewGroup);
    let job = in_group(&shell, Grouping::NewGroup);
    let _sibling = in_group(&p, Grouping::Join(job.pid()));
    job.signal(Signal::Tstp);
    shell.exit(ExitStatus::Exited(0));
    assert_eq!((job.killed(), job.stopped()), (None, Some(Signal::Tstp)));
}

#[test]
fn every_signal_does_its_default_action() {
    let (kernel, p) = fresh();
    for &signal in Signal::ALL {
        let child =
            kernel.spawn(&p, SpawnRequest { grouping: Grouping::NewGroup, ..request("sh", &[]) }).unwrap();
        child.signal(signal);
        let (killed, stopped) = match signal.default_action() {
            DefaultAction::Terminate => (Some(signal), None),
            DefaultAction::Stop => (None, Some(signal)),
            DefaultAction::Ignore | DefaultAction::Continue => (None, None),
        };
        assert_eq!((child.killed(), child.stopped()), (killed, stopped), "{}", signal.name());
        child.exit(ExitStatus::Exited(0));
        now(child.poll_wait(&idle()));
    }
}
