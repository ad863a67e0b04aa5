//! Numbers as texts, texts as numbers, formats and expressions.

use std::rc::Rc;

use regex::Regex;

/// What follows a backslash in a text; how many letters that takes.
pub fn escape(rest: &[char], out: &mut String) -> usize {
    match rest.first() {
        None => {
            out.push('\\');
            0
        }
        Some('\n') => 1,
        Some(first @ '0'..='7') => {
            let mut code = first.to_digit(8).unwrap_or(0);
            let mut taken = 1;
            while let Some(digit) =
                rest.get(taken).and_then(|letter| letter.to_digit(8)).filter(|_| taken < 3)
            {
                code = code * 8 + digit;
                taken += 1;
            }
            out.push(char::from_u32(code & 0xff).unwrap_or('\0'));
            taken
        }
        Some('x') if rest.get(1).is_some_and(char::is_ascii_hexdigit) => {
            let digits: String =
                rest[1..].iter().take(2).take_while(|letter| letter.is_ascii_hexdigit()).collect();
            out.push(u8::from_str_radix(&digits, 16).map_or('\0', char::from));
            1 + digits.len()
        }
        Some(letter) => {
            match letter {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'a' => out.push('\x07'),
                'b' => out.push('\x08'),
                'f' => out.push('\x0c'),
                'v' => out.push('\x0b'),
                '\\' | '"' | '/' => out.push(*letter),
                // An expression in a text: the backslash is its.
                other => out.extend(['\\', *other]),
            }
            1
        }
    }
}

/// What an expression without anything in it is made to.
pub const EMPTY: &str = "(?s)";

/// An expression of awk's as one of the crate's, which reads braces and brackets more strictly.
pub fn expression(text: &str) -> Result<Regex, String> {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::from(EMPTY);
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        at += 1;
        match letter {
            '\\' => {
                let next = letters.get(at).copied().unwrap_or('\\');
                at += 1;
                match next {
                    'y' => out.push_str("\\b"),
                    '<' => out.push_str("\\b{start}"),
                    '>' => out.push_str("\\b{end}"),
                    '`' => out.push_str("\\A"),
                    '\'' => out.push_str("\\z"),
                    'n' | 't' | 'r' | 'f' | 'v' | 'a' | 's' | 'S' | 'w' | 'W' | 'B' => {
                        out.extend(['\\', next])
                    }
                    other if other.is_alphanumeric() => out.push(other),
                    other => out.push_str(&regex::escape(&other.to_string())),
                }
            }
            '{' => {
                let close = letters[at..].iter().position(|letter| *letter == '}');
                let inner: String =
                    close.map(|close| letters[at..at + close].iter().collect()).unwrap_or_default();
                let is_count = inner.starts_with(|first: char| first.is_ascii_digit())
                    && inner.chars().all(|letter| letter.is_ascii_digit() || letter == ',');
                out.push_str(if is_count { "{" } else { "\\{" });
            }
            '}' => {
                let opened = out
                    .rfind('{')
                    .is_some_and(|open| !out[..open].ends_with('\\') && !out[open..].contains('}'));
                out.push_str(if opened { "}" } else { "\\}" });
            }
            '[' => {
                out.push('[');
                if letters.get(at) == Some(&'^') {
                    out.push('^');
                    at += 1;
                }
                let mut is_first = true;
                while let Some(&inner) = letters.get(at) {
                    at += 1;
                    match inner {
                        ']' if !is_first => break,
                        '[' if letters.get(at) == Some(&':') => {
                            out.push('[');
                            while let Some(&inner) = letters.get(at) {
                                out.push(inner);
                                at += 1;
                                if inner == ']' {
                                    break;
                                }
                            }
                        }
                        '\\' => {
                            let next = letters.get(at).copied().unwrap_or('\\');
                            at += 1;
                            if next.is_alphanumeric() {
                                out.extend(['\\', next])
                            } else {
                                out.push_str(&regex::escape(&next.to_string()))
                            }
                        }
                        '[' | ']' | '&' | '~' => out.extend(['\\', inner]),
                        '-' if is_first || letters.get(at) == Some(&']') => out.push_str("\\-"),
                        other => out.push(other),
                    }
                    is_first = false;
                }
                out.push(']');
            }
            // Nothing to repeat: the letter itself.
            '*' | '+' | '?' if out == EMPTY || out.ends_with('(') || out.ends_with('|') => {
                out.extend(['\\', letter])
            }
            other => out.push(other),
        }
    }
    Regex::new(&out).map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

