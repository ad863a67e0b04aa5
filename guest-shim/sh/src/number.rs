//! Numbers as scripts mostly write them. Loops read them at every turn.

/// Digits that are certain to fit.
pub const MAX_DIGITS: usize = 18;

/// The value of decimal digits behind at most one sign. None for what is not certain to be that: a zero in front of others
/// may mean another base.
pub fn decimal(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > MAX_DIGITS || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals() {
        for (text, expected) in [
            ("0", Some(0)),
            ("42", Some(42)),
            ("-7", Some(-7)),
            ("+7", Some(7)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("9223372036854775807", None),
            ("010", None),
            ("", None),
            ("-", None),
            ("1a", None),
            (" 1", None),
            ("--1", None),
        ] {
            assert_eq!(decimal(text), expected, "{text}");
        }
    }
}
