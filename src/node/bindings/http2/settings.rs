//! Settings: in the memory that JavaScript shares, as nghttp2 has them, and those that HTTP/2 itself does not know.

use std::cell::RefCell;

use super::engine::{self, Engine, Setting};
use super::state::State;
use crate::environment::{peek, poke};

/// Settings in the order of `settingsBuffer`.
const ORDER: [u32; 7] = [
    engine::HEADER_TABLE_SIZE,
    engine::ENABLE_PUSH,
    engine::INITIAL_WINDOW_SIZE,
    engine::MAX_FRAME_SIZE,
    engine::MAX_CONCURRENT_STREAMS,
    engine::MAX_HEADER_LIST_SIZE,
    engine::ENABLE_CONNECT_PROTOCOL,
];

/// What they are while nobody has said anything, in the same order.
const DEFAULTS: [u32; 7] = [4096, 1, 65535, 16384, u32::MAX, 65535, 0];

/// Where the bits are that say which of them are set, where the number of others, and where those begin.
const FLAGS: usize = ORDER.len();
const OTHERS: usize = FLAGS + 1;
const FIRST_OTHER: usize = OTHERS + 1;

/// Most others.
const OTHERS_MAX: usize = 10;

fn read(state: &State, index: usize) -> u32 {
    u32::from_ne_bytes(peek(&state.settings, index))
}

fn write(state: &State, index: usize, value: u32) {
    poke(&state.settings, index, value.to_ne_bytes());
}

fn others(state: &State) -> impl Iterator<Item = (u32, u32)> {
    let count = usize::try_from(read(state, OTHERS)).map_or(0, |count| count.min(OTHERS_MAX));
    (0..count).map(|index| {
        let at = FIRST_OTHER + 2 * index;
        (read(state, at), read(state, at + 1))
    })
}

/// What JavaScript has written there, in the order of their numbers.
pub(super) fn requested(state: &State) -> Vec<Setting> {
    let flags = read(state, FLAGS);
    let mut settings: Vec<_> = ORDER
        .iter()
        .enumerate()
        .filter(|(index, _)| flags & 1 << index != 0)
        .filter_map(|(index, number)| Some((i32::try_from(*number).ok()?, read(state, index))))
        .collect();
    settings.sort_by_key(|(number, _)| *number);
    settings.extend(others(state).filter_map(|(number, value)| Some((i32::try_from(number).ok()?, value))));
    settings
}

/// Shows JavaScript what everything is by default.
pub(super) fn show_defaults(state: &State) {
    for (index, value) in DEFAULTS.iter().enumerate() {
        write(state, index, *value);
    }
    write(state, FLAGS, (1 << DEFAULTS.len()) - 1);
    write(state, OTHERS, 0);
}

/// Shows JavaScript what is in force.
pub(super) fn show(state: &State, engine: &Engine, others: &Others, is_local: bool) {
    for (index, number) in ORDER.iter().enumerate() {
        write(state, index, engine.setting(*number, is_local));
    }
    let mut count = 0;
    for other in others.0.borrow().iter().take(OTHERS_MAX) {
        if let Some(value) = other.value {
            write(state, FIRST_OTHER + 2 * count, u32::try_from(other.number).unwrap_or(0));
            write(state, FIRST_OTHER + 2 * count + 1, value);
            count += 1;
        }
    }
    write(state, OTHERS, u32::try_from(count).unwrap_or(0));
}

/// Settings that HTTP/2 does not know, of one side.
#[derive(Default)]
pub(super) struct Others(RefCell<Vec<Other>>);

struct Other {
    number: i32,
    /// None before there is any.
    value: Option<u32>,
}

impl Others {
    /// Those that are looked for in the peer's settings: JavaScript has written their numbers.
    pub fn expected(state: &State) -> Others {
        let expected =
            others(state).map(|(number, _)| Other { number: (number & 0xffff) as i32, value: None });
        Others(RefCell::new(expected.collect()))
    }

    fn is_other(number: i32) -> bool {
        usize::try_from(number).is_ok_and(|number| number >= ORDER.len())
    }

    /// Takes what this side sends.
    pub fn send(&self, settings: &[Setting]) {
        let mut others = self.0.borrow_mut();
        for (number, value) in settings.iter().filter(|(number, _)| Others::is_other(*number)) {
            if let Some(other) = others.iter_mut().find(|other| other.number == *number) {
                other.value = Some(*value);
            } else if others.len() < OTHERS_MAX {
                others.push(Other { number: *number, value: Some(*value) });
            }
        }
    }

    /// Takes what the peer has sent, as far as it is looked for.
    pub fn receive(&self, settings: &[Setting]) {
        let mut others = self.0.borrow_mut();
        for (number, value) in settings.iter().filter(|(number, _)| Others::is_other(*number)) {
            if let Some(other) = others.iter_mut().find(|other| other.number == *number) {
                other.value = Some(*value);
            }
        }
    }
}
