//! The locks that the threads of a program ask each other for by name, as the Web Locks API has them
//! (<https://w3c.github.io/web-locks/>). Nothing here touches V8; the binding `locks` does.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::threads::lock;

/// Most requests of one program that are held or wait.
pub(crate) const REQUESTS_MAX: usize = 4096;
/// Most bytes of their names.
const NAMES_MAX: usize = 1 << 20;

/// All locks of a program.
#[derive(Default)]
pub(crate) struct Locks(Mutex<State>);

#[derive(Default)]
struct State {
    last: u64,
    /// In the order in which they came.
    requests: Vec<Entry>,
}

struct Entry {
    id: u64,
    thread: u32,
    wanted: Wanted,
    held: bool,
    notice: Arc<Notice>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub name: String,
    pub client: String,
    pub exclusive: bool,
}

/// What becomes of a request elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Granted,
    Stolen,
}

/// Tells the thread of a request what becomes of it.
#[derive(Default)]
pub(crate) struct Notice(Mutex<(Option<Event>, Option<Waker>)>);

impl Notice {
    /// Waits for the next event.
    pub fn poll(&self, cx: &Context<'_>) -> Poll<Event> {
        let (event, waker) = &mut *lock(&self.0);
        match event.take() {
            Some(event) => Poll::Ready(event),
            None => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn tell(&self, event: Event) {
        let waker = {
            let (told, waker) = &mut *lock(&self.0);
            *told = Some(event);
            waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A request that was made: withdrawn, or the lock given back, when it is dropped.
pub(crate) struct Request {
    pub id: u64,
    pub held: bool,
    pub notice: Arc<Notice>,
    /// Requests of the same thread whose lock it has taken.
    pub stolen: Vec<u64>,
}

/// What a request came to.
pub(crate) enum Outcome {
    /// It holds the lock or waits for it.
    Made(Request),
    /// It was not to wait, and somebody has the lock.
    Missed,
    /// There are too many.
    Full,
}

impl State {
    /// Whether a request could have its lock now, `before` being those that came earlier.
    fn is_free(wanted: &Wanted, before: &[Entry], after: &[Entry]) -> bool {
        let hinders = |other: &&Entry| {
            other.wanted.name == wanted.name && (other.wanted.exclusive || wanted.exclusive || !other.held)
        };
        !before.iter().any(|other| hinders(&other))
            && !after.iter().filter(|other| other.held).any(|other| hinders(&other))
    }

    /// Grants what is free by now: tells the threads of the requests, and gives the numbers of those of `thread`.
    fn grant(&mut self, thread: u32) -> Vec<u64> {
        let mut own = Vec::new();
        for index in 0..self.requests.len() {
            let (before, rest) = self.requests.split_at(index);
            let Some((entry, after)) = rest.split_first() else { continue };
            if entry.held || !Self::is_free(&entry.wanted, before, after) {
                continue;
            }
            let entry = &mut self.requests[index];
            entry.held = true;
            if entry.thread == thread {
                own.push(entry.id);
            } else {
                entry.notice.tell(Event::Granted);
            }
        }
        own
    }
}

impl Locks {
    /// Asks for a lock. With `steals` whoever has it loses it; with `waits` false there is none unless it is free.
    pub fn request(&self, thread: u32, wanted: Wanted, steals: bool, waits: bool) -> Outcome {
        let state = &mut *lock(&self.0);
        let names: usize = state.requests.iter().map(|entry| entry.wanted.name.len()).sum();
        if state.requests.len() >= REQUESTS_MAX || names + wanted.name.len() > NAMES_MAX {
            return Outcome::Full;
        }
        let mut stolen = Vec::new();
        if steals {
            state.requests.retain(|entry| {
                let is_stolen = entry.held && entry.wanted.name == wanted.name;
                if is_stolen && entry.thread == thread {
                    stolen.push(entry.id);
                } else if is_stolen {
                    entry.notice.tell(Event::Stolen);
                }
                !is_stolen
            });
        }
        let held = steals || State::is_free(&wanted, &state.requests, &[]);
        if !held && !waits {
            return Outcome::Missed;
        }
        state.last += 1;
        let (id, notice) = (state.last, Arc::<Notice>::default());
        let entry = Entry { id, thread, wanted, held, notice: notice.clone() };
        // What was stolen is the thief's before anybody's who waits.
        let at = if steals { 0 } else { state.requests.len() };
        state.requests.insert(at, entry);
        Outcome::Made(Request { id, held, notice, stolen })
    }

    /// Withdraws requests or gives their locks back. Gives the numbers of the requests of `thread` that have theirs now.
    pub fn release(&self, thread: u32, ids: &[u64]) -> Vec<u64> {
        let state = &mut *lock(&self.0);
        state.requests.retain(|entry| !ids.contains(&entry.id));
        state.grant(thread)
    }

    /// Those of a thread that are held, and those that wait.
    pub fn of(&self, thread: u32) -> (Vec<Wanted>, Vec<Wanted>) {
        let state = lock(&self.0);
        let those = |held| {
            state
                .requests
                .iter()
                .filter(|e| e.thread == thread && e.held == held)
                .map(|e| e.wanted.clone())
                .collect()
        };
        (those(true), those(false))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn wanted(name: &str, exclusive: bool) -> Wanted {
        Wanted { name: name.to_owned(), client: String::new(), exclusive }
    }

    fn made(outcome: Outcome) -> Request {
        let Outcome::Made(request) = outcome else { panic!("no request") };
        request
    }

    fn event(request: &Request) -> Poll<Event> {
        request.notice.poll(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_order_of_requests_holds_and_readers_share() {
        let locks = Locks::default();
        let first = made(locks.request(0, wanted("a", true), false, true));
        let reader = made(locks.request(0, wanted("a", false), false, true));
        let other = made(locks.request(1, wanted("a", false), false, true));
        let writer = made(locks.request(0, wanted("a", true), false, true));
        let late = made(locks.request(0, wanted("a", false), false, true));
        assert!(first.held && !reader.held && !other.held && !writer.held);
        assert!(made(locks.request(0, wanted("b", true), false, true)).held);
        assert!(matches!(locks.request(0, wanted("a", false), false, false), Outcome::Missed));
        assert_eq!(locks.release(0, &[first.id]), [reader.id]);
        assert_eq!((event(&other), event(&writer)), (Poll::Ready(Event::Granted), Poll::Pending));
        assert!(locks.release(0, &[reader.id]).is_empty());
        assert!(locks.release(1, &[other.id]).is_empty());
        assert_eq!(event(&writer), Poll::Ready(Event::Granted));
        assert_eq!(locks.release(0, &[writer.id]), [late.id]);
    }

    #[test]
    fn a_stolen_lock_is_the_thiefs_until_it_gives_it_back() {
        let locks = Locks::default();
        let victim = made(locks.request(0, wanted("a", true), false, true));
        let waits = made(locks.request(0, wanted("a", true), false, true));
        let thief = made(locks.request(1, wanted("a", true), true, true));
        assert!(thief.held && thief.stolen.is_empty());
        assert_eq!(event(&victim), Poll::Ready(Event::Stolen));
        assert!(locks.release(0, &[victim.id]).is_empty());
        let another = made(locks.request(1, wanted("a", true), true, true));
        assert_eq!(another.stolen, [thief.id]);
        assert!(locks.release(1, &[another.id]).is_empty());
        assert_eq!(event(&waits), Poll::Ready(Event::Granted));
    }

    #[test]
    fn there_are_no_more_than_may_be_and_a_threads_go_with_it() {
        let locks = Locks::default();
        let mut ids = Vec::new();
        while let Outcome::Made(request) = locks.request(2, wanted("a", true), false, true) {
            ids.push(request.id);
        }
        assert_eq!(ids.len(), REQUESTS_MAX);
        locks.release(2, &ids);
        assert_eq!(locks.of(2), (Vec::new(), Vec::new()));
        assert!(matches!(
            locks.request(0, wanted(&"n".repeat(NAMES_MAX + 1), true), false, true),
            Outcome::Full
        ));
    }
}
