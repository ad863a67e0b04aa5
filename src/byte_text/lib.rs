//! Bytes as text. Names of files, arguments and variables are bytes to POSIX; the virtual machine and the interfaces that
//! it shows are of Unicode, so that each of them is a text. A byte that is no part of UTF-8 is there a character of its
//! own, from a range at the end of Unicode that nothing else uses. Who lets bytes in decodes them and who lets them out
//! encodes the text; what lies between needs to know nothing of it, since such texts are equal where their bytes are.
//!
//! Pure. Owns the range: U+10FE80 to U+10FEFF stand for the bytes 80 to FF (hexadecimal). What is in that range when it
//! comes in is taken for such bytes, so that all bytes come out as they went in. ASCII is never written so: no name can
//! hold a `/` or a NUL that is not seen as one.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
#[cfg(unix)]
use std::os::unix::ffi::{OsStrExt, OsStringExt};
#[cfg(target_os = "wasi")]
use std::os::wasi::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// The character of byte 80. The range is private use (plane 16).
const FIRST: u32 = 0x10_FE80;
/// With this begins, in UTF-8, every character that stands for a byte.
pub const LEAD: u8 = 0xf4;
/// What stands for the first byte that can be no ASCII.
const FIRST_BYTE: u8 = 0x80;

/// The byte that a character stands for.
pub fn byte_of(character: char) -> Option<u8> {
    let offset = u32::from(character).checked_sub(FIRST)?;
    u8::try_from(offset).ok()?.checked_add(FIRST_BYTE)
}

/// The character of a byte that is no ASCII, and ASCII as it is.
fn character(byte: u8) -> char {
    if byte.is_ascii() {
        return char::from(byte);
    }
    // The range lies within Unicode.
    char::from_u32(FIRST + u32::from(byte - FIRST_BYTE)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn has_standing(text: &str) -> bool {
    // Whatever lies in the range begins with this byte.
    text.as_bytes().contains(&0xf4) && text.chars().any(|character| byte_of(character).is_some())
}

/// Text out of bytes.
pub fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) if !has_standing(&text) => text,
        Ok(text) => decode_parts(text.as_bytes()),
        Err(error) => decode_parts(error.as_bytes()),
    }
}

/// The same of bytes that somebody else has.
pub fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !has_standing(text) => Cow::Borrowed(text),
        _ => Cow::Owned(decode_parts(bytes)),
    }
}

fn decode_parts(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for valid in chunk.valid().chars() {
            if byte_of(valid).is_some() {
                text.extend(valid.encode_utf8(&mut [0; 4]).bytes().map(character));
            } else {
                text.push(valid);
            }
        }
        text.extend(chunk.invalid().iter().copied().map(character));
    }
    text
}

/// The bytes of a text.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if !has_standing(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// What the standard library has for names, arguments and variables as text.
pub trait ToText {
    /// [`encode_os`] makes the same of it again. What is text already stays as it is, whatever is in it: programs have
    /// their names in both ways, and make paths of either.
    fn to_text(&self) -> Cow<'_, str>;
}

impl ToText for OsStr {
    fn to_text(&self) -> Cow<'_, str> {
        match self.to_str() {
            Some(text) => Cow::Borrowed(text),
            None => decoded(self.as_bytes()),
        }
    }
}

impl ToText for Path {
    fn to_text(&self) -> Cow<'_, str> {
        self.as_os_str().to_text()
    }
}

/// What the standard library has for names, arguments and variables, out of text.
pub fn encode_os(text: String) -> OsString {
    match encode(&text) {
        Cow::Owned(bytes) => OsString::from_vec(bytes),
        Cow::Borrowed(_) => text.into(),
    }
}

/// The text as those read it who have nothing but Unicode: a byte that is none is U+FFFD.
pub fn shown(text: &str) -> Cow<'_, str> {
    match encode(text) {
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        Cow::Borrowed(_) => Cow::Borrowed(text),
    }
}

/// Appends a byte that was written as a number; those that make up a character become one when they go out.
pub fn push(text: &mut String, byte: u8) {
    text.push(character(byte));
}

/// Makes characters of the bytes that are some by now: `$'\303\251'` is one.
pub fn join(text: String) -> String {
    if has_standing(&text) { decode(encode(&text).into_owned()) } else { text }
}

/// Whether the text is what its bytes decode to. Others are second names for the same bytes: who decides by text what
/// will be looked up by bytes must not let them pass.
pub fn is_joined(text: &str) -> bool {
    match encode(text) {
        Cow::Owned(bytes) => decode(bytes) == text,
        Cow::Borrowed(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_out_as_it_went_in() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(*encode(&decode(all.clone())), all);
        for bytes in [
            "a\u{10fec1}b".as_bytes(),
            "\u{10fe2f}\u{10ff00}".as_bytes(),
            b"\xff\xc3",
            "caf\u{e9}".as_bytes(),
            b"\xf4\x8f\xb9",
            b"\xf4\x8f\xbb\xbf",
        ] {
            assert_eq!(*encode(&decode(bytes.to_vec())), *bytes);
            assert_eq!(decoded(bytes), decode(bytes.to_vec()));
            assert!(is_joined(&decoded(bytes)));
        }
        assert_eq!(decode(b"\xc3\xa9\xff".to_vec()).chars().count(), 2);
        assert_eq!(shown(&decode(b"a\xff".to_vec())), "a\u{fffd}");
        assert!((0x80..=0xff).all(|byte| decode(vec![byte]).as_bytes()[0] == LEAD));
    }

    #[test]
    fn one_text_stands_for_one_row_of_bytes() {
        let apart = format!("{}{}", character(0xc3), character(0xa9));
        assert!(!is_joined(&apart));
        assert_eq!(join(apart), "\u{e9}");
        assert!(is_joined("\u{e9}"));
    }

    #[test]
    fn nothing_stands_for_ascii() {
        for character in ('\u{10fe00}'..='\u{10fe7f}').chain('\u{10ff00}'..='\u{10ffff}') {
            assert_eq!(byte_of(character), None);
            assert_eq!(*encode(&character.to_string()), *character.to_string().as_bytes());
        }
        assert_eq!(byte_of('\u{10fe80}'), Some(0x80));
        assert_eq!(byte_of('\u{10feff}'), Some(0xff));
    }
}
