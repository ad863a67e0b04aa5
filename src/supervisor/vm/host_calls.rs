//! Calls of host functions that wait for whoever created the VM, and how long they may.
//!
//! The VM's task asks when the next is over and ends it then; it knows nothing of what the functions are.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::calls::{Answer, Done};
use crate::supervisor::budget::Held;
use protocol::abi::HostCallError;
use protocol::broker::BrokerReply;
use protocol::config::Limits;

/// Host calls that wait for the client. Each is there until it is answered or its time is over, and nothing else is kept
/// or started for one.
pub(super) struct HostCalls {
    pub(super) bytes_max: u64,
    time: Duration,
    open: Mutex<OpenHostCalls>,
}

#[derive(Default)]
struct OpenHostCalls {
    calls: HashMap<u64, (Instant, mpsc::Sender<Done>)>,
    /// When each is over.
    ends: BTreeSet<(Instant, u64)>,
}

impl HostCalls {
    pub(super) fn new(limits: &Limits) -> HostCalls {
        let time = Duration::from_millis(limits.host_call_ms);
        HostCalls { bytes_max: limits.host_call_bytes, time, open: Mutex::default() }
    }

    /// Waits for the client's answer, for as long as the VM's limit says.
    pub(super) fn begin(&self, call: u64, answers: mpsc::Sender<Done>) {
        let end = Instant::now() + self.time;
        let open = &mut *self.open.lock();
        open.calls.insert(call, (end, answers));
        open.ends.insert((end, call));
    }

    /// Answers a call, if it is open still, with what the answer holds until it is written.
    pub(super) fn settle(&self, call: u64, result: Result<String, HostCallError>, held: Held) {
        let waiting = {
            let open = &mut *self.open.lock();
            let waiting = open.calls.remove(&call);
            if let Some((end, _)) = &waiting {
                open.ends.remove(&(*end, call));
            }
            waiting
        };
        if let Some((_, answers)) = waiting {
            // The queue has room for every call that may be open.
            let reply = BrokerReply::HostFunction { result };
            let _ = answers.try_send(Done::Answer(Answer { call, reply, file: None, held }));
        }
    }

    /// Waits until the next of them is over, and answers those that are by then. For ever if there is none. Dropping the
    /// future loses nothing.
    pub(super) async fn end_next(&self) {
        let Some(end) = self.next_end() else { return std::future::pending().await };
        tokio::time::sleep_until(end.into()).await;
        self.end_late();
    }

    fn next_end(&self) -> Option<Instant> {
        self.open.lock().ends.first().map(|(end, _)| *end)
    }

    fn end_late(&self) {
        loop {
            // Not in the loop's own condition, where the lock would be held while the call is answered.
            let first = self.open.lock().ends.first().copied();
            match first {
                Some((end, call)) if end <= Instant::now() => {
                    self.settle(call, Err(HostCallError::TimedOut {}), Held::default())
                }
                _ => return,
            }
        }
    }

    /// Forgets all: nobody is there to be answered.
    pub(super) fn clear(&self) {
        *self.open.lock() = OpenHostCalls::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(answered: &mut mpsc::Receiver<Done>) -> Answer {
        let Ok(Done::Answer(answer)) = answered.try_recv() else { panic!("no answer") };
        answer
    }

    fn waiting(host_call_ms: u64) -> (HostCalls, mpsc::Sender<Done>, mpsc::Receiver<Done>) {
        let limits = Limits { host_call_ms, ..Limits::default() };
        let (answers, answered) = mpsc::channel(8);
        (HostCalls::new(&limits), answers, answered)
    }

    #[test]
    fn nothing_is_left_of_a_call_that_was_answered() {
        let (calls, answers, mut answered) = waiting(600_000);
        for call in 0..10_000 {
            calls.begin(call, answers.clone());
            calls.settle(call, Ok(String::new()), Held::default());
            assert_eq!(next(&mut answered).call, call);
        }
        assert_eq!(calls.next_end(), None);
        assert!(calls.open.lock().calls.is_empty());
        // Nor does a second answer reach anybody.
        calls.settle(1, Ok(String::new()), Held::default());
        assert!(answered.try_recv().is_err());
    }

    #[test]
    fn calls_end_in_their_order_when_their_time_is_over() {
        let (calls, answers, mut answered) = waiting(1);
        calls.begin(7, answers.clone());
        calls.begin(3, answers);
        while let Some(end) = calls.next_end() {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            calls.end_late();
        }
        for call in [7, 3] {
            let answer = next(&mut answered);
            assert_eq!(answer.call, call);
            assert!(matches!(
                answer.reply,
                BrokerReply::HostFunction { result: Err(HostCallError::TimedOut {}) }
            ));
        }
    }
}
