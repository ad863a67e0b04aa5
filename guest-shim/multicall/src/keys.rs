//! Keys as terminals send them: UTF-8, control characters, and the sequences of ECMA-48 and xterm.

/// So many bytes of a sequence that nobody knows are read as one key.
const MAX_SEQUENCE: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Character(char),
    /// With the letter's lower case.
    Control(char),
    Alt(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
    WordLeft,
    WordRight,
    Unknown,
}

/// The next key; none if there are no more bytes.
pub fn read(mut byte: impl FnMut() -> Option<u8>) -> Option<Key> {
    Some(match byte()? {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x7f | 0x08 => Key::Backspace,
        0x1b => match byte()? {
            b'[' => sequence(&mut byte)?,
            b'O' => plain(byte()?),
            0x7f | 0x08 => Key::Alt('\x7f'),
            other => Key::Alt(char::from(other).to_ascii_lowercase()),
        },
        control @ 0..0x20 => Key::Control(char::from(control + 0x60)),
        first => character(first, byte)?,
    })
}

/// What follows `ESC [`: parameters, intermediate bytes and a final one.
fn sequence(byte: &mut impl FnMut() -> Option<u8>) -> Option<Key> {
    let mut parameters = Vec::new();
    let last = loop {
        match byte()? {
            more @ 0x20..0x40 if parameters.len() < MAX_SEQUENCE => parameters.push(more),
            last => break last,
        }
    };
    // With Alt or Ctrl.
    let by_words = matches!(parameters.as_slice(), [.., b';', b'3' | b'5']);
    Some(match (last, parameters.first()) {
        (b'C', _) if by_words => Key::WordRight,
        (b'D', _) if by_words => Key::WordLeft,
        (b'~', Some(b'1' | b'7')) if parameters.len() == 1 => Key::Home,
        (b'~', Some(b'4' | b'8')) if parameters.len() == 1 => Key::End,
        (b'~', Some(b'3')) => Key::Delete,
        (b'~', Some(b'5')) => Key::PageUp,
        (b'~', Some(b'6')) => Key::PageDown,
        _ => plain(last),
    })
}

fn plain(last: u8) -> Key {
    match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => Key::Unknown,
    }
}

/// A character of several bytes. What is none is no key that anything is bound to.
fn character(first: u8, mut byte: impl FnMut() -> Option<u8>) -> Option<Key> {
    let mut bytes = vec![first];
    let length = match first {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => 1,
    };
    while bytes.len() < length {
        bytes.push(byte()?);
    }
    let text = str::from_utf8(&bytes).ok();
    Some(text.and_then(|text| text.chars().next()).map_or(Key::Unknown, Key::Character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut left = bytes.iter().copied();
        std::iter::from_fn(|| read(|| left.next())).collect()
    }

    #[test]
    fn keys_are_told_apart() {
        assert_eq!(
            keys("aé€😀\r\t\x7f\x01".as_bytes()),
            [
                Key::Character('a'),
                Key::Character('é'),
                Key::Character('€'),
                Key::Character('😀'),
                Key::Enter,
                Key::Tab,
                Key::Backspace,
                Key::Control('a'),
            ]
        );
        let sequences = keys(
            b"\x1b[A\x1bOB\x1b[1;5C\x1b[1;3D\x1b[3~\x1b[H\x1b[4~\x1b[5~\x1b[6~\x1bb\x1b\x7f\x1b[200~\x1b[99z",
        );
        let expected = [
            Key::Up,
            Key::Down,
            Key::WordRight,
            Key::WordLeft,
            Key::Delete,
            Key::Home,
            Key::End,
            Key::PageUp,
            Key::PageDown,
            Key::Alt('b'),
            Key::Alt('\x7f'),
            Key::Unknown,
            Key::Unknown,
        ];
        assert_eq!(sequences, expected);
    }

    #[test]
    fn what_is_no_key_is_one_that_does_nothing() {
        assert_eq!(keys(b"\xff\xc3"), [Key::Unknown]);
        assert_eq!(keys(b"\xc3(x"), [Key::Unknown, Key::Character('x')]);
        assert!(keys(&[b"\x1b[".as_slice(), &[b'1'; 1000]].concat()).len() < 1000);
        assert_eq!(keys(b"\x1b["), []);
    }
}
