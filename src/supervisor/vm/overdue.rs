//! Whether a worker has ended in time what it was told to end: calls past their time limit, and cancelled ones.
//!
//! It goes by the supervisor's own clock, which counts whole seconds in which nothing but the worker itself kept the
//! worker from answering; see [`Overdue::tick`]. Calls that run nothing are not looked at: reading a file may honestly
//! take as long as a slow host directory does. This module knows no process and no channel.

use std::collections::HashMap;
use std::time::Duration;

use protocol::config::Limits;
use protocol::wire::{CONNECT_TIME_MS, CONNECT_WAIT_MS_MAX, VmRequest};

/// How long a worker may take to answer a call that was cancelled or is over its time limit, and to take what is sent
/// to it. V8 ends code at once as a rule; what it cannot interrupt, a collection of a large heap or the sorting of a
/// huge array, takes seconds on a busy machine.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);

/// How often calls are looked at, which is the unit of all times here.
pub(super) const TICK: Duration = Duration::from_secs(1);

const ANSWER_TICKS: u64 = ANSWER_TIME.as_secs() / TICK.as_secs();

/// The calls of one VM that run something, show a terminal or are connections, and have not been answered.
pub(super) struct Overdue {
    wall_time_ms: u64,
    now: u64,
    calls: HashMap<u64, Call>,
    /// Since when bytes have waited for the worker, if none was taken since.
    unread: u64,
}

struct Call {
    begun: u64,
    /// When it was to end: its time limit, or its cancellation.
    ends: u64,
    /// Runs on the thread of the isolate, where one call at a time has its turn.
    javascript: bool,
    cancelled: bool,
}

impl Overdue {
    pub(super) fn new(limits: &Limits) -> Self {
        Overdue { wall_time_ms: limits.wall_time_ms, now: 0, calls: HashMap::new(), unread: 0 }
    }

    /// A request is passed on.
    pub(super) fn begin(&mut self, id: u64, request: &VmRequest) {
        if let VmRequest::AttachTerminal { .. } = request {
            // It lasts as long as somebody looks at it, and has no time limit.
            self.note(id, u64::MAX, false);
            return;
        }
        if let VmRequest::Connect { wait_ms, .. } = request {
            // Once it is there it lasts as long as both ends like.
            let limit = wait_ms.unwrap_or(0).clamp(CONNECT_TIME_MS, CONNECT_WAIT_MS_MAX);
            let ends = self.now + ticks(Duration::from_millis(limit));
            self.note(id, ends, false);
            return;
        }
        if let VmRequest::CloseTerminal { .. } = request {
            // What does not end by itself in its time is killed.
            self.note(id, self.now + 2, false);
            return;
        }
        let Some(options) = request.execution() else { return };
        let javascript = !matches!(request, VmRequest::Spawn { .. });
        let limit = Duration::from_millis(options.timeout_ms.unwrap_or(u64::MAX).min(self.wall_time_ms));
        let ends = self.now + ticks(limit);
        self.note(id, ends, javascript);
    }

    fn note(&mut self, id: u64, ends: u64, javascript: bool) {
        self.calls.insert(id, Call { begun: self.now, ends, javascript, cancelled: false });
    }

    /// A connection is there.
    pub(super) fn connected(&mut self, id: u64) {
        if let Some(call) = self.calls.get_mut(&id)
            && !call.cancelled
        {
            call.ends = u64::MAX;
        }
    }

    /// A cancellation is passed on.
    pub(super) fn cancel(&mut self, id: u64) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.ends = call.ends.min(self.now + 1);
            call.cancelled = true;
        }
    }

    /// A request is answered.
    pub(super) fn answered(&mut self, id: u64) {
        self.calls.remove(&id);
    }

    /// One more second in which the worker could have answered. Not to be called for seconds in which it waited for the
    /// supervisor or the supervisor for the client. `unread` says whether bytes wait for the worker and it has taken
    /// none since the last time. The answer is whether the worker has had [`ANSWER_TIME`] and more.
    pub(super) fn tick(&mut self, unread: bool) -> bool {
        self.now += 1;
        self.unread = if unread { self.unread + 1 } else { 0 };
        if self.unread > ANSWER_TICKS {
            return true;
        }
        let late = |call: &Call| self.now > call.ends.saturating_add(ANSWER_TICKS);
        // A call that has time left may keep the isolate's thread, and with it the end of others. But the isolate takes
        // calls in order: one that began after another was to end shows that it could have been ended by then.
        let busy_since =
            self.calls.values().filter(|call| call.javascript && !late(call)).map(|call| call.begun).min();
        self.calls.values().any(|call| {
            late(call) && !(call.javascript && busy_since.is_some_and(|since| since <= call.ends))
        })
    }
}

