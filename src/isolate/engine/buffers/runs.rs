//! Which pages of the arena are whose: runs of pages that are free in one of three states, or in use. Pure bookkeeping:
//! touches no page of the arena, and asks the system for nothing but room for its own table.
//!
//! Every page has a record. Of those only the first and the last of a free run say so, and the first of one that is in
//! use; those of a span of small buffers all do. All others are `Inner`, so that a pointer that a caller makes up leads to
//! no run. Free runs of one state that touch are one run, and are listed by length, so that one that is long enough is
//! found without a search.

use super::table::{Table, Zeroed};

/// What is in the pages of a free run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Accessible, with what was written there.
    Dirty,
    /// Accessible, and never used since the system gave it: zero.
    Clean,
    /// Not accessible, and not counted as this process's: zero when it is.
    Bare,
}

const STATES: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In the midst of a run. Zero, as pages begin.
    Inner,
    /// The first or the last page of a free one.
    Free(State),
    /// The first page of one that is in use.
    Used,
    /// A page of a span.
    Span,
}

/// No page.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Page {
    kind: Kind,
    /// How long its run is; the number of its span.
    value: u32,
    /// Neighbours in the list of free runs of like length.
    previous: u32,
    next: u32,
}

/// As records lie in the table, where they begin as zeros.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    kind: u8,
    value: u32,
    previous: u32,
    next: u32,
}

// SAFETY: numbers.
unsafe impl Zeroed for Record {}

/// Runs of less pages than this have a list for each length; above there are four for each doubling.
const EXACT: u32 = 32;
const LISTS: usize = 128;

/// How many runs of a list are looked at, of those that may be too short.
const LOOKS: usize = 16;

/// See the module.
pub(super) struct Runs {
    pages: Table<Record>,
    /// How many pages have ever been part of a run; those after are bare.
    end: u32,
    most: u32,
    lists: [[u32; LISTS]; STATES],
    filled: [u128; STATES],
    free: [u32; STATES],
}

/// What a pointer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The start of a run in use, of so many pages.
    Run(u32),
    /// Somewhere in the span of this number.
    Span(u32),
    Nothing,
}

impl Runs {
    /// For an arena of so many pages.
    pub fn new(most: u32) -> Option<Runs> {
        Some(Runs {
            pages: Table::reserve(most as usize)?,
            end: 0,
            most,
            lists: [[NONE; LISTS]; STATES],
            filled: [0; STATES],
            free: [0; STATES],
        })
    }

    /// How many pages are free in this state.
    pub fn free(&self, state: State) -> u32 {
        self.free[state as usize]
    }

    /// Takes `least` pages, or up to `wish` if the run that is found is longer. The pages are nobody's afterwards.
    pub fn take(&mut self, state: State, least: u32, wish: u32) -> Option<(u32, u32)> {
        let page = self.find(state, least)?;
        let length = self.get(page).value;
        self.remove(state, page, length);
        let taken = length.min(wish.max(least));
        if taken < length {
            self.list(state, page + taken, length - taken);
        }
        Some((page, taken))
    }

    /// Takes up to `wish` pages off the end of the longest run, or of about the longest, if that has at least `least`.
    pub fn take_longest(&mut self, state: State, least: u32, wish: u32) -> Option<(u32, u32)> {
        let list = 127_u32.checked_sub(self.filled[state as usize].leading_zeros())?;
        let page = self.lists[state as usize][list as usize];
        let length = self.get(page).value;
        if length < least {
            return None;
        }
        self.remove(state, page, length);
        let taken = length.min(wish.max(least));
        if taken < length {
            self.list(state, page, length - taken);
        }
        Some((page + (length - taken), taken))
    }

    /// Takes pages that were never part of a run, and the bare ones before them: `wish` in all, or `least`. They are bare.
    pub fn extend(&mut self, least: u32, wish: u32) -> Option<(u32, u32)> {
        let before = self.end.checked_sub(1).map(|page| self.get(page));
        let bare = before.filter(|page| page.kind == Kind::Free(State::Bare)).map_or(0, |page| page.value);
        let page = self.end - bare;
        for length in [wish.max(least), least] {
            let Some(end) = page.checked_add(length).filter(|end| *end <= self.most) else { continue };
            if !self.pages.grow(end as usize) {
                continue;
            }
            if bare > 0 {
                self.remove(State::Bare, page, bare);
            }
            if length < bare {
                self.list(State::Bare, page + length, bare - length);
            }
            self.end = self.end.max(end);
            return Some((page, length));
        }
        None
    }

    /// Makes pages that are nobody's a free run, with its neighbours of the same state.
    pub fn give(&mut self, state: State, mut page: u32, mut length: u32) {
        if let Some(before) = page.checked_sub(1)
            && let Page { kind: Kind::Free(as_is), value, .. } = self.get(before)
            && as_is == state
        {
            page -= value;
            self.remove(state, page, value);
            length += value;
        }
        let after = page + length;
        if after < self.end
            && let Page { kind: Kind::Free(as_is), value, .. } = self.get(after)
            && as_is == state
        {
            self.remove(state, after, value);
            length += value;
        }
        self.list(state, page, length);
    }

    /// Says that pages that are nobody's are a run in use.
    pub fn use_run(&mut self, page: u32, length: u32) {
        self.put(page, Page { kind: Kind::Used, value: length, previous: 0, next: 0 });
    }

    /// Says that pages that are nobody's are a span.
    pub fn use_span(&mut self, page: u32, length: u32, span: u32) {
        for page in page..page + length {
            self.put(page, Page { kind: Kind::Span, value: span, previous: 0, next: 0 });
        }
    }

    /// Makes pages that are in use nobody's.
    pub fn release(&mut self, page: u32, length: u32) {
        match self.get(page).kind {
            Kind::Span => (page..page + length).for_each(|page| self.clear(page)),
            _ => self.clear(page),
        }
    }

