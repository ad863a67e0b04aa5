//! Decisions that are kept for whoever wants to be told of them: those of one kind are folded into one with a count, and of
//! more kinds than there is room for it is known how many there were. Nothing is kept while nobody wants any.
//!
//! What is denied has room of its own, so that a guest cannot have it dropped by doing much that is allowed.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Access;
use crate::wire::{
    DECISION_BYTES_MAX, DECISION_TEXT_BYTES, DECISIONS_MAX, Decision, DecisionBatch, DecisionScope,
    DecisionWatch,
};

/// The highest count: a whole number in every client's language.
const COUNT_MAX: u64 = (1 << 53) - 1;

/// The decisions of one VM that were not told yet.
#[derive(Default)]
pub struct Journal {
    watch: AtomicU8,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    allowed: Folded,
    denied: Folded,
    dropped: u64,
}

/// Kinds of decisions, and how often each was made.
#[derive(Default)]
struct Folded {
    kinds: HashMap<Kind, Made>,
    bytes: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    scope: DecisionScope,
    operation: String,
    target: String,
    address: Option<String>,
    rule: String,
}

struct Made {
    order: usize,
    time_ms: u64,
    count: u64,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Journal").field("watch", &self.watching()).finish_non_exhaustive()
    }
}

impl Journal {
    /// Says what is kept from now on. What is kept already stays unless it is none.
    pub fn watch(&self, watch: DecisionWatch) {
        self.watch.store(watch as u8, Ordering::Relaxed);
        if watch == DecisionWatch::Off {
            *self.kept() = Kept::default();
        }
    }

    /// What is kept.
    pub fn watching(&self) -> DecisionWatch {
        match self.watch.load(Ordering::Relaxed) {
            0 => DecisionWatch::Off,
            1 => DecisionWatch::On,
            _ => DecisionWatch::All,
        }
    }

    /// Whether such a decision is kept.
    pub(super) fn wants(&self, decision: Access, scope: DecisionScope) -> bool {
        let is_much = matches!(scope, DecisionScope::Fs | DecisionScope::Env) && decision == Access::Allow;
        match self.watching() {
            DecisionWatch::Off => false,
            DecisionWatch::On => !is_much,
            DecisionWatch::All => true,
        }
    }

    /// Keeps a decision, if such are wanted. `what` gives the target, and an address that it has led to.
    pub fn note(
        &self,
        decision: Access,
        scope: DecisionScope,
        operation: &str,
        rule: &str,
        what: impl FnOnce() -> (String, Option<IpAddr>),
    ) {
        if !self.wants(decision, scope) {
            return;
        }
        let (target, address) = what();
        let kind = Kind {
            scope,
            operation: operation.to_owned(),
            target: short(target),
            address: address.map(|address| address.to_string()),
            rule: rule.to_owned(),
        };
        let now = now();
        self.kept().add(decision, kind, now, 1);
    }

    /// Keeps what another process says that it has decided, of that as much as its scopes and decisions are those that
    /// `is_its` grants it. Whatever it says, no more is kept than there is room for.
    pub fn merge(&self, batch: DecisionBatch, is_its: impl Fn(&Decision) -> bool) {
        let now = now();
        let mut kept = self.kept();
        kept.drop_more(batch.dropped);
        for made in batch.decisions.into_iter().filter(|made| is_its(made)) {
            if !self.wants(made.decision, made.scope) {
                continue;
            }
            let kind = Kind {
                scope: made.scope,
                operation: short(made.operation),
                target: short(made.target),
                address: made.address.map(short),
                rule: short(made.rule),
            };
            kept.add(made.decision, kind, made.time_ms.min(now), made.count);
        }
    }

    /// Whether there is anything to be told.
    pub fn is_empty(&self) -> bool {
        let kept = self.kept();
        kept.dropped == 0 && kept.allowed.kinds.is_empty() && kept.denied.kinds.is_empty()
    }

