//! Memory for buffers out of one range of address space: who asks gets a slot of a span or pages of its own, which are made
//! accessible when they are first wanted and given back to the system when more than a bound of them lie idle.
//!
//! What is accessible counts against the memory ceiling of the process (`RLIMIT_DATA`), used or not; what is given back is
//! neither resident nor counted. All records lie outside the range: guest code that has escaped into V8's sandbox may write
//! to any of its bytes. Calls of the system and the clearing of memory happen outside the lock, on pages that are
//! nobody's or the caller's.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rustix::mm::{Advice, MprotectFlags, madvise, mprotect};

use super::PAGE;
use super::runs::{Place, Runs, State};
use super::spans::{Returned, SMALL, SPAN, Slot, Spans};
use crate::engine::allocator::forget_credit;

/// So many bytes of idle pages are kept accessible at most, for the next buffers: what V8's collections free at once, which
/// begin when 64 MiB of buffers are new, while as many more come to be beside the sweeper. To be given a page anew takes the
/// system longer than to clear it.
pub(super) const IDLE_MAX: usize = 128 * 1024 * 1024;

/// Pages of a span.
const SPAN_PAGES: u32 = (SPAN / PAGE) as u32;

/// Few pages are made accessible together with those that will be wanted after them.
const FEW: u32 = (128 * 1024 / PAGE) as u32;
const GROWTH: u32 = (1024 * 1024 / PAGE) as u32;

/// Pages go back so many together, and runs of less are kept until memory is short: each one makes the process's mappings
/// two more, whose number is limited.
const BACK: u32 = (1024 * 1024 / PAGE) as u32;
const BACK_LEAST: u32 = (64 * 1024 / PAGE) as u32;

/// From so many bytes on the system clears memory, by taking the pages and giving others: it clears those that are touched,
/// each at more cost.
const CLEARED_BY_SYSTEM: usize = 4 * 1024 * 1024;

struct Heap {
    runs: Runs,
    spans: Spans,
}

/// See the module.
pub(super) struct Arena {
    base: *mut u8,
    pages: u32,
    /// How many bytes of idle pages are kept.
    keep: AtomicUsize,
    heap: Mutex<Heap>,
}

// SAFETY: the pointer is where a mapping begins that belongs to the arena; who may use which part of it the lock tells.
unsafe impl Send for Arena {}
// SAFETY: likewise.
unsafe impl Sync for Arena {}

impl Arena {
    /// Of the memory that begins at `base`, a range of so many bytes that is mapped, private, anonymous and without
    /// access.
    ///
    /// # Safety
    /// The range is aligned to pages and stays mapped for ever, and nobody else uses it.
    pub unsafe fn new(base: *mut u8, bytes: usize) -> Option<Arena> {
        let pages = u32::try_from(bytes / PAGE).ok().filter(|pages| *pages < u32::MAX)?;
        let heap = Heap { runs: Runs::new(pages)?, spans: Spans::new(pages / SPAN_PAGES + 1)? };
        Some(Arena { base, pages, keep: AtomicUsize::new(IDLE_MAX), heap: Mutex::new(heap) })
    }

    /// Says how many bytes of idle pages may be kept.
    pub fn set_idle(&self, bytes: usize) {
        self.keep.store(bytes, Ordering::Relaxed);
        self.trim(bytes);
    }

    /// Memory for a buffer, zero if that is asked for; `None` where there is none.
    pub fn allocate(&self, bytes: usize, cleared: bool) -> Option<*mut u8> {
        let (start, is_zero) = match bytes {
            ..=SMALL => {
                let Slot { page, offset, is_zero } = self.slot(bytes)?;
                (self.address(page).wrapping_add(offset), is_zero)
            }
            _ => {
                let pages = u32::try_from(bytes.div_ceil(PAGE)).ok().filter(|pages| *pages <= self.pages)?;
                let (page, is_zero) = self.with_pages(pages, |heap, page, is_zero| {
                    heap.runs.use_run(page, pages);
                    (page, is_zero)
                })?;
                (self.address(page), is_zero)
            }
        };
        if cleared && !is_zero {
            // SAFETY: so many bytes from there are accessible and the caller's alone from now on.
            unsafe { clear(start, bytes) };
        }
        Some(start)
    }

    /// Takes memory back. A pointer that no buffer begins at is left alone.
    pub fn free(&self, start: *mut u8) {
        let Some(at) = start.addr().checked_sub(self.base.addr()) else { return };
        let (Ok(page), offset) = (u32::try_from(at / PAGE), at % PAGE) else { return };
        let mut heap = self.heap.lock();
        let (first, pages) = match heap.runs.at(page) {
            Place::Run(pages) if offset == 0 => (page, pages),
            Place::Span(number) => match heap.spans.free(number, page, offset) {
                Returned::Span(first) => (first, SPAN_PAGES),
                Returned::Slot | Returned::Nothing => return,
            },
            Place::Run(_) | Place::Nothing => return,
        };
        heap.runs.release(first, pages);
        heap.runs.give(State::Dirty, first, pages);
        drop(heap);
        self.trim(self.keep.load(Ordering::Relaxed));
    }

    /// Whether a buffer begins there, or a slot's span is there.
    #[cfg(test)]
    pub fn holds(&self, start: *mut u8) -> bool {
        let at = start.addr().wrapping_sub(self.base.addr()) / PAGE;
        u32::try_from(at).is_ok_and(|page| self.heap.lock().runs.at(page) != Place::Nothing)
    }

