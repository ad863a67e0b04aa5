//! What `sort` compares: the parts of lines that keys name, as text or as numbers, and 64 bits of each that are in order
//! wherever they differ.

use std::cmp::Ordering;

/// How a part of a line is compared.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Manner {
    pub numeric: bool,
    pub folds: bool,
    pub reverse: bool,
    pub skips_start: bool,
    pub skips_end: bool,
}

/// A part of lines.
#[derive(Clone, Copy)]
pub struct Key {
    /// Fields and bytes before it.
    field: usize,
    byte: usize,
    /// Fields before its end and bytes of the next; no bytes are all of the field. None to the end of the line.
    end: Option<(usize, usize)>,
    pub manner: Manner,
}

/// What lies between fields: a byte, or blanks before each.
pub type Separator = Option<u8>;

/// Bytes of text that 64 bits hold: the last byte tells how many there were.
pub const STEP: usize = 7;
/// More digits than these are told apart by [`compare`] alone.
const DIGITS_MAX: usize = 17;

impl Key {
    pub fn line(manner: Manner) -> Key {
        Key { field: 0, byte: 0, end: None, manner }
    }

    /// A key as `-k` has it; none for one that is wrong or asks for more.
    pub fn parse(text: &[u8]) -> Option<Key> {
        let mut rest = text;
        let field = number(&mut rest)?.checked_sub(1)?;
        let byte = match rest {
            [b'.', after @ ..] => {
                rest = after;
                number(&mut rest)?.checked_sub(1)?
            }
            _ => 0,
        };
        let mut key = Key { field, byte, end: None, manner: Manner::default() };
        key.manner(&mut rest, false)?;
        if let [b',', after @ ..] = rest {
            rest = after;
            let field = number(&mut rest)?.checked_sub(1)?;
            let byte = match rest {
                [b'.', after @ ..] => {
                    rest = after;
                    number(&mut rest)?
                }
                _ => 0,
            };
            key.end = Some((field, byte));
            key.manner(&mut rest, true)?;
        }
        rest.is_empty().then_some(key)
    }

    fn manner(&mut self, rest: &mut &[u8], is_end: bool) -> Option<()> {
        while let [letter, after @ ..] = rest {
            match letter {
                b'n' => self.manner.numeric = true,
                b'f' => self.manner.folds = true,
                b'r' => self.manner.reverse = true,
                b'b' if is_end => self.manner.skips_end = true,
                b'b' => self.manner.skips_start = true,
                b',' => break,
                _ => return None,
            }
            *rest = after;
        }
        Some(())
    }

    /// Where its part of a line begins and ends.
    pub fn part(&self, line: &[u8], separator: Separator) -> (usize, usize) {
        let mut start = fields(line, self.field, separator, false);
        if self.manner.skips_start {
            start += blanks(&line[start..]);
        }
        start = line.len().min(start.saturating_add(self.byte));
        let end = match self.end {
            None => line.len(),
            Some((field, 0)) => fields(line, field + 1, separator, true),
            Some((field, bytes)) => {
                let mut end = fields(line, field, separator, false);
                if self.manner.skips_end {
                    end += blanks(&line[end..]);
                }
                line.len().min(end.saturating_add(bytes))
            }
        };
        (start, end.max(start))
    }

    /// Compares such parts.
    pub fn compare(&self, one: &[u8], other: &[u8]) -> Ordering {
        let order = if self.manner.numeric {
            compare(one, other)
        } else if self.manner.folds {
            one.iter().map(u8::to_ascii_uppercase).cmp(other.iter().map(u8::to_ascii_uppercase))
        } else {
            one.cmp(other)
        };
        if self.manner.reverse { order.reverse() } else { order }
    }
}

/// A number of digits, which are taken.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(length);
    *rest = after;
    // What is larger is no mistake, but nothing to hurry for.
    (length < 9).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(**byte)).count()
}

/// Where so many fields end; without `ends`, where the next begins.
fn fields(line: &[u8], count: usize, separator: Separator, ends: bool) -> usize {
    let mut at = 0;
    for passed in 1..=count {
        if at >= line.len() {
            break;
        }
        match separator {
            Some(byte) => match memchr::memchr(byte, &line[at..]) {
                Some(length) if ends && passed == count => return at + length,
                Some(length) => at += length + 1,
                None => return line.len(),
            },
            None => {
                at += blanks(&line[at..]);
                at += line[at..].iter().take_while(|byte| !is_blank(**byte)).count();
            }
        }
    }
    at
}

/// The step of a text that begins `at` bytes into it, `padded` being what it lies in with seven bytes or more behind it. Texts
/// that differ in a step are in its order; those that do not, and end in it, are equal.
pub fn text(padded: &[u8], start: usize, end: usize, folds: bool) -> u64 {
    let left = end.saturating_sub(start);
    if left == 0 {
        return 0;
    }
    let mut bytes: [u8; 8] =
        padded.get(start..start + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; 8]);
    if folds {
        bytes.make_ascii_uppercase();
    }
    let kept = left.min(STEP);
    u64::from_be_bytes(bytes) & (u64::MAX << (64 - 8 * kept)) | left.min(STEP + 1) as u64
}

/// Whether a text goes on after this step.
pub fn goes_on(step: u64) -> bool {
    step & 0xff > STEP as u64
}