    /// Takes what is kept.
    pub fn take(&self) -> DecisionBatch {
        let Kept { allowed, denied, dropped } = std::mem::take(&mut *self.kept());
        let made = |decision: Access, folded: Folded| {
            folded.kinds.into_iter().map(move |(kind, made)| {
                let Kind { scope, operation, target, address, rule } = kind;
                let Made { order, time_ms, count } = made;
                let decision = Decision { time_ms, decision, scope, operation, target, address, rule, count };
                (order, decision)
            })
        };
        let mut decisions: Vec<(usize, Decision)> =
            made(Access::Allow, allowed).chain(made(Access::Deny, denied)).collect();
        decisions.sort_by_key(|(order, made)| (made.time_ms, *order));
        DecisionBatch { decisions: decisions.into_iter().map(|(_, made)| made).collect(), dropped }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nobody panics while it is held, and what is in it would be whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn more(count: u64, by: u64) -> u64 {
    count.saturating_add(by).min(COUNT_MAX)
}

impl Kept {
    fn drop_more(&mut self, count: u64) {
        self.dropped = more(self.dropped, count);
    }

    fn add(&mut self, decision: Access, kind: Kind, time_ms: u64, count: u64) {
        let order = self.allowed.kinds.len() + self.denied.kinds.len();
        let folded = match decision {
            Access::Allow => &mut self.allowed,
            Access::Deny => &mut self.denied,
        };
        if let Some(made) = folded.kinds.get_mut(&kind) {
            made.count = more(made.count, count);
            return;
        }
        let bytes = folded.bytes + kind.bytes();
        if folded.kinds.len() >= DECISIONS_MAX || bytes > DECISION_BYTES_MAX {
            self.drop_more(count);
            return;
        }
        folded.bytes = bytes;
        folded.kinds.insert(kind, Made { order, time_ms, count: more(0, count) });
    }
}

impl Kind {
    fn bytes(&self) -> usize {
        let address = self.address.as_ref().map_or(0, String::len);
        self.operation.len() + self.target.len() + self.rule.len() + address
    }
}

/// A text with as much of it as is kept.
fn short(mut text: String) -> String {
    if text.len() > DECISION_TEXT_BYTES {
        let end = (0..=DECISION_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
    }
    text
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(journal: &Journal, decision: Access, scope: DecisionScope, target: &str) {
        journal.note(decision, scope, "read", "permissions.fs", || (target.to_owned(), None));
    }

    #[test]
    fn equal_decisions_are_one_with_a_count() {
        let journal = Journal::default();
        note(&journal, Access::Deny, DecisionScope::Fs, "/before");
        assert!(journal.is_empty(), "nothing is kept unless it is wanted");
        journal.watch(DecisionWatch::On);
        for target in ["/a", "/b", "/a"] {
            note(&journal, Access::Deny, DecisionScope::Fs, target);
            note(&journal, Access::Allow, DecisionScope::Fs, target);
        }
        let told: Vec<_> =
            journal.take().decisions.into_iter().map(|made| (made.target, made.count)).collect();
        assert_eq!(told, [("/a".to_owned(), 2), ("/b".to_owned(), 1)]);
        journal.watch(DecisionWatch::All);
        note(&journal, Access::Allow, DecisionScope::Fs, "/c");
        assert_eq!(journal.take().decisions[0].decision, Access::Allow);
        note(&journal, Access::Deny, DecisionScope::Fs, "/d");
        journal.watch(DecisionWatch::Off);
        assert!(journal.take().is_empty());
    }

    #[test]
    fn a_flood_costs_bounded_memory_and_is_counted() {
        let journal = Journal::default();
        journal.watch(DecisionWatch::All);
        for number in 0..10_000 {
            note(&journal, Access::Allow, DecisionScope::Fs, &format!("/{number}/{}", "ä".repeat(1000)));
        }
        // There is room left for what is denied.
        note(&journal, Access::Deny, DecisionScope::Network, "example.org");
        let batch = journal.take();
        let bytes: usize = batch.decisions.iter().map(|made| made.target.len()).sum();
        assert!(bytes <= 2 * DECISION_BYTES_MAX && batch.decisions.len() <= 2 * DECISIONS_MAX);
        assert!(batch.decisions.iter().all(|made| made.target.len() <= DECISION_TEXT_BYTES));
        assert_eq!(batch.decisions.len() as u64 + batch.dropped, 10_001);
        assert!(batch.decisions.iter().any(|made| made.decision == Access::Deny));
    }

    #[test]
    fn what_another_process_says_is_bounded_and_only_of_what_it_decides() {
        let journal = Journal::default();
        journal.watch(DecisionWatch::On);
        let made = |scope, target: String| Decision {
            time_ms: u64::MAX,
            decision: Access::Deny,
            scope,
            operation: "x".repeat(10_000),
            target,
            address: Some("y".repeat(10_000)),
            rule: "z".repeat(10_000),
            count: u64::MAX,
        };
        let lies = (0..1000).map(|number| made(DecisionScope::Fs, number.to_string()));
        let decisions = lies.chain([made(DecisionScope::Network, "example.org".to_owned())]).collect();
        let batch = DecisionBatch { decisions, dropped: u64::MAX };
        journal.merge(batch.clone(), |made| made.scope == DecisionScope::Fs);
        journal.merge(batch, |made| made.scope == DecisionScope::Fs);
        let told = journal.take();
        assert!(told.decisions.iter().all(|made| made.scope == DecisionScope::Fs && made.time_ms < u64::MAX));
        let bytes: usize = told.decisions.iter().map(|made| made.operation.len() + made.rule.len()).sum();
        assert!(bytes <= DECISION_BYTES_MAX && told.dropped == COUNT_MAX);
    }
}
