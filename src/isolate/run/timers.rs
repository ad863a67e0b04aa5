//! The timers and immediates of one realm: when which of them is due. Their callbacks stay in JavaScript.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Longest delay that is kept; longer ones count as 1 ms, as everywhere else in JavaScript.
const MAX_DELAY_MS: f64 = 2_147_483_647.0;

/// Least period of an interval.
const MIN_DELAY: Duration = Duration::from_millis(1);

struct Timer {
    deadline: Instant,
    /// Tells an entry of `due` that is out of date.
    sequence: u64,
    period: Option<Duration>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Timers {
    live: HashMap<u32, Timer>,
    due: BinaryHeap<Reverse<(Instant, u64, u32)>>,
    immediates: VecDeque<u32>,
    last: u32,
    sequence: u64,
}

impl Timers {
    pub fn count(&self) -> usize {
        self.live.len() + self.immediates.len()
    }

    pub fn keeps_alive(&self) -> bool {
        self.count() > 0
    }

    /// Starts a timer, counted from `now` in whole milliseconds, and returns its number, which is never 0.
    pub fn start(&mut self, now: Instant, delay_ms: f64, repeat: bool) -> u32 {
        let delay = if (1.0..=MAX_DELAY_MS).contains(&delay_ms) {
            Duration::from_millis(delay_ms as u64)
        } else {
            MIN_DELAY
        };
        let id = self.fresh();
        let deadline = now + delay;
        self.sequence += 1;
        self.live.insert(id, Timer { deadline, sequence: self.sequence, period: repeat.then_some(delay) });
        self.due.push(Reverse((deadline, self.sequence, id)));
        id
    }

    /// Something to run once in the next turn of the loop.
    pub fn start_immediate(&mut self) -> u32 {
        let id = self.fresh();
        self.immediates.push_back(id);
        id
    }

    fn fresh(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.live.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    pub fn stop(&mut self, id: u32) {
        if self.live.remove(&id).is_none() {
            self.immediates.retain(|other| *other != id);
        }
        // Entries of stopped timers go away when they are due; many of them at once are swept out.
        if self.due.len() > 64 && self.due.len() > 2 * self.live.len() {
            let live = &self.live;
            self.due
                .retain(|Reverse((_, sequence, id))| live.get(id).is_some_and(|t| t.sequence == *sequence));
        }
    }

    pub fn clear(&mut self) {
        self.live.clear();
        self.due.clear();
        self.immediates.clear();
    }

    /// When the next timer is due.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        if !self.immediates.is_empty() {
            return Some(Instant::now());
        }
        while let Some(Reverse((deadline, sequence, id))) = self.due.peek().copied() {
            if self.live.get(&id).is_some_and(|timer| timer.sequence == sequence) {
                return Some(deadline);
            }
            self.due.pop();
        }
        None
    }

    /// Takes the immediates that were there when the turn began.
    pub fn take_immediates(&mut self) -> Vec<u32> {
        self.immediates.drain(..).collect()
    }

    /// Takes the next timer that was due at `now`; `true` says that it runs again.
    pub fn take_due(&mut self, now: Instant) -> Option<(u32, bool)> {
        while let Some(Reverse((deadline, sequence, id))) = self.due.peek().copied() {
            if deadline > now {
                return None;
            }
            self.due.pop();
            let Some(timer) = self.live.get_mut(&id).filter(|timer| timer.sequence == sequence) else {
                continue;
            };
            let Some(period) = timer.period else {
                self.live.remove(&id);
                return Some((id, false));
            };
            self.sequence += 1;
            timer.deadline = now + period;
            timer.sequence = self.sequence;
            self.due.push(Reverse((timer.deadline, self.sequence, id)));
            return Some((id, true));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_of_their_deadlines_and_then_of_their_start() {
        let mut timers = Timers::default();
        let now = Instant::now();
        let late = timers.start(now, 20.0, false);
        let first = timers.start(now, 0.0, false);
        let second = timers.start(now, 1.9, false);
        assert_eq!(timers.next_deadline(), Some(now + MIN_DELAY));
        let later = now + Duration::from_secs(1);
        let mut order = Vec::new();
        while let Some((id, again)) = timers.take_due(later) {
            assert!(!again);
            order.push(id);
        }
        assert_eq!(order, [first, second, late]);
        assert!(!timers.keeps_alive());
    }

    #[test]
    fn a_stopped_timer_neither_fires_nor_keeps_alive() {
        let mut timers = Timers::default();
        let ids: Vec<u32> = (0..1000).map(|_| timers.start(Instant::now(), 5.0, true)).collect();
        ids.iter().for_each(|id| timers.stop(*id));
        assert!(!timers.keeps_alive());
        assert_eq!(timers.next_deadline(), None);
        assert!(timers.due.len() <= 64);
    }

    #[test]
    fn an_interval_fires_once_for_each_moment_that_is_looked_at() {
        let mut timers = Timers::default();
        let id = timers.start(Instant::now(), 1.0, true);
        let later = Instant::now() + Duration::from_millis(50);
        assert_eq!(timers.take_due(later), Some((id, true)));
        assert_eq!(timers.take_due(later), None);
    }
}
