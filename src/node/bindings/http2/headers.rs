//! Headers as JavaScript hands them over: one string of names, values and flags, and how many there are. A zero ends each
//! name and each value; flags are one character.

use std::ops::Range;

use isolate::library::Scope;

use crate::stream_base::{Characters, string_bytes};

/// Most headers of one block.
const MOST: usize = 1 << 16;

/// Headers, in one piece of memory.
pub(super) struct Pairs {
    bytes: Vec<u8>,
    /// Where each name and its value are; and flags.
    places: Vec<(Range<usize>, Range<usize>, u8)>,
}

impl Pairs {
    /// `None` with an exception pending for what are no headers.
    pub fn read(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Pairs> {
        let Ok(list) = value.try_cast::<v8::Array>() else { return refuse(scope) };
        let Ok(text) = list.get_index(scope, 0)?.try_cast::<v8::String>() else { return refuse(scope) };
        let count = list.get_index(scope, 1)?.uint32_value(scope)?;
        let bytes = string_bytes(scope, text, Characters::Latin1)?;
        Some(Pairs::parse(bytes, usize::try_from(count).unwrap_or(usize::MAX)))
    }

    fn parse(bytes: Vec<u8>, count: usize) -> Pairs {
        let mut places = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            match place(&bytes, at) {
                Some(place) if places.len() < count.min(MOST) => {
                    at = place.1.end + 2;
                    places.push(place);
                }
                // There was a zero in one of them. In their place goes a header that no peer is sent.
                _ => return Pairs { bytes: vec![0, 0], places: vec![(0..1, 1..2, 0)] },
            }
        }
        Pairs { bytes, places }
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Names, values and flags.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8], u8)> {
        let piece = |place: &Range<usize>| self.bytes.get(place.clone()).unwrap_or_default();
        self.places.iter().map(move |(name, value, flags)| (piece(name), piece(value), *flags))
    }
}

/// The header that begins there.
fn place(bytes: &[u8], start: usize) -> Option<(Range<usize>, Range<usize>, u8)> {
    let end = |start: usize| Some(start + memchr::memchr(0, bytes.get(start..)?)?);
    let name = start..end(start)?;
    let value = name.end + 1..end(name.end + 1)?;
    let flags = *bytes.get(value.end + 1)?;
    Some((name, value, flags))
}

fn refuse(scope: &mut Scope<'_, '_>) -> Option<Pairs> {
    isolate::library::throw_type(scope, "The headers must be an array of a string and a number");
    None
}

/// Texts that each end with a zero. None if there are other than so many.
pub(super) fn texts(bytes: &[u8], count: usize) -> Option<Vec<&[u8]>> {
    let Some(rest) = bytes.strip_suffix(&[0]) else { return (bytes.is_empty() && count == 0).then(Vec::new) };
    let texts: Vec<_> = rest.split(|byte| *byte == 0).collect();
    (texts.len() == count).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, count: usize) -> Vec<(String, String, u8)> {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pairs = Pairs::parse(text.as_bytes().to_vec(), count);
        pairs.iter().map(|(name, value, flags)| (text_of(name), text_of(value), flags)).collect()
    }

    #[test]
    fn reads_headers() {
        let expected = [(":path".into(), "/".into(), 0), ("a".into(), String::new(), 1)];
        assert_eq!(read(":path\0/\0\0a\0\0\x01", 2), expected);
        assert!(read("", 0).is_empty());
    }

    #[test]
    fn nothing_good_comes_of_zeros() {
        for text in ["a\0b", "a\0b\0", "a", "a\0b\0\0c\0d\0\0", "a\0\0b\0\0", "\0"] {
            assert_eq!(read(text, 1), [("\0".into(), "\0".into(), 0)], "{text:?}");
        }
    }

    #[test]
    fn texts_are_counted() {
        assert_eq!(texts(b"", 0), Some(vec![]));
        assert_eq!(texts(b"a\0bc\0", 2), Some(vec![b"a".as_slice(), b"bc"]));
        assert_eq!(texts(b"a\0bc\0", 1), None);
        assert_eq!(texts(b"a", 1), None);
    }
}
