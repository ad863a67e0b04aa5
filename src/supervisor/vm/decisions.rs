//! Requests for decisions: who waits for some, and who has asked for what there is. The worker is asked for what it has decided
//! itself, by questions of which one is open at a time: it cannot tell more than it is asked for.
//!
//! Knows numbers of requests, no decision and no channel.

use std::time::Duration;

/// How often the worker is asked while somebody waits: what happens within that time is told at once.
pub(super) const PULL_TIME: Duration = Duration::from_millis(100);

/// The requests for decisions that are open.
#[derive(Default)]
pub(super) struct Takes {
    waiting: Option<u64>,
    /// Those that the answer to the open question is for, if one is open.
    asked: Option<Vec<u64>>,
    /// Those for which another has to be asked after it.
    queued: Vec<u64>,
}

impl Takes {
    /// A request waits until there is something. Gives back one that has waited before, which waits no more.
    pub(super) fn wait(&mut self, id: u64) -> Option<u64> {
        self.waiting.replace(id)
    }

    /// A request wants what there is now. Says whether the worker is to be asked.
    pub(super) fn ask(&mut self, id: u64) -> bool {
        self.queued.push(id);
        self.question()
    }

    /// Whether somebody waits.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the worker is to be asked, since somebody waits and no question is open.
    pub(super) fn pull(&mut self) -> bool {
        self.is_waited_for() && self.question()
    }

    /// The request that waits, which is answered now.
    pub(super) fn waited(&mut self) -> Option<u64> {
        self.waiting.take()
    }

    /// Whether that request waits.
    pub(super) fn waits(&self, id: u64) -> bool {
        self.waiting == Some(id)
    }

    /// The worker has answered: the requests that are to be told now, and whether it is to be asked once more. None if it was
    /// not asked.
    pub(super) fn answered(&mut self) -> Option<(Vec<u64>, bool)> {
        let told = self.asked.take()?;
        let again = !self.queued.is_empty() && self.question();
        Some((told, again))
    }

    fn question(&mut self) -> bool {
        if self.asked.is_some() {
            return false;
        }
        self.asked = Some(std::mem::take(&mut self.queued));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_a_question_is_open_is_answered_by_the_next() {
        let mut takes = Takes::default();
        assert!(!takes.pull(), "nobody waits");
        assert_eq!(takes.answered(), None, "nobody has asked");
        assert_eq!(takes.wait(1), None);
        assert!(takes.pull() && !takes.pull());
        assert!(!takes.ask(2), "what is open was asked before");
        assert_eq!(takes.answered(), Some((vec![], true)));
        assert_eq!(takes.answered(), Some((vec![2], false)));
        assert_eq!(takes.wait(3), Some(1));
        assert!(takes.waits(3) && !takes.waits(1));
        assert_eq!(takes.waited(), Some(3));
        assert!(!takes.pull());
    }
}
