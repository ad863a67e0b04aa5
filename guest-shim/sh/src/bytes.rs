//! A shell's texts are bytes, and this program's are `String`s. Where text comes in, each byte that is no part of UTF-8
//! becomes a character of its own from a range at the end of Unicode that nothing else uses; where it goes out, these
//! become bytes again. What is in that range when it comes in is taken for such bytes, so that nothing is lost.
//!
//! Pure. The characters count as one each, as bytes that are no characters do in other shells.

use std::borrow::Cow;

/// The character of byte 0. The range is private use (plane 16), its last 256 characters but the two that are none.
const FIRST: u32 = 0x10_FE00;

/// The byte that a character stands for.
pub fn of_character(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST).and_then(|offset| u8::try_from(offset).ok())
}

fn character(byte: u8) -> char {
    // The range lies within Unicode.
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn has_standing(text: &str) -> bool {
    // Whatever lies in the range begins with this byte.
    text.as_bytes().contains(&0xf4) && text.chars().any(|character| of_character(character).is_some())
}

/// Text out of bytes.
pub fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) if !has_standing(&text) => text,
        Ok(text) => decode_parts(text.as_bytes()),
        Err(error) => decode_parts(error.as_bytes()),
    }
}

fn decode_parts(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for valid in chunk.valid().chars() {
            if of_character(valid).is_some() {
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
        match of_character(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// Appends a byte that a script wrote as a number; those that make up a character become one when they go out.
pub fn push(text: &mut String, byte: u8) {
    text.push(if byte.is_ascii() { char::from(byte) } else { character(byte) });
}

/// Makes characters of the bytes that are some by now: `$'\303\251'` is one.
pub fn join(text: String) -> String {
    if has_standing(&text) { decode(encode(&text).into_owned()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_out_as_it_went_in() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(*encode(&decode(all.clone())), all);
        for bytes in ["a\u{10fe41}b".as_bytes(), b"\xff\xc3", "caf\u{e9}".as_bytes(), b"\xf4\x8f\xb9"] {
            assert_eq!(*encode(&decode(bytes.to_vec())), *bytes);
        }
        assert_eq!(decode(b"\xc3\xa9\xff".to_vec()).chars().count(), 2);
        assert_eq!(join(format!("{}{}", character(0xc3), character(0xa9))), "\u{e9}");
    }
}