    /// What is at a page.
    pub fn at(&self, page: u32) -> Place {
        if page >= self.end {
            return Place::Nothing;
        }
        let record = self.get(page);
        match record.kind {
            Kind::Used => Place::Run(record.value),
            Kind::Span => Place::Span(record.value),
            Kind::Inner | Kind::Free(_) => Place::Nothing,
        }
    }

    fn find(&self, state: State, least: u32) -> Option<u32> {
        let first = list_of(least);
        let lists = &self.lists[state as usize];
        let mut page = lists[first];
        for _ in 0..LOOKS {
            if page == NONE {
                break;
            }
            let run = self.get(page);
            if run.value >= least {
                return Some(page);
            }
            page = run.next;
        }
        // All runs of the lists after that are longer.
        let longer = self.filled[state as usize] & (u128::MAX << first << 1);
        (longer != 0).then(|| lists[longer.trailing_zeros() as usize])
    }

    fn list(&mut self, state: State, page: u32, length: u32) {
        let list = list_of(length);
        let head = std::mem::replace(&mut self.lists[state as usize][list], page);
        self.filled[state as usize] |= 1 << list;
        self.free[state as usize] += length;
        // The last first: it may be the same page.
        self.put(
            page + length - 1,
            Page { kind: Kind::Free(state), value: length, previous: NONE, next: NONE },
        );
        self.put(page, Page { kind: Kind::Free(state), value: length, previous: NONE, next: head });
        if head != NONE {
            self.pages[head as usize].previous = page;
        }
    }

    fn remove(&mut self, state: State, page: u32, length: u32) {
        let list = list_of(length);
        let Page { previous, next, .. } = self.get(page);
        if next != NONE {
            self.pages[next as usize].previous = previous;
        }
        if previous != NONE {
            self.pages[previous as usize].next = next;
        } else {
            self.lists[state as usize][list] = next;
            if next == NONE {
                self.filled[state as usize] &= !(1 << list);
            }
        }
        self.free[state as usize] -= length;
        self.clear(page);
        self.clear(page + length - 1);
    }

    fn clear(&mut self, page: u32) {
        self.put(page, Page { kind: Kind::Inner, value: 0, previous: 0, next: 0 });
    }

    fn get(&self, page: u32) -> Page {
        let Record { kind, value, previous, next } = self.pages[page as usize];
        let kind = match kind {
            1 => Kind::Free(State::Dirty),
            2 => Kind::Free(State::Clean),
            3 => Kind::Free(State::Bare),
            4 => Kind::Used,
            5 => Kind::Span,
            _ => Kind::Inner,
        };
        Page { kind, value, previous, next }
    }

    fn put(&mut self, page: u32, record: Page) {
        let kind = match record.kind {
            Kind::Inner => 0,
            Kind::Free(State::Dirty) => 1,
            Kind::Free(State::Clean) => 2,
            Kind::Free(State::Bare) => 3,
            Kind::Used => 4,
            Kind::Span => 5,
        };
        let Page { value, previous, next, .. } = record;
        self.pages[page as usize] = Record { kind, value, previous, next };
    }
}

/// The list that runs of a length are in. Every run in one is longer than all in those before. The last one's are longer
/// than an arena.
fn list_of(length: u32) -> usize {
    if length < EXACT {
        return length as usize;
    }
    let doublings = length.ilog2();
    let quarter = (length >> (doublings - 2)) & 3;
    (EXACT as usize + (doublings - EXACT.ilog2()) as usize * 4 + quarter as usize).min(LISTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order_of_length() {
        let lists: Vec<usize> = (0..100_000).map(list_of).collect();
        assert!(lists.is_sorted());
        assert!(list_of(u32::MAX) < LISTS);
    }

    #[test]
    fn free_runs_of_one_state_that_touch_become_one() {
        let mut runs = Runs::new(1000).unwrap();
        assert_eq!(runs.extend(10, 300), Some((0, 300)));
        runs.give(State::Clean, 0, 300);
        assert_eq!(runs.take(State::Clean, 10, 10), Some((0, 10)));
        runs.use_run(0, 10);
        assert_eq!(runs.take(State::Clean, 20, 20), Some((10, 20)));
        runs.use_run(10, 20);
        assert_eq!((runs.at(0), runs.at(10), runs.at(11)), (Place::Run(10), Place::Run(20), Place::Nothing));
        for (page, length) in [(0, 10), (10, 20)] {
            runs.release(page, length);
            runs.give(State::Dirty, page, length);
            assert_eq!(runs.at(page), Place::Nothing);
        }
        assert_eq!((runs.free(State::Dirty), runs.free(State::Clean)), (30, 270));
        assert_eq!(runs.take(State::Dirty, 30, 30), Some((0, 30)));
        assert_eq!(runs.take(State::Dirty, 1, 1), None);
        assert_eq!(runs.take_longest(State::Clean, 1, 70), Some((230, 70)));
        assert_eq!(runs.take(State::Clean, 201, 201), None);
    }

    #[test]
    fn an_arena_has_an_end() {
        let mut runs = Runs::new(100).unwrap();
        assert_eq!(runs.extend(60, 60), Some((0, 60)));
        assert_eq!(runs.extend(10, 60), Some((60, 10)));
        assert_eq!(runs.extend(31, 31), None);
        runs.give(State::Bare, 40, 30);
        assert_eq!(runs.extend(61, 61), None);
        assert_eq!(runs.extend(60, 60), Some((40, 60)));
        assert_eq!((runs.at(70), runs.free(State::Bare)), (Place::Nothing, 0));
        assert_eq!(runs.extend(u32::MAX, u32::MAX), None);
    }
}