/// A number as its sign, the digits before the point without zeros in front, and those behind it.
fn parts(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let text = &text[blanks(text)..];
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let zeros = text.iter().take_while(|byte| **byte == b'0').count();
    let text = &text[zeros..];
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(length);
    let fraction = match rest {
        [b'.', rest @ ..] => &rest[..rest.iter().take_while(|byte| byte.is_ascii_digit()).count()],
        _ => &[],
    };
    let zeros = fraction.iter().rev().take_while(|byte| **byte == b'0').count();
    (is_negative, whole, &fraction[..fraction.len() - zeros])
}

/// Numbers that differ in these bits are in their order; those that do not, and are whole in them, are equal.
pub fn value(text: &[u8]) -> u64 {
    let (is_negative, whole, fraction) = parts(text);
    let doubled = if whole.len() > DIGITS_MAX {
        2 * 10_i64.pow(DIGITS_MAX as u32) + 1
    } else {
        let whole = whole.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        2 * whole + i64::from(!fraction.is_empty())
    };
    let doubled = if is_negative { -doubled } else { doubled };
    doubled.cast_unsigned() ^ 1 << 63
}

pub fn is_whole(value: u64) -> bool {
    value & 1 == 0
}

fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (is_negative, whole, fraction) = parts(one);
    let (is_other_negative, other_whole, other_fraction) = parts(other);
    let is_zero = whole.is_empty() && fraction.is_empty();
    let is_other_zero = other_whole.is_empty() && other_fraction.is_empty();
    let sign = |is_zero, is_negative| {
        if is_zero {
            0
        } else if is_negative {
            -1
        } else {
            1
        }
    };
    let (sign, other_sign) = (sign(is_zero, is_negative), sign(is_other_zero, is_other_negative));
    if sign != other_sign || sign == 0 {
        return sign.cmp(&other_sign);
    }
    let magnitude = whole
        .len()
        .cmp(&other_whole.len())
        .then_with(|| whole.cmp(other_whole))
        .then_with(|| fraction.cmp(other_fraction));
    if sign < 0 { magnitude.reverse() } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(key: &str, line: &'a str, separator: Separator) -> &'a str {
        let (start, end) = Key::parse(key.as_bytes()).expect(key).part(line.as_bytes(), separator);
        &line[start..end]
    }

    #[test]
    fn keys_name_parts_of_lines() {
        for (key, line, expected) in [
            ("1", "a b", "a b"),
            ("2", "a b c", " b c"),
            ("2b", "a   b c", "b c"),
            ("2,2", "a  b c", "  b"),
            ("2,2b", "a  b c", "  b"),
            ("1.2,1.3", "abcd", "bc"),
            ("2.2,2.2", "a bc", "b"),
            ("2.2b,2.2b", "a bc", "c"),
            ("3", "a b", ""),
            ("1.9", "ab", ""),
            ("2,1", "a b", ""),
            ("1,1", "  a b", "  a"),
        ] {
            assert_eq!(part(key, line, None), expected, "{key} {line}");
        }
        for (key, line, expected) in [
            ("2", "a:b:c", "b:c"),
            ("2,2", "a:b:c", "b"),
            ("2,2", "a::c", ""),
            ("3,3", "a:b", ""),
            ("1,2", "a:b:c", "a:b"),
            ("1,1.1", "xy:b", "x"),
            ("2,2.1", "xy:bc", "b"),
            ("1,9", "a:b", "a:b"),
        ] {
            assert_eq!(part(key, line, Some(b':')), expected, "{key} {line}");
        }
        for wrong in ["", "0", "1.0", "1,", "1,0", "x", "1g", "1,2x", "1.", "99999999999"] {
            assert!(Key::parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_in_order() {
        let order = [
            "-123456789012345678901",
            "-123456789012345678900",
            "-10.5",
            "-10",
            "-9.25",
            "-9.2",
            "-0.5",
            "0",
            "0.05",
            "0.5",
            "1",
            "1.5",
            "2",
            "10",
            "99999999999999999",
            "100000000000000000",
            "100000000000000000.1",
            "123456789012345678901",
        ];
        for (at, one) in order.iter().enumerate() {
            for (other_at, other) in order.iter().enumerate() {
                let (left, right) = (one.as_bytes(), other.as_bytes());
                assert_eq!(compare(left, right), at.cmp(&other_at), "{one} {other}");
                let (bits, other_bits) = (value(left), value(right));
                assert!(bits == other_bits || bits.cmp(&other_bits) == at.cmp(&other_at), "{one} {other}");
            }
        }
        for same in ["", "x", "-", "-0", "0.0", ".", "  0", "+5", "00"] {
            assert_eq!(compare(same.as_bytes(), b"0"), Ordering::Equal, "{same}");
            assert_eq!(value(same.as_bytes()), value(b"0"));
        }
        assert_eq!(compare(b" 05.50x", b"5.5"), Ordering::Equal);
    }

    #[test]
    fn steps_of_text_are_in_order() {
        let step = |word: &str| text(format!("{word}zzzzzzzz").as_bytes(), 0, word.len(), false);
        let words = ["", "\0", "\0\0", "a", "a\0", "a\0b", "ab", "abcdefg", "abcdefgh", "b", "\u{e9}"];
        for pair in words.windows(2) {
            assert!(step(pair[0]) < step(pair[1]), "{pair:?}");
        }
        assert_eq!(step("abcdefgh"), step("abcdefgi"));
        assert!(goes_on(step("abcdefgh")) && !goes_on(step("abcdefg")));
    }
}
