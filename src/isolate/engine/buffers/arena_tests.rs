//! The arena by itself, over memory of the tests' own.

use std::sync::Arc;

use proptest::prelude::*;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::*;

const MIB: usize = 1024 * 1024;

fn arena(bytes: usize) -> Arena {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping, which is never unmapped.
    unsafe {
        let start = mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::empty(), flags).unwrap();
        Arena::new(start.cast(), bytes).unwrap()
    }
}

/// A buffer's bytes.
///
/// # Safety
/// It was allocated with this length and not freed, and these bytes are borrowed once at a time.
unsafe fn bytes<'a>(start: *mut u8, length: usize) -> &'a mut [u8] {
    // SAFETY: as the caller says.
    unsafe { std::slice::from_raw_parts_mut(start, length) }
}

#[test]
fn what_is_used_again_is_zero_if_that_is_asked_for() {
    let arena = arena(64 * MIB);
    for length in [1, 100, 4096, 16_384, 16_385, 65_536, 100_001, MIB + 5] {
        for _ in 0..4 {
            let start = arena.allocate(length, true).unwrap();
            assert!(start.addr().is_multiple_of(32));
            // SAFETY: just allocated.
            let buffer = unsafe { bytes(start, length) };
            assert!(buffer.iter().all(|byte| *byte == 0), "{length}");
            buffer.fill(7);
            arena.free(start);
        }
    }
}

#[test]
fn what_is_free_is_used_again_and_the_rest_of_it_goes_back() {
    let arena = arena(512 * MIB);
    let all: Vec<_> = (0..4000).map(|_| arena.allocate(65_536, true).unwrap()).collect();
    let top = *all.iter().max().unwrap();
    for start in all {
        // SAFETY: allocated, and not yet freed.
        unsafe { bytes(start, 65_536) }.fill(1);
        arena.free(start);
    }
    let left = arena.idle();
    assert!((IDLE_MAX - MIB..=IDLE_MAX).contains(&left), "{left}");
    assert!(arena.allocate(65_536, true).unwrap() <= top);
    arena.set_idle(MIB);
    assert!(arena.idle() <= MIB);
    assert!(arena.give_back() && arena.idle() == 0);
    assert!(!arena.give_back());
}

#[test]
fn what_no_buffer_begins_at_is_not_freed() {
    let arena = arena(64 * MIB);
    let (small, large) = (arena.allocate(100, true).unwrap(), arena.allocate(MIB, true).unwrap());
    let nobody = [
        std::ptr::null_mut(),
        std::ptr::without_provenance_mut(usize::MAX),
        arena.base.wrapping_sub(1),
        arena.base.wrapping_add(63 * MIB),
        arena.base.wrapping_add(64 * MIB),
        small.wrapping_add(1),
        small.wrapping_add(128),
        large.wrapping_add(1),
        large.wrapping_add(PAGE),
    ];
    let before = arena.idle();
    nobody.into_iter().for_each(|start| arena.free(start));
    assert_eq!(arena.idle(), before);
    for start in [small, large] {
        arena.free(start);
        let after = arena.idle();
        arena.free(start);
        assert_eq!(arena.idle(), after, "twice");
    }
    let again = [arena.allocate(MIB, true).unwrap(), arena.allocate(MIB, true).unwrap()];
    assert_ne!(again[0], again[1]);
}

#[test]
fn there_is_nothing_where_there_is_no_room() {
    let arena = arena(4 * MIB);
    assert_eq!(arena.allocate(4 * MIB + 1, true), None);
    assert_eq!(arena.allocate(usize::MAX, true), None);
    let all: Vec<_> = std::iter::from_fn(|| arena.allocate(65_536, true)).collect();
    assert_eq!(all.len(), 64);
    assert_eq!(arena.allocate(1, true), None);
    arena.free(all[3]);
    let small: Vec<_> = std::iter::from_fn(|| arena.allocate(16_000, true)).collect();
    assert_eq!(small.len(), 4);
    all.into_iter().chain(small).for_each(|start| arena.free(start));
    // Runs that were kept apart by what was left in them are one when that went back.
    assert!(arena.allocate(4 * MIB, true).is_some());
}

#[test]
fn threads_do_not_get_each_others_memory() {
    let arena = Arc::new(arena(512 * MIB));
    let (sender, receiver) = std::sync::mpsc::channel::<(usize, usize)>();
    // One frees what the others have allocated, as V8's sweeper does.
    let sweeper = std::thread::spawn({
        let arena = arena.clone();
        move || {
            receiver.iter().for_each(|(start, _)| arena.free(std::ptr::with_exposed_provenance_mut(start)))
        }
    });
    let makers: Vec<_> = (1..=3_u8)
        .map(|mark| {
            let (arena, sender) = (arena.clone(), sender.clone());
            std::thread::spawn(move || {
                for turn in 0..3000_usize {
                    let length = 1 + turn * 7919 % 200_000;
                    let start = arena.allocate(length, true).unwrap();
                    // SAFETY: just allocated.
                    let buffer = unsafe { bytes(start, length) };
                    assert!(buffer.iter().all(|byte| *byte == 0));
                    buffer.fill(mark);
                    std::thread::yield_now();
                    assert!(buffer.iter().all(|byte| *byte == mark));
                    sender.send((start.expose_provenance(), length)).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    makers.into_iter().for_each(|maker| maker.join().unwrap());
    sweeper.join().unwrap();
    arena.give_back();
    assert_eq!(arena.idle(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(usize, bool),
    Free(prop::sample::Index),
    GiveBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![1..2000_usize, 1..100_000_usize, 1..2 * MIB];
    let step = prop_oneof![
        6 => (length, any::<bool>()).prop_map(|(length, cleared)| Step::Allocate(length, cleared)),
        5 => any::<prop::sample::Index>().prop_map(Step::Free),
        1 => Just(Step::GiveBack),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn buffers_keep_what_was_written_to_them(steps in steps()) {
        let arena = arena(128 * MIB);
        arena.set_idle(MIB);
        let mut live: Vec<(*mut u8, usize, u8)> = Vec::new();
        for (index, step) in steps.into_iter().enumerate() {
            match step {
                Step::Allocate(length, cleared) => {
                    let Some(start) = arena.allocate(length, cleared) else { continue };
                    // SAFETY: just allocated.
                    let buffer = unsafe { bytes(start, length) };
                    prop_assert!(!cleared || buffer.iter().all(|byte| *byte == 0));
                    let mark = index as u8 | 1;
                    buffer.fill(mark);
                    live.push((start, length, mark));
                }
                Step::Free(which) if !live.is_empty() => {
                    let (start, length, mark) = live.swap_remove(which.index(live.len()));
                    // SAFETY: allocated, and not yet freed.
                    let buffer = unsafe { bytes(start, length) };
                    prop_assert!(buffer.iter().all(|byte| *byte == mark));
                    arena.free(start);
                }
                Step::Free(_) => {}
                Step::GiveBack => { arena.give_back(); }
            }
        }
        for (start, length, mark) in live {
            // SAFETY: allocated, and not yet freed.
            let buffer = unsafe { bytes(start, length) };
            prop_assert!(buffer.iter().all(|byte| *byte == mark));
            arena.free(start);
        }
        prop_assert!(arena.idle() <= 2 * MIB);
        arena.give_back();
        prop_assert!(arena.allocate(127 * MIB, true).is_some(), "all of it is one again");
    }
}
