//! Small buffers: sizes in classes, and spans of 64 KiB that are cut into slots of one class. Pure bookkeeping, as runs are.

use super::table::{Table, Zeroed};

/// How long a span is, in bytes.
pub(super) const SPAN: usize = 64 * 1024;

/// The largest size that has a class; what is larger gets pages of its own.
pub(super) const SMALL: usize = 16 * 1024;

/// Slots are not smaller, and a multiple of [`GRAIN`].
const LEAST: usize = 64;
const GRAIN: usize = 32;

/// Up to here classes are a grain apart; after that there are four for each doubling.
const FINE: usize = 256;

const CLASSES: usize = (FINE - LEAST) / GRAIN + 1 + 4 * (SMALL.ilog2() - FINE.ilog2()) as usize;

const WORDS: usize = SPAN / LEAST / 64;

/// No span.
const NONE: u32 = u32::MAX;

/// The class of a size that is not more than [`SMALL`].
fn class_of(size: usize) -> usize {
    let size = size.max(LEAST);
    if size <= FINE {
        return (size - LEAST).div_ceil(GRAIN);
    }
    let doublings = (size - 1).ilog2();
    let quarter = ((size - 1) >> (doublings - 2)) & 3;
    (FINE - LEAST) / GRAIN + 1 + 4 * (doublings - FINE.ilog2()) as usize + quarter
}

/// How long the slots of a class are.
fn slot_of(class: usize) -> usize {
    let fine = (FINE - LEAST) / GRAIN;
    if class <= fine {
        return LEAST + class * GRAIN;
    }
    let (doublings, quarter) = ((class - fine - 1) / 4, (class - fine - 1) % 4);
    (FINE << doublings) / 4 * (5 + quarter)
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Span {
    /// Its first page.
    page: u32,
    /// How long its slots are.
    slot: u32,
    /// How many it has.
    slots: u16,
    used: u16,
    /// Slots from here on have never been used, and are zero.
    fresh: u16,
    class: u8,
    /// No word before this one has a free slot.
    word: u8,
    /// Neighbours among the spans of its class that have free slots. Of one that is no span now: the next such number.
    previous: u32,
    next: u32,
    free: [u64; WORDS],
}

// SAFETY: numbers.
unsafe impl Zeroed for Span {}

/// A slot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The first page of its span.
    pub page: u32,
    /// Where it begins in the span, in bytes.
    pub offset: usize,
    /// Whether it is zero.
    pub is_zero: bool,
}

/// What a slot's return has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Returned {
    /// No slot in use begins there.
    Nothing,
    Slot,
    /// It was the last in use: its span is none any more, and these pages are nobody's. The first one is given.
    Span(u32),
}

/// See the module.
pub(super) struct Spans {
    spans: Table<Span>,
    /// Numbers that are in no use.
    spare: u32,
    /// For each class the first span that has a free slot.
    heads: [u32; CLASSES],
}

impl Spans {
    /// For so many spans at most.
    pub fn new(most: u32) -> Option<Spans> {
        Some(Spans { spans: Table::reserve(most as usize)?, spare: NONE, heads: [NONE; CLASSES] })
    }

    /// A slot for a size that is not more than [`SMALL`], if a span has one free.
    pub fn take(&mut self, size: usize) -> Option<Slot> {
        let class = class_of(size);
        let number = self.heads[class];
        let span = self.spans.get_mut(number as usize)?;
        let word = (usize::from(span.word)..WORDS).find(|word| span.free[*word] != 0)?;
        let bit = span.free[word].trailing_zeros();
        span.free[word] &= !(1 << bit);
        span.word = word as u8;
        span.used += 1;
        let index = (word * 64) as u16 + bit as u16;
        // The first free slot is taken, so those that have never been used follow each other.
        let is_zero = index >= span.fresh;
        if is_zero {
            span.fresh = index + 1;
        }
        let slot = Slot { page: span.page, offset: usize::from(index) * span.slot as usize, is_zero };
        if span.used == span.slots {
            self.unlink(number);
        }
        Some(slot)
    }

    /// Makes a span for a size, of pages that are nobody's. Gives its number; `None` without memory for its record.
    pub fn add(&mut self, size: usize, page: u32, is_zero: bool) -> Option<u32> {
        let number = self.number()?;
        let class = class_of(size);
        let slot = slot_of(class);
        let slots = SPAN / slot;
        let mut free = [0; WORDS];
        free[..slots / 64].fill(u64::MAX);
        if !slots.is_multiple_of(64) {
            free[slots / 64] = (1 << (slots % 64)) - 1;
        }
        self.spans[number as usize] = Span {
            page,
            slot: slot as u32,
            slots: slots as u16,
            used: 0,
            fresh: if is_zero { 0 } else { slots as u16 },
            class: class as u8,
            word: 0,
            previous: NONE,
            next: NONE,
            free,
        };
        self.link(number);
        Some(number)
    }