/// The number that a text begins with, and how much of the text that is.
pub fn leading_number(text: &str) -> (f64, usize) {
    let bytes = text.as_bytes();
    // Most texts are none.
    match bytes.first() {
        Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'\t'..=b'\r' | b' ') => {}
        _ => return (0.0, 0),
    }
    let mut at = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let begin = at;
    if bytes.get(at).is_some_and(|sign| *sign == b'+' || *sign == b'-') {
        at += 1
    }
    let digits = |mut at: usize| {
        let from = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1
        }
        (at, at > from)
    };
    let (end, has_whole) = digits(at);
    at = end;
    let mut has_part = false;
    if bytes.get(at) == Some(&b'.') {
        let (end, part) = digits(at + 1);
        has_part = part;
        if has_whole || part {
            at = end
        }
    }
    if !has_whole && !has_part {
        return (0.0, 0);
    }
    // Digits alone need not be rounded.
    if !has_part && at - begin <= 15 && !matches!(bytes.get(at), Some(b'e' | b'E')) && bytes[at - 1] != b'.' {
        let size = bytes[begin..at].iter().filter(|byte| byte.is_ascii_digit());
        let size = size.fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0')) as f64;
        return (if bytes[begin] == b'-' { -size } else { size }, at);
    }
    if bytes.get(at).is_some_and(|letter| *letter == b'e' || *letter == b'E') {
        let sign = usize::from(bytes.get(at + 1).is_some_and(|sign| *sign == b'+' || *sign == b'-'));
        let (end, has_exponent) = digits(at + 1 + sign);
        if has_exponent {
            at = end
        }
    }
    (text[begin..at].parse().unwrap_or(0.0), at)
}

/// The number that the whole text is, if it is one.
pub fn whole_number(text: &str) -> Option<f64> {
    let (number, end) = leading_number(text);
    (end > 0 && text[end..].trim().is_empty()).then_some(number)
}

/// A number without a part, as far as it is shown with all of its digits.
pub fn as_whole(number: f64) -> Option<i64> {
    (number.abs() < 1e16 && number == number.trunc()).then_some(number as i64)
}

/// Adds a number to a text.
pub fn add_number(out: &mut String, number: f64, format: &str) {
    match as_whole(number) {
        Some(whole) => out.push_str(itoa::Buffer::new().format(whole)),
        None => out.push_str(&number_text(number, format)),
    }
}

pub fn number_text(number: f64, format: &str) -> String {
    if let Some(whole) = as_whole(number) {
        return itoa::Buffer::new().format(whole).to_owned();
    }
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan".into() } else { "+nan".into() };
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf".into() } else { "+inf".into() };
    }
    formatted(format, &mut |_| Some(Argument::Number(number)))
}

pub enum Argument {
    Number(f64),
    Text(Rc<str>),
}

impl Argument {
    fn number(&self) -> f64 {
        match self {
            Argument::Number(number) => *number,
            Argument::Text(text) => leading_number(text).0,
        }
    }
}

