//! Finding bytes among others, from either end.

use isolate::library::Scope;

use super::{index, text};
use crate::binding::{Args, Return};
use crate::bytes::Lent;
use crate::encoding::Encoding;

/// Where to search.
#[derive(Clone, Copy)]
struct Place {
    /// As the program gave it: counted from the end if it is negative.
    offset: i64,
    forward: bool,
    /// Bytes from here on are not searched.
    end: usize,
}

/// The arguments after the first two: (offset, encoding, forward, end), or without the encoding.
fn place(scope: &mut Scope<'_, '_>, args: &Args<'_>, has_encoding: bool) -> Option<(Place, Encoding)> {
    let offset = args.get(2).integer_value(scope)?;
    let encoding = match has_encoding {
        true => Encoding::of(scope, args.get(3), Encoding::Utf8),
        false => Encoding::Utf8,
    };
    let next = 3 + i32::from(has_encoding);
    let forward = args.get(next).is_true();
    let end = index(scope, args.get(next + 1), usize::MAX)?;
    Some((Place { offset, forward, end }, encoding))
}

/// (buffer, text, offset, encoding, forward, end) -> where, or -1
pub(super) fn index_of_string(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(text) = text(scope, args.get(1)) else { return };
    let Some((place, encoding)) = place(scope, &args, true) else { return };
    let Some(needle) = encoding.encode(scope, text) else { return };
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    result.set_double(find(&memory.bytes(), &needle, place, encoding == Encoding::Utf16));
}

/// (buffer, bytes, offset, encoding, forward, end) -> where, or -1
pub(super) fn index_of_buffer(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((place, encoding)) = place(scope, &args, true) else { return };
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    let Some(needle) = Lent::expect(scope, args.get(1)) else { return };
    result.set_double(find(&memory.bytes(), &needle.bytes(), place, encoding == Encoding::Utf16));
}

/// (buffer, byte, offset, forward, end) -> where, or -1
pub(super) fn index_of_number(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(number) = args.get(1).uint32_value(scope) else { return };
    let Some((place, _)) = place(scope, &args, false) else { return };
    let Some(memory) = Lent::expect(scope, args.get(0)) else { return };
    result.set_double(find(&memory.bytes(), &[number as u8], place, false));
}

/// Where to begin; none where nothing can be found.
fn begin(length: usize, place: Place, needle: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let needle = i64::try_from(needle).ok()?;
    let begin = if place.offset < 0 {
        match length.checked_add(place.offset) {
            Some(begin) if begin >= 0 => begin,
            _ if place.forward || needle == 0 => 0,
            _ => return None,
        }
    } else if place.offset.checked_add(needle).is_some_and(|end| end <= length) {
        place.offset
    } else if needle == 0 {
        length
    } else if place.forward {
        return None;
    } else {
        length - 1
    };
    usize::try_from(begin).ok()
}

/// Where the needle is, or -1. `wide`: both are units of two bytes.
fn find(bytes: &[u8], needle: &[u8], place: Place, wide: bool) -> f64 {
    let bytes = bytes.get(..place.end).unwrap_or(bytes);
    let bytes = if wide { bytes.get(..bytes.len() & !1).unwrap_or(bytes) } else { bytes };
    let Some(begin) = begin(bytes.len(), place, needle.len()) else { return -1.0 };
    if needle.is_empty() {
        return begin as f64;
    }
    let found = if wide {
        find_wide(bytes, needle, begin, place.forward)
    } else {
        find_bytes(bytes, needle, begin, place.forward)
    };
    found.map_or(-1.0, |at| at as f64)
}

fn find_bytes(bytes: &[u8], needle: &[u8], begin: usize, forward: bool) -> Option<usize> {
    if forward {
        return Some(begin + memchr::memmem::find(bytes.get(begin..)?, needle)?);
    }
    // The last that begins at or before there.
    let end = begin.saturating_add(needle.len()).min(bytes.len());
    memchr::memmem::rfind(bytes.get(..end)?, needle)
}

fn find_wide(bytes: &[u8], needle: &[u8], begin: usize, forward: bool) -> Option<usize> {
    let needle = needle.get(..needle.len() & !1).filter(|needle| !needle.is_empty())?;
    let begin = begin & !1;
    if forward {
        let finder = memchr::memmem::Finder::new(needle);
        let mut begin = begin;
        loop {
            let at = begin + finder.find(bytes.get(begin..)?)?;
            if at.is_multiple_of(2) {
                return Some(at);
            }
            begin = at + 1;
        }
    }
    let mut end = begin.saturating_add(needle.len()).min(bytes.len());
    loop {
        let at = memchr::memmem::rfind(bytes.get(..end)?, needle)?;
        if at.is_multiple_of(2) {
            return Some(at);
        }
        end = (at + needle.len()).checked_sub(1)?;
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, find};

    fn at(bytes: &[u8], needle: &[u8], offset: i64, forward: bool) -> f64 {
        find(bytes, needle, Place { offset, forward, end: usize::MAX }, false)
    }

    #[test]
    fn offsets_are_those_of_both_directions() {
        assert_eq!(at(b"abcabc", b"b", 0, true), 1.0);
        assert_eq!(at(b"abcabc", b"b", 2, true), 4.0);
        assert_eq!(at(b"abcabc", b"b", -100, true), 1.0);
        assert_eq!(at(b"abcabc", b"b", -100, false), -1.0);
        assert_eq!(at(b"abcabc", b"abc", 100, false), 3.0);
        assert_eq!(at(b"abcabc", b"abc", 2, false), 0.0);
        assert_eq!(at(b"abcabc", b"", 100, true), 6.0);
        assert_eq!(at(b"", b"", i64::MIN, false), 0.0);
        assert_eq!(at(b"", b"a", 0, false), -1.0);
    }

    #[test]
    fn units_of_two_bytes_are_found_at_even_places() {
        let wide = |offset, forward| {
            find(&[0, 1, 1, 1, 1, 2], &[1, 1], Place { offset, forward, end: usize::MAX }, true)
        };
        assert_eq!(wide(0, true), 2.0);
        assert_eq!(wide(6, false), 2.0);
    }
}