    /// Gives all idle pages back. Whether there were any.
    pub fn give_back(&self) -> bool {
        let mut any = false;
        for state in [State::Dirty, State::Clean] {
            while self.give_back_longest(state, 1, u32::MAX) {
                any = true;
            }
        }
        any
    }

    /// Bytes that are accessible and not in use.
    pub fn idle(&self) -> usize {
        let heap = self.heap.lock();
        (heap.runs.free(State::Dirty) as usize + heap.runs.free(State::Clean) as usize) * PAGE
    }

    /// Gives idle pages back that are more than so many bytes. Few that lie between buffers stay.
    pub fn trim(&self, keep: usize) {
        loop {
            let idle = self.idle();
            let excess = idle.saturating_sub(keep).div_ceil(PAGE);
            let Ok(excess @ 1..) = u32::try_from(excess) else { return };
            let states = [State::Dirty, State::Clean];
            if !states.iter().any(|state| self.give_back_longest(*state, BACK_LEAST, excess.max(BACK))) {
                return;
            }
        }
    }

    /// Gives so many pages back, or those of the longest idle run if it has less, if it has at least `least`. Whether it did.
    fn give_back_longest(&self, state: State, least: u32, wish: u32) -> bool {
        let Some((page, pages)) = self.heap.lock().runs.take_longest(state, least, wish) else {
            return false;
        };
        let closed = self.close(page, pages);
        self.heap.lock().runs.give(if closed { State::Bare } else { State::Dirty }, page, pages);
        closed
    }

    /// A slot of a span, of a new one if need be.
    fn slot(&self, bytes: usize) -> Option<Slot> {
        if let Some(slot) = self.heap.lock().spans.take(bytes) {
            return Some(slot);
        }
        self.with_pages(SPAN_PAGES, |heap, page, is_zero| match heap.spans.add(bytes, page, is_zero) {
            Some(number) => {
                heap.runs.use_span(page, SPAN_PAGES, number);
                heap.spans.take(bytes)
            }
            None => {
                heap.runs.give(State::Dirty, page, SPAN_PAGES);
                None
            }
        })?
    }

    /// Finds accessible pages, and says whether they are zero. They are nobody's until `then` makes them someone's.
    fn with_pages<R>(&self, pages: u32, then: impl Fn(&mut Heap, u32, bool) -> R) -> Option<R> {
        loop {
            let mut heap = self.heap.lock();
            for state in [State::Dirty, State::Clean] {
                if let Some((page, _)) = heap.runs.take(state, pages, pages) {
                    return Some(then(&mut heap, page, state == State::Clean));
                }
            }
            let wish = if pages <= FEW { GROWTH } else { pages };
            let found = heap.runs.take(State::Bare, pages, wish).or_else(|| heap.runs.extend(pages, wish));
            drop(heap);
            if let Some((page, length)) = found {
                let opened = [length, pages].into_iter().find(|part| self.open(page, *part));
                let mut heap = self.heap.lock();
                let (rest, is_open) = (opened.map_or(0, |_| pages), opened == Some(length));
                if rest < length {
                    heap.runs.give(
                        if is_open { State::Clean } else { State::Bare },
                        page + rest,
                        length - rest,
                    );
                }
                if opened.is_some() {
                    return Some(then(&mut heap, page, true));
                }
            }
            // What lies idle may be what is wanting.
            if !self.give_back() {
                return None;
            }
        }
    }

    fn address(&self, page: u32) -> *mut u8 {
        self.base.wrapping_add(page as usize * PAGE)
    }

    /// Makes pages accessible that are nobody's. Whether there was memory for them.
    fn open(&self, page: u32, pages: u32) -> bool {
        forget_credit();
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: a part of the arena, which is mapped; nobody uses it.
        unsafe { mprotect(self.address(page).cast(), pages as usize * PAGE, access) }.is_ok()
    }

    /// Gives the memory of pages back that are nobody's: they are zero when they are opened next. If it cannot be done they
    /// are accessible as before.
    fn close(&self, page: u32, pages: u32) -> bool {
        let (start, length) = (self.address(page).cast(), pages as usize * PAGE);
        // SAFETY: a part of the arena; nobody uses it or expects anything of its content.
        unsafe {
            madvise(start, length, Advice::LinuxDontNeed).is_ok()
                && mprotect(start, length, MprotectFlags::empty()).is_ok()
        }
    }
}

/// Makes memory zero.
///
/// # Safety
/// It is accessible, anonymous and private, and nobody else uses it.
unsafe fn clear(start: *mut u8, bytes: usize) {
    let whole = bytes - bytes % PAGE;
    // SAFETY: as the caller says. Only what is larger than a slot gets here, so that `start` is aligned to pages.
    if bytes >= CLEARED_BY_SYSTEM && unsafe { madvise(start.cast(), whole, Advice::LinuxDontNeed) }.is_ok() {
        // SAFETY: what is left after that.
        return unsafe { start.add(whole).write_bytes(0, bytes - whole) };
    }
    // SAFETY: as the caller says.
    unsafe { start.write_bytes(0, bytes) }
}

#[cfg(test)]
#[path = "arena_tests.rs"]
mod tests;
