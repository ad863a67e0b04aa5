//! `echo`, and the escape sequences that it shares with `printf`.

use super::print;
use crate::{
    bytes,
    state::{Outcome, Shell},
    syntax::dialect::Dialect,
};

/// As in dash: `-n` is an option, escape sequences are always understood. As in bash: with `-e`, or its option `xpg_echo`.
pub fn echo(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let mut newline = true;
    let bash = shell.dialect == Dialect::Bash;
    let mut escapes = !bash || shell.extras.echo_escapes;
    while let [first, rest @ ..] = words
        && let Some(letters) = first.strip_prefix('-')
        && !letters.is_empty()
        && if bash {
            letters.bytes().all(|letter| b"neE".contains(&letter))
        } else {
            letters == "n" && newline
        }
    {
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                letter => escapes = letter == 'e',
            }
        }
        words = rest;
    }
    let mut output = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            output.push(b' ');
        }
        let word = bytes::encode(word);
        if !escapes {
            output.extend_from_slice(&word);
        } else if !unescape(&word, bash, !bash, &mut output) {
            return print(shell, "echo", &output);
        }
    }
    if newline {
        output.push(b'\n');
    }
    print(shell, "echo", &output)
}

/// Appends `text` with the escape sequences of `echo` and of `printf`'s `%b` replaced. False after `\c`: nothing more
/// is to be written. bash has some more than dash, and its
/// `echo` takes no number without a leading zero.
pub fn unescape(text: &[u8], bash: bool, octal_without_zero: bool, output: &mut Vec<u8>) -> bool {
    let mut bytes = text;
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
            b'E' if bash => output.push(0x1b),
            b'x' | b'u' | b'U' if bash => {
                bytes = hexadecimal(escape, rest, output);
                continue;
            }
            b'1'..=b'7' if octal_without_zero => {
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

/// Appends what `\xHH`, `\uHHHH` or `\UHHHHHHHH` stands for; what follows it.
pub fn hexadecimal<'a>(escape: u8, rest: &'a [u8], output: &mut Vec<u8>) -> &'a [u8] {
    let most = match escape {
        b'x' => 2,
        b'u' => 4,
        _ => 8,
    };
    let length = rest.iter().take(most).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let digits = std::str::from_utf8(&rest[..length]).unwrap_or_default();
    match u32::from_str_radix(digits, 16) {
        Ok(value) if escape == b'x' => output.push(value as u8),
        Ok(value) => {
            let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            output.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Err(_) => output.extend([b'\\', escape]),
    }
    &rest[length..]
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
        assert!(unescape(br"a\tb\\n\0101\q", false, true, &mut output));
        assert_eq!(output, b"a\tb\\nA\\q");
        assert!(!unescape(br"x\cy", false, true, &mut output));
        assert!(output.ends_with(b"x"));
    }
}
