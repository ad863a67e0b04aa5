//! Names on lines of their own, written as string literals of C are: what would end the line or be none of its characters
//! becomes a backslash and a letter or three octal digits.

use std::borrow::Cow;

use cordon_vm::byte_text;

/// Letters behind a backslash, and the bytes that they stand for.
const LETTERS: [(u8, u8); 7] =
    [(b'a', 7), (b'b', 8), (b't', b'\t'), (b'n', b'\n'), (b'v', 11), (b'f', 12), (b'r', b'\r')];

/// A name as `tar` lists it: what is printed on a terminal stands as it is.
pub fn escaped(name: &str) -> Cow<'_, str> {
    let is_odd = |c: char| c == '\\' || c.is_control() || byte_text::byte_of(c).is_some();
    if !name.contains(is_odd) {
        return Cow::Borrowed(name);
    }
    let mut text = String::new();
    for character in name.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            odd if is_odd(odd) => byte_text::encode(odd.encode_utf8(&mut [0; 4]))
                .iter()
                .for_each(|byte| escape(*byte, &mut text)),
            plain => text.push(plain),
        }
    }
    Cow::Owned(text)
}

/// A name as `file` shows it: what is not printed on a terminal is three octal digits.
pub fn octal(name: &str) -> Cow<'_, str> {
    let is_odd = |c: char| c.is_control() || byte_text::byte_of(c).is_some();
    if !name.contains(is_odd) {
        return Cow::Borrowed(name);
    }
    let mut text = String::new();
    for character in name.chars() {
        if is_odd(character) {
            let bytes = character.to_string();
            byte_text::encode(&bytes).iter().for_each(|byte| text.push_str(&format!("\\{byte:03o}")));
        } else {
            text.push(character);
        }
    }
    Cow::Owned(text)
}

/// A name as `diff` writes it into the heads of a patch: in quotes where it has anything but visible ASCII.
pub fn quoted(name: &str) -> Cow<'_, str> {
    let is_odd = |byte: u8| !(32..128).contains(&byte) || matches!(byte, b'"' | b'\\');
    if !name.bytes().any(|byte| byte == b' ' || is_odd(byte)) {
        return Cow::Borrowed(name);
    }
    let mut text = String::from('"');
    for byte in byte_text::encode(name).iter().copied() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            byte if is_odd(byte) => escape(byte, &mut text),
            byte => text.push(char::from(byte)),
        }
    }
    text.push('"');
    Cow::Owned(text)
}

/// The name that begins a line in quotes, and what is behind them. None for what is not written so.
pub fn unquoted(line: &str) -> Option<(String, &str)> {
    let mut rest = line.strip_prefix('"')?;
    let mut name = vec![];
    loop {
        let bytes = rest.as_bytes();
        let taken = match (*bytes.first()?, bytes.get(1)) {
            (b'"', _) => return Some((byte_text::decode(name), &rest[1..])),
            (b'\\', Some(b'0'..=b'3')) => {
                name.push(u8::from_str_radix(rest.get(1..4)?, 8).ok()?);
                4
            }
            (b'\\', Some(letter)) => {
                let known = LETTERS.iter().find(|(known, _)| known == letter).map(|(_, byte)| *byte);
                name.push(known.or(matches!(letter, b'"' | b'\\').then_some(*letter))?);
                2
            }
            (byte, _) => {
                name.push(byte);
                1
            }
        };
        rest = rest.get(taken..)?;
    }
}

fn escape(byte: u8, text: &mut String) {
    match LETTERS.iter().find(|(_, known)| *known == byte) {
        Some((letter, _)) => text.extend(['\\', char::from(*letter)]),
        None => text.push_str(&format!("\\{byte:03o}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_tar_lists_them() {
        let odd = byte_text::decode(b"q\"\\ \xc3\xa9\xff\n\x01\x7f".to_vec());
        assert_eq!(escaped(&odd), "q\"\\\\ \u{e9}\\377\\n\\001\\177");
        assert_eq!(escaped("a b"), "a b");
        assert_eq!(octal(&odd), "q\"\\ \u{e9}\\377\\012\\001\\177");
    }

    #[test]
    fn names_come_out_of_their_quotes() {
        for name in [&b"a b"[..], b"q\"\\", b"t\tn\nx", b"\xc3\xa9\xff", b"\x7f "] {
            let name = byte_text::decode(name.to_vec());
            let line = format!("{}\t2026", quoted(&name));
            assert_eq!(unquoted(&line), Some((name, "\t2026")));
        }
        assert_eq!(quoted("\u{e9}"), "\"\\303\\251\"");
        assert_eq!(quoted("plain/name"), "plain/name");
        for wrong in ["name", "\"", "\"a", "\"\\", "\"\\q\"", "\"\\39\"", "\"\\1\u{e9}\""] {
            assert_eq!(unquoted(wrong), None, "{wrong}");
        }
    }
}