/// What `printf` makes of a format; arguments are asked for one after another.
pub fn formatted(format: &str, next: &mut dyn FnMut(bool) -> Option<Argument>) -> String {
    let mut out = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        // Most that is asked for has no flags.
        if letters.next_if_eq(&'s').is_some() {
            match next(true) {
                Some(Argument::Text(text)) => out.push_str(&text),
                Some(Argument::Number(number)) => add_number(&mut out, number, "%.6g"),
                None => {}
            }
            continue;
        }
        if letters.next_if_eq(&'d').is_some() {
            let number = next(false).map_or(0.0, |argument| argument.number());
            match as_whole(number.trunc()) {
                Some(whole) if whole != 0 || number == 0.0 => {
                    out.push_str(itoa::Buffer::new().format(whole));
                }
                _ => out.push_str(&formatted("%0d", &mut |_| Some(Argument::Number(number)))),
            }
            continue;
        }
        let mut shown = String::from("%");
        let (mut left, mut zero, mut plus, mut blank, mut other) = (false, false, false, false, false);
        while let Some(flag) = letters.next_if(|flag| "-0+ #'".contains(*flag)) {
            shown.push(flag);
            match flag {
                '-' => left = true,
                '0' => zero = true,
                '+' => plus = true,
                ' ' => blank = true,
                '#' => other = true,
                _ => {}
            }
        }
        let mut amount =
            |letters: &mut std::iter::Peekable<std::str::Chars>, shown: &mut String| -> Option<i64> {
                if letters.next_if_eq(&'*').is_some() {
                    shown.push('*');
                    return next(false).map(|argument| argument.number() as i64);
                }
                let mut digits = String::new();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    digits.push(digit)
                }
                shown.push_str(&digits);
                digits.parse().ok()
            };
        let mut width = amount(&mut letters, &mut shown).unwrap_or(0);
        if width < 0 {
            (left, width) = (true, -width)
        }
        let mut precision = None;
        if letters.next_if_eq(&'.').is_some() {
            shown.push('.');
            precision =
                Some(amount(&mut letters, &mut shown).unwrap_or(0)).filter(|precision| *precision >= 0);
        }
        while letters.next_if(|length| "hlLqjzt".contains(*length)).is_some() {}
        // What guests ask for is their memory, but not all of it.
        let (width, precision) =
            (width.min(1 << 20) as usize, precision.map(|precision| precision.min(1 << 16) as usize));
        let Some(kind) = letters.next() else {
            out.push_str(&shown);
            break;
        };
        if kind == '%' {
            out.push('%');
            continue;
        }
        if !"cdiouxXeEfFgGsa".contains(kind) {
            out.push_str(&shown);
            out.push(kind);
            continue;
        }
        let argument = next(kind == 's' || kind == 'c').unwrap_or_else(|| Argument::Text("".into()));
        let body = match kind {
            's' | 'c' => match (kind, argument) {
                ('c', Argument::Number(code)) => {
                    char::from_u32(code as u32).unwrap_or('\u{fffd}').to_string()
                }
                // Of nothing the end that C has.
                ('c', Argument::Text(text)) => text.chars().next().unwrap_or('\0').to_string(),
                (_, Argument::Text(text)) => match precision {
                    Some(most) => text.chars().take(most).collect(),
                    None => text.to_string(),
                },
                (_, Argument::Number(number)) => number_text(number, "%.6g"),
            },
            _ => {
                let number = argument.number();
                let sign = if number.is_sign_negative() && (number != 0.0 || !"diouxX".contains(kind)) {
                    "-"
                } else if plus {
                    "+"
                } else if blank {
                    " "
                } else {
                    ""
                };
                let size = number.abs();
                let digits = if !number.is_finite() {
                    zero = false;
                    if number.is_nan() { "nan".to_owned() } else { "inf".to_owned() }
                } else {
                    match kind {
                        'd' | 'i' | 'u' => padded(
                            match as_whole(size.trunc()) {
                                Some(whole) => itoa::Buffer::new().format(whole).to_owned(),
                                None => format!("{:.0}", size.trunc()),
                            },
                            precision,
                        ),
                        'o' => padded(format!("{:o}", number.trunc() as i64), precision),
                        'x' => format!(
                            "{}{}",
                            if other { "0x" } else { "" },
                            padded(format!("{:x}", number.trunc() as i64), precision)
                        ),
                        'X' => format!(
                            "{}{}",
                            if other { "0X" } else { "" },
                            padded(format!("{:X}", number.trunc() as i64), precision)
                        ),
                        'e' | 'E' => scientific(size, precision.unwrap_or(6)),
                        'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), size),
                        _ => general(size, precision.unwrap_or(6), other),
                    }
                };
                let digits = if "EG".contains(kind) { digits.to_ascii_uppercase() } else { digits };
                if "diu".contains(kind) && precision.is_some() {
                    zero = false
                }
                if zero && !left && sign.len() + digits.len() < width {
                    format!("{sign}{}{digits}", "0".repeat(width - sign.len() - digits.len()))
                } else {
                    format!("{sign}{digits}")
                }
            }
        };
        let fill = " ".repeat(width.saturating_sub(body.chars().count()));
        if left {
            out.push_str(&body)
        }
        out.push_str(&fill);
        if !left {
            out.push_str(&body)
        }
    }
    out
}

fn padded(digits: String, precision: Option<usize>) -> String {
    let least = precision.unwrap_or(1);
    if digits.len() >= least {
        return digits;
    }
    format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())))
}

fn scientific(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn general(size: f64, precision: usize, keeps_zeros: bool) -> String {
    let precision = precision.max(1);
    let text = scientific(size, precision - 1);
    let exponent: i64 = text.rsplit_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let trim = |digits: String| {
        if keeps_zeros || !digits.contains('.') {
            return digits;
        }
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if exponent < -4 || exponent >= precision as i64 {
        let (digits, exponent) = text.rsplit_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{exponent}", trim(digits.to_owned()));
    }
    trim(format!("{:.*}", (precision as i64 - 1 - exponent).max(0) as usize, size))
}