/// So many ticks have surely passed after that time, though the first is under way already.
fn ticks(time: Duration) -> u64 {
    time.as_millis().div_ceil(TICK.as_millis()) as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::wire::{EvaluateOptions, ExecutionOptions};

    fn options(timeout_ms: u64) -> ExecutionOptions {
        ExecutionOptions { timeout_ms: Some(timeout_ms), ..ExecutionOptions::default() }
    }

    fn javascript(timeout_ms: u64) -> VmRequest {
        let evaluate = EvaluateOptions::default();
        VmRequest::Execute { source: String::new(), evaluate, options: options(timeout_ms) }
    }

    fn command(timeout_ms: u64) -> VmRequest {
        VmRequest::Spawn { command: "true".to_owned(), options: options(timeout_ms) }
    }

    fn calls() -> Overdue {
        Overdue::new(&Limits::default())
    }

    /// Seconds until something is overdue.
    fn seconds(overdue: &mut Overdue) -> Option<u64> {
        (1..=2000).find(|_| overdue.tick(false))
    }

    #[test]
    fn who_looks_at_a_terminal_may_look_for_ever_and_is_let_go_in_time() {
        let mut overdue = calls();
        overdue.begin(1, &VmRequest::AttachTerminal { terminal: 1 });
        assert_eq!(seconds(&mut overdue), None);
        overdue.cancel(1);
        assert!(seconds(&mut overdue).is_some_and(|seconds| seconds <= ANSWER_TICKS + 2));
        let mut overdue = calls();
        overdue.begin(2, &VmRequest::CloseTerminal { terminal: 1 });
        assert!(seconds(&mut overdue).is_some_and(|seconds| seconds <= ANSWER_TICKS + 3));
    }

    #[test]
    fn a_connection_is_there_in_time_or_overdue_and_then_lasts() {
        let connect = |wait_ms| VmRequest::Connect { port: 80, wait_ms };
        let mut overdue = calls();
        overdue.begin(1, &connect(None));
        let least = CONNECT_TIME_MS / 1000 + ANSWER_TICKS;
        assert!(seconds(&mut overdue).is_some_and(|seconds| (least..=least + 2).contains(&seconds)));
        let mut overdue = calls();
        overdue.begin(1, &connect(Some(60_000)));
        assert!(seconds(&mut overdue).is_some_and(|seconds| seconds >= 60));
        let mut overdue = calls();
        overdue.begin(1, &connect(None));
        overdue.connected(1);
        assert_eq!(seconds(&mut overdue), None);
        // One that was cancelled may say that it is there, and has no more time for that.
        overdue.cancel(1);
        overdue.connected(1);
        assert!(seconds(&mut overdue).is_some_and(|seconds| seconds <= ANSWER_TICKS + 2));
    }

    #[test]
    fn a_call_is_overdue_some_time_after_its_own_limit_or_that_of_the_vm() {
        for (request, least) in [(javascript(500), 1), (command(3000), 3), (command(u64::MAX), 600)] {
            let mut overdue = calls();
            overdue.begin(1, &request);
            let found = seconds(&mut overdue).unwrap();
            assert!((least + ANSWER_TICKS..=least + ANSWER_TICKS + 2).contains(&found), "{found}");
        }
    }

    #[test]
    fn a_cancelled_call_is_overdue_after_the_same_time() {
        let mut overdue = calls();
        overdue.begin(1, &command(600_000));
        (0..5).for_each(|_| assert!(!overdue.tick(false)));
        overdue.cancel(1);
        // Again is no later.
        overdue.cancel(1);
        assert_eq!(seconds(&mut overdue), Some(ANSWER_TICKS + 2));
    }

    #[test]
    fn what_is_answered_or_runs_nothing_is_never_overdue() {
        let mut overdue = calls();
        overdue.begin(1, &javascript(1));
        overdue.answered(1);
        overdue.begin(2, &VmRequest::ReadFile { path: "/slow".to_owned(), max_bytes: None });
        overdue.cancel(2);
        assert_eq!(seconds(&mut overdue), None);
    }

    #[test]
    fn a_call_that_has_time_left_may_keep_the_isolate_from_ending_others() {
        let mut overdue = calls();
        overdue.begin(1, &javascript(100_000));
        overdue.begin(2, &javascript(1));
        let found = seconds(&mut overdue).unwrap();
        assert!(found > 100 + ANSWER_TICKS, "{found}");
        // But commands are ended beside it,
        let mut overdue = calls();
        overdue.begin(1, &javascript(100_000));
        overdue.begin(2, &command(1));
        assert!(seconds(&mut overdue).unwrap() < 100);
        // and calls that are made later are no excuse.
        let mut overdue = calls();
        overdue.begin(1, &javascript(1));
        (0..5).for_each(|_| assert!(!overdue.tick(false)));
        overdue.begin(2, &javascript(100_000));
        assert!(seconds(&mut overdue).unwrap() < 100);
    }

    #[test]
    fn a_worker_that_takes_nothing_is_overdue_even_without_calls() {
        let mut overdue = calls();
        assert_eq!((1..100).find(|_| overdue.tick(true)), Some(ANSWER_TICKS + 1));
        let mut overdue = calls();
        assert!((1..100).all(|second| !overdue.tick(second % 5 != 0)));
    }
}
