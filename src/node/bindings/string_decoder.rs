//! `string_decoder`: text out of pieces of bytes that may end within a character.
//!
//! The state is a buffer of the guest's: what it says of itself is believed as far as it makes sense.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};
use crate::bytes::Memory;
use crate::coded_error::{Kind, throw};
use crate::encoding::Encoding;

pub(super) static BINDING: Binding = Binding {
    name: "string_decoder",
    functions: functions! { "decode" => decode, "flush" => flush, },
    make: None,
};

/// Most bytes of a character that is not whole yet.
const HELD_MAX: usize = 4;

/// How the state lies in its buffer: the held bytes, then these three.
const MISSING: usize = 4;
const HELD: usize = 5;
const ENCODING: usize = 6;
const SIZE: usize = 7;

/// A decoder between two pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    held: Vec<u8>,
    /// How many bytes the held character lacks.
    missing: usize,
}

impl State {
    /// Takes a piece: what the held bytes have become, if they are a character now, and how much of the piece that leaves
    /// to decode after it; the rest is held.
    fn take<'a>(&mut self, encoding: Encoding, mut data: &'a [u8]) -> (Option<Vec<u8>>, &'a [u8]) {
        let mut before = None;
        if self.missing > 0 {
            if encoding == Encoding::Utf8 {
                let continues =
                    data.iter().take(self.missing).take_while(|byte| **byte & 0xc0 == 0x80).count();
                if continues < self.missing.min(data.len()) {
                    // Another character begins where this one should go on.
                    self.missing = 0;
                    self.hold(&mut data, continues);
                }
            }
            let count = self.missing.min(data.len());
            self.hold(&mut data, count);
            self.missing -= count;
            if self.missing == 0 {
                before = Some(std::mem::take(&mut self.held));
            }
        }
        if data.is_empty() || self.missing > 0 {
            return (before, &[]);
        }
        let (held, missing) = match encoding {
            Encoding::Utf8 => unfinished_utf8(data),
            Encoding::Utf16 if data.len() % 2 == 1 => (1, 1),
            Encoding::Utf16 if data.last().is_some_and(|byte| byte & 0xfc == 0xd8) => (2, 2),
            Encoding::Base64 | Encoding::Base64Url => match data.len() % 3 {
                0 => (0, 0),
                held => (held, 3 - held),
            },
            _ => (0, 0),
        };
        let (body, end) = data.split_at(data.len().saturating_sub(held));
        self.held = end.to_vec();
        self.missing = missing;
        (before, body)
    }

    fn hold(&mut self, data: &mut &[u8], count: usize) {
        let count = count.min(HELD_MAX.saturating_sub(self.held.len()));
        let (first, rest) = data.split_at(count.min(data.len()));
        self.held.extend_from_slice(first);
        *data = rest;
    }

    /// What is left when no more comes.
    fn end(&mut self, encoding: Encoding) -> Vec<u8> {
        self.missing = 0;
        let mut held = std::mem::take(&mut self.held);
        if encoding == Encoding::Utf16 {
            held.truncate(held.len() & !1);
        }
        held
    }

    fn read(memory: &Memory) -> Option<(State, Encoding)> {
        let bytes = memory.bytes();
        let (held, state) = bytes.get(..SIZE)?.split_at_checked(HELD_MAX)?;
        let number = |index: usize| state.get(index - HELD_MAX).map(|byte| usize::from(*byte));
        let count = number(HELD)?.min(HELD_MAX);
        let missing = number(MISSING)?.min(HELD_MAX - count);
        let encoding = Encoding::from_number(u32::try_from(number(ENCODING)?).ok()?)?;
        Some((State { held: held.get(..count)?.to_vec(), missing }, encoding))
    }

    fn write(&self, memory: &Memory) {
        memory.write(0, &self.held);
        memory.write(MISSING, &[self.missing as u8, self.held.len() as u8]);
    }
}

/// How many bytes at the end begin a character that is not whole, and how many that lacks.
fn unfinished_utf8(data: &[u8]) -> (usize, usize) {
    for (index, byte) in data.iter().rev().enumerate().take(HELD_MAX) {
        let count = index + 1;
        let length = match byte {
            0x80..0xc0 => continue,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf8 => 4,
            _ => 0,
        };
        return if count < length { (count, length - count) } else { (0, 0) };
    }
    (0, 0)
}

fn state(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<(Memory, State, Encoding)> {
    let read = Memory::of(value).and_then(|memory| {
        let (state, encoding) = State::read(&memory)?;
        Some((memory, state, encoding))
    });
    if read.is_none() {
        throw(scope, Kind::Type, "argument must be a decoder's state", "ERR_INVALID_ARG_TYPE");
    }
    read
}

/// (state, bytes) -> text
fn decode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((memory, mut state, encoding)) = state(scope, args.get(0)) else { return };
    if !args.get(1).is_array_buffer_view() {
        let message = "The \"buf\" argument must be an instance of Buffer, TypedArray, or DataView.";
        return throw(scope, Kind::Type, message, "ERR_INVALID_ARG_TYPE");
    }
    let Some(data) = Memory::expect(scope, args.get(1)) else { return };
    let data = data.bytes();
    let (before, body) = match encoding {
        Encoding::Ascii | Encoding::Latin1 | Encoding::Hex => (None, &*data),
        _ => state.take(encoding, &data),
    };
    let Some(body) = encoding.decode(scope, body) else { return };
    let text = match before {
        Some(before) => {
            let Some(before) = encoding.decode(scope, &before) else { return };
            match v8::String::concat(scope, before, body) {
                Some(text) => text,
                None => return crate::bytes::throw_too_long(scope),
            }
        }
        None => body,
    };
    state.write(&memory);
    result.set(text.into());
}

/// (state) -> text
fn flush(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((memory, mut state, encoding)) = state(scope, args.get(0)) else { return };
    let end = state.end(encoding);
    state.write(&memory);
    if let Some(text) = encoding.decode(scope, &end) {
        result.set(text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, State};

    fn pieces(encoding: Encoding, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut state = State::default();
        let mut all: Vec<Vec<u8>> = pieces
            .iter()
            .map(|piece| {
                let (before, body) = state.take(encoding, piece);
                [before.unwrap_or_default(), body.to_vec()].concat()
            })
            .collect();
        all.push(state.end(encoding));
        all
    }

    #[test]
    fn characters_are_whole() {
        let euro = [0xe2, 0x82, 0xac];
        let parts = pieces(Encoding::Utf8, &[&[b'a', 0xe2], &[0x82], &[0xac, b'b']]);
        assert_eq!(parts, [b"a".to_vec(), vec![], [&euro[..], b"b"].concat(), vec![]]);
        let parts = pieces(Encoding::Utf16, &[&[0x3d, 0xd8], &[0x4d], &[0xdc]]);
        assert_eq!(parts, [vec![], vec![], vec![0x3d, 0xd8, 0x4d, 0xdc], vec![]]);
        // Half a pair that was put together of two pieces is not waited with.
        let parts = pieces(Encoding::Utf16, &[&[0x3d], &[0xd8]]);
        assert_eq!(parts, [vec![], vec![0x3d, 0xd8], vec![]]);
        assert_eq!(pieces(Encoding::Base64, &[b"ab", b"cd"]), [&b""[..], b"abc", b"d"]);
    }

    #[test]
    fn what_does_not_go_on_is_let_go() {
        let parts = pieces(Encoding::Utf8, &[&[0xe2, 0x82], b"ab"]);
        assert_eq!(parts, [vec![], vec![0xe2, 0x82, b'a', b'b'], vec![]]);
    }
}