    /// Frees the slot of a span that begins so many bytes after the start of a page of it, if one does and is in use.
    pub fn free(&mut self, number: u32, page: u32, offset: usize) -> Returned {
        let Some(span) = self.spans.get_mut(number as usize) else { return Returned::Nothing };
        let Some(pages) = page.checked_sub(span.page) else { return Returned::Nothing };
        let offset = pages as usize * super::PAGE + offset;
        let index = offset / (span.slot as usize).max(1);
        if index * span.slot as usize != offset || index >= usize::from(span.slots) {
            return Returned::Nothing;
        }
        let (word, bit) = (index / 64, 1 << (index % 64));
        if span.free[word] & bit != 0 {
            return Returned::Nothing;
        }
        span.free[word] |= bit;
        span.word = span.word.min(word as u8);
        let was_full = span.used == span.slots;
        span.used -= 1;
        let (used, page) = (span.used, span.page);
        if was_full {
            self.link(number);
        }
        if used > 0 {
            return Returned::Slot;
        }
        self.unlink(number);
        let span = &mut self.spans[number as usize];
        span.slots = 0;
        span.next = std::mem::replace(&mut self.spare, number);
        Returned::Span(page)
    }

    fn number(&mut self) -> Option<u32> {
        if let Some(span) = self.spans.get(self.spare as usize) {
            return Some(std::mem::replace(&mut self.spare, span.next));
        }
        let number = self.spans.len();
        self.spans.grow(number + 1).then_some(number as u32)
    }

    fn link(&mut self, number: u32) {
        let class = usize::from(self.spans[number as usize].class);
        let head = std::mem::replace(&mut self.heads[class], number);
        let span = &mut self.spans[number as usize];
        (span.previous, span.next) = (NONE, head);
        if let Some(head) = self.spans.get_mut(head as usize) {
            head.previous = number;
        }
    }

    fn unlink(&mut self, number: u32) {
        let Span { class, previous, next, .. } = self.spans[number as usize];
        if let Some(next) = self.spans.get_mut(next as usize) {
            next.previous = previous;
        }
        match self.spans.get_mut(previous as usize) {
            Some(previous) => previous.next = next,
            None => self.heads[usize::from(class)] = next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_their_sizes_and_waste_little() {
        assert_eq!(class_of(SMALL), CLASSES - 1);
        assert_eq!(slot_of(CLASSES - 1), SMALL);
        for size in 1..=SMALL {
            let class = class_of(size);
            let slot = slot_of(class);
            assert!(slot >= size && slot.is_multiple_of(GRAIN), "{size} in {slot}");
            assert!(class == 0 || slot_of(class - 1) < size, "{size} fits a smaller class");
            assert!(size <= LEAST || slot - size < size / 4 + GRAIN, "{size} wastes {}", slot - size);
        }
    }

    #[test]
    fn slots_are_given_once_and_taken_back_once() {
        let mut spans = Spans::new(4).unwrap();
        assert_eq!(spans.take(16 * 1024), None);
        let number = spans.add(16 * 1024, 32, true).unwrap();
        let slots: Vec<Slot> = std::iter::from_fn(|| spans.take(13 * 1024)).collect();
        assert_eq!(slots.len(), 0, "another class");
        let slots: Vec<Slot> = std::iter::from_fn(|| spans.take(15 * 1024)).collect();
        assert_eq!(slots.iter().map(|slot| slot.offset).collect::<Vec<_>>(), [0, 16_384, 32_768, 49_152]);
        assert!(slots.iter().all(|slot| slot.is_zero && slot.page == 32));
        assert_eq!(spans.free(number, 32, 16), Returned::Nothing, "no slot begins there");
        assert_eq!(spans.free(number, 31, 0), Returned::Nothing, "no page of it");
        assert_eq!(spans.free(number, 40, 0), Returned::Slot);
        assert_eq!(spans.free(number, 40, 0), Returned::Nothing, "twice");
        assert_eq!(spans.take(15 * 1024), Some(Slot { page: 32, offset: 32_768, is_zero: false }));
        for page in [32, 36, 40] {
            assert_eq!(spans.free(number, page, 0), Returned::Slot);
        }
        assert_eq!(spans.free(number, 44, 0), Returned::Span(32));
        assert_eq!(spans.free(number, 44, 0), Returned::Nothing);
        assert_eq!(spans.take(15 * 1024), None);
        assert_eq!(spans.add(100, 64, false), Some(number), "numbers are used again");
        assert!(!spans.take(100).unwrap().is_zero);
    }

    #[test]
    fn a_span_is_filled_to_its_end() {
        for size in [1, 64, 96, 100, 4000, 4096, 10_000] {
            let mut spans = Spans::new(1).unwrap();
            spans.add(size, 0, true).unwrap();
            let slot = slot_of(class_of(size));
            let mut given = 0;
            while let Some(taken) = spans.take(size) {
                assert!(taken.offset + slot <= SPAN);
                given += 1;
            }
            assert_eq!(given, SPAN / slot, "{size}");
        }
    }
}
