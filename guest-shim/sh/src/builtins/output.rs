//! `echo`, and the escape sequences that it shares with `printf`.

use super::print;
use crate::state::{Outcome, Shell};

/// As in dash: `-n` is an option, escape sequences are always understood.
pub fn echo(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let mut newline = true;
    if let [first, rest @ ..] = words
        && first == "-n"
    {
        newline = false;
        words = rest;
    }
    let mut output = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            output.push(b' ');
        }
        if !unescape(word, &mut output) {
            return print(shell, "echo", &output);
        }
    }
    if newline {
        output.push(b'\n');
    }
    print(shell, "echo", &output)
}

/// Appends `text` with the escape sequences of `echo` and of `printf`'s `%b` replaced. False after `\c`: nothing more
/// is to be written.
pub fn unescape(text: &str, output: &mut Vec<u8>) -> bool {
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        let (b'\\', Some((&escape, rest))) = (byte, rest.split_first()) else {
            output.push(byte);
            continue;
        };
        match escape {
            b'c' => return false,
            b'0' => {
                let length = octal_digits(rest, 3);
                output.push(octal(&rest[..length]));
                bytes = &rest[length..];
                continue;
            }
            b'1'..=b'7' => {
                let length = octal_digits(bytes, 3);
                output.push(octal(&bytes[..length]));
                bytes = &bytes[length..];
                continue;
            }
            _ => match simple_escape(escape) {
                Some(character) => output.push(character),
                None => output.extend([b'\\', escape]),
            },
        }
        bytes = rest;
    }
    true
}

pub fn simple_escape(escape: u8) -> Option<u8> {
    Some(match escape {
        b'a' => 7,
        b'b' => 8,
        b'e' => 0x1b,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        _ => return None,
    })
}

pub fn octal_digits(bytes: &[u8], most: usize) -> usize {
    bytes.iter().take(most).take_while(|byte| matches!(byte, b'0'..=b'7')).count()
}

/// The byte that octal digits name; what does not fit is cut off.
pub fn octal(digits: &[u8]) -> u8 {
    digits.iter().fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0')) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let mut output = Vec::new();
        assert!(unescape(r"a\tb\\n\0101\q", &mut output));
        assert_eq!(output, b"a\tb\\nA\\q");
        assert!(!unescape(r"x\cy", &mut output));
        assert!(output.ends_with(b"x"));
    }
}
