//! Memory for programs that allocate small things all the time, as interpreters do. wasi-libc's allocator looks for a fit
//! and joins what is free again with what lies beside it; here each size has a list of free pieces. What is larger is
//! wasi-libc's. Small pieces are used again, but never given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Sizes are multiples of this.
const STEP: usize = 16;
/// The largest size that has a list.
const MAX: usize = 512;
/// Bytes that are taken from wasi-libc at once.
const BLOCK: usize = 16 * 1024;

/// A piece that is free, in which the next one of its size is named.
struct Free {
    next: *mut Free,
}

/// For `#[global_allocator]` of a program with one thread.
pub struct Pieces {
    free: [Cell<*mut Free>; MAX / STEP],
    /// What of the last block was never used.
    block: Cell<*mut u8>,
    left: Cell<usize>,
}

// SAFETY: whoever makes it the allocator of a program says that this has one thread.
unsafe impl Sync for Pieces {}

impl Pieces {
    /// # Safety
    /// The program must have one thread.
    pub const unsafe fn new() -> Self {
        Pieces {
            free: [const { Cell::new(ptr::null_mut()) }; MAX / STEP],
            block: Cell::new(ptr::null_mut()),
            left: Cell::new(0),
        }
    }

    /// Which list pieces like this are in.
    fn class(layout: Layout) -> Option<usize> {
        (layout.size() <= MAX && layout.align() <= STEP).then(|| layout.size().saturating_sub(1) / STEP)
    }

    /// A piece that is used for the first time.
    #[cold]
    fn carve(&self, class: usize) -> *mut u8 {
        let size = (class + 1) * STEP;
        if self.left.get() < size {
            // SAFETY: neither is zero, and the second is a power of two.
            let block = unsafe { System.alloc(Layout::from_size_align_unchecked(BLOCK, STEP)) };
            if block.is_null() {
                return block;
            }
            self.block.set(block);
            self.left.set(BLOCK);
        }
        let piece = self.block.get();
        // SAFETY: so much is left of the block.
        self.block.set(unsafe { piece.add(size) });
        self.left.set(self.left.get() - size);
        piece
    }
}

// SAFETY: a piece is at least as large as it is asked for, at a multiple of `STEP`, and in no list while it is in use.
unsafe impl GlobalAlloc for Pieces {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = Self::class(layout) else {
            // SAFETY: as the caller says.
            return unsafe { System.alloc(layout) };
        };
        let piece = self.free[class].get();
        if piece.is_null() {
            return self.carve(class);
        }
        // SAFETY: it was free, and holds the next one.
        self.free[class].set(unsafe { (*piece).next });
        piece.cast()
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let Some(class) = Self::class(layout) else {
            // SAFETY: as the caller says.
            return unsafe { System.dealloc(piece, layout) };
        };
        let free = piece.cast::<Free>();
        // SAFETY: a piece has room for a pointer, and is nobody's any more.
        unsafe { (*free).next = self.free[class].get() };
        self.free[class].set(free);
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Self::class(layout).is_none() {
            // SAFETY: as the caller says.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as the caller says; there is so much.
        unsafe {
            let piece = self.alloc(layout);
            if !piece.is_null() {
                piece.write_bytes(0, layout.size());
            }
            piece
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller says that it is valid.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (Self::class(layout), Self::class(wanted)) {
            // SAFETY: as the caller says.
            (None, None) => unsafe { System.realloc(piece, layout, size) },
            (before, after) if before == after => piece,
            // SAFETY: both are as large as what is copied.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(piece, moved, layout.size().min(size));
                    self.dealloc(piece, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_overlap_and_are_used_again() {
        // SAFETY: nobody else sees it.
        let pieces = unsafe { Pieces::new() };
        let layout = |size: usize| Layout::from_size_align(size, 8).unwrap();
        let mut held = vec![];
        for round in 0..3000usize {
            let size = 1 + round * 7 % 700;
            // SAFETY: each is written within what was asked for, and freed as it was made.
            unsafe {
                let piece = pieces.alloc(layout(size));
                piece.write_bytes(size as u8, size);
                held.push((piece, size));
                if round % 3 == 0 {
                    let (piece, size) = held.swap_remove(round % held.len());
                    assert!(std::slice::from_raw_parts(piece, size).iter().all(|byte| *byte == size as u8));
                    let larger = pieces.realloc(piece, layout(size), size + 100);
                    assert!(std::slice::from_raw_parts(larger, size).iter().all(|byte| *byte == size as u8));
                    pieces.dealloc(larger, layout(size + 100));
                }
            }
        }
        for (piece, size) in held {
            // SAFETY: as above.
            unsafe {
                assert!(std::slice::from_raw_parts(piece, size).iter().all(|byte| *byte == size as u8));
                pieces.dealloc(piece, layout(size));
            }
        }
        // SAFETY: as above.
        unsafe {
            let first = pieces.alloc(layout(32));
            pieces.dealloc(first, layout(32));
            assert_eq!(pieces.alloc(layout(17)), first);
        }
    }
}
