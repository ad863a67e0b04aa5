//! `printf`.

use super::{
    dates, misuse,
    output::{hexadecimal, octal, octal_digits, simple_escape, unescape},
    print,
};
use crate::{
    bytes, quote,
    state::{Outcome, Shell},
    syntax::dialect::Dialect,
};

/// The widest field and the longest precision.
const MAX_WIDTH: usize = 65_536;

pub fn run(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let bash = shell.dialect == Dialect::Bash;
    let mut variable = None;
    if let [option, rest @ ..] = words
        && let Some(given) = option.strip_prefix("-v")
    {
        let (name, rest) = match (given, rest) {
            ("", [name, rest @ ..]) => (name.as_str(), rest),
            ("", []) => return Ok(misuse(shell, "printf", "-v: option requires an argument")),
            (name, rest) => (name, rest),
        };
        match shell.named_place(name)? {
            Some(place) => variable = Some(place),
            None => return Ok(misuse(shell, "printf", &format!("`{name}': not a valid identifier"))),
        }
        words = rest;
    }
    match words.first().map(String::as_str) {
        Some("--") => words = &words[1..],
        Some(option) if !bash && option.starts_with('-') && option.len() > 1 => {
            return Ok(misuse(shell, "printf", &format!("Illegal option {option}")));
        }
        _ => {}
    }
    let Some((format, operands)) = words.split_first() else {
        return Ok(misuse(shell, "printf", "usage: printf format [arg ...]"));
    };
    let mut printer = Printer::new(operands, bash);
    let format = bytes::encode(format);
    loop {
        let before = printer.used;
        if let Err(message) = printer.pass(&format) {
            printer.errors.push(message);
            break;
        }
        if printer.stopped || printer.used == before || printer.used >= operands.len() {
            break;
        }
    }
    let Printer { output, errors, .. } = printer;
    let status = match variable {
        None => print(shell, "printf", &output)?,
        Some((name, place)) => {
            shell.assign_place(&name, &place, bytes::decode(output), false)?;
            0
        }
    };
    for error in &errors {
        shell.report(&format!("printf: {error}"));
    }
    Ok(if errors.is_empty() { status } else { 1 })
}

struct Printer<'a> {
    bash: bool,
    operands: &'a [String],
    used: usize,
    output: Vec<u8>,
    errors: Vec<String>,
    /// `\c` was seen.
    stopped: bool,
}

/// Flags, width and precision of a conversion.
#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl<'a> Printer<'a> {
    fn new(operands: &'a [String], bash: bool) -> Self {
        Printer { bash, operands, used: 0, output: Vec::new(), errors: Vec::new(), stopped: false }
    }

    fn next(&mut self) -> Option<&'a str> {
        let operand = self.operands.get(self.used)?;
        self.used += 1;
        Some(operand)
    }

    /// Goes once through the format.
    fn pass(&mut self, format: &[u8]) -> Result<(), String> {
        let mut rest = format;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'\\' => rest = self.escape(after),
                b'%' if after.first() == Some(&b'%') => {
                    self.output.push(b'%');
                    rest = &after[1..];
                }
                b'%' => rest = self.conversion(after)?,
                _ => self.output.push(byte),
            }
            if self.stopped {
                break;
            }
        }
        Ok(())
    }

    fn escape<'f>(&mut self, after: &'f [u8]) -> &'f [u8] {
        let Some((&escape, rest)) = after.split_first() else {
            self.output.push(b'\\');
            return after;
        };
        if matches!(escape, b'0'..=b'7') {
            let length = octal_digits(after, 3);
            self.output.push(octal(&after[..length]));
            return &after[length..];
        }
        match (simple_escape(escape), escape) {
            (Some(byte), _) => self.output.push(byte),
            (None, b'"' | b'\'') => self.output.push(escape),
            (None, b'c') => self.stopped = true,
            (None, b'x' | b'u' | b'U') if self.bash => return hexadecimal(escape, rest, &mut self.output),
            (None, b'E') if self.bash => self.output.push(0x1b),
            (None, _) => self.output.extend([b'\\', escape]),
        }
        rest
    }

    fn conversion<'f>(&mut self, after: &'f [u8]) -> Result<&'f [u8], String> {
        let mut spec = Spec::default();
        let mut rest = after;
        while let Some((&flag, next)) = rest.split_first() {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            rest = next;
        }
        let (width, next) = self.count(rest);
        rest = next;
        if let Some(width) = width {
            spec.left |= width < 0;
            spec.width = bounded(width.unsigned_abs())?;
        }
        if let Some(next) = rest.strip_prefix(b".") {
            let (precision, next) = self.count(next);
            rest = next;
            spec.precision = match precision {
                Some(precision) if precision < 0 => None,
                precision => Some(bounded(precision.unwrap_or(0).unsigned_abs())?),
            };
        }
        while let Some(next) = rest.strip_prefix(b"l").or(rest.strip_prefix(b"h")) {
            rest = next;
        }
        let Some((&kind, next)) = rest.split_first() else {
            return Err("missing format character".to_owned());
        };
        match kind {
            b's' => {
                let text = self.next().unwrap_or_default();
                self.text(&spec, &bytes::encode(text));
            }
            b'q' | b'Q' => {
                let text = quote::backslashed(self.next().unwrap_or_default());
                self.text(&spec, &bytes::encode(&text));
            }
            b'(' => return self.time(&spec, next),
            b'b' => {
                let mut text = Vec::new();
                self.stopped |=
                    !unescape(&bytes::encode(self.next().unwrap_or_default()), self.bash, true, &mut text);
                self.text(&spec, &text);
            }
            b'c' => {
                let text = self.next().unwrap_or_default();
                let text = bytes::encode(text);
                self.text(&spec, &text[..text.len().min(1)]);
            }
            b'd' | b'i' => {
                let value = self.signed();
                let sign = match value {
                    _ if value < 0 => "-",
                    _ if spec.plus => "+",
                    _ if spec.space => " ",
                    _ => "",
                };
                self.number(&spec, sign, value.unsigned_abs().to_string());
            }
            b'u' => {
                let value = self.integer() as u64;
                self.number(&spec, "", value.to_string());
            }
            b'o' => {
                let value = self.integer() as u64;
                let zero = if spec.alternate && value != 0 { "0" } else { "" };
                self.number(&spec, "", format!("{zero}{value:o}"));
            }
            b'x' | b'X' => {
                let value = self.integer() as u64;
                let (prefix, digits) =
                    if kind == b'x' { ("0x", format!("{value:x}")) } else { ("0X", format!("{value:X}")) };
                self.number(&spec, if spec.alternate && value != 0 { prefix } else { "" }, digits);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                let value = self.float();
                self.real(&spec, kind, value);
            }
            _ => return Err(format!("%{}: invalid directive", char::from(kind))),
        }
        Ok(next)
    }

    /// A number in the format, or the operand that a `*` stands for.
    fn count<'f>(&mut self, rest: &'f [u8]) -> (Option<i64>, &'f [u8]) {
        if let Some(next) = rest.strip_prefix(b"*") {
            return (Some(self.integer()), next);
        }
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        ((length > 0).then(|| digits.parse().unwrap_or(i64::MAX)), &rest[length..])
    }

    /// `%(format)T`: a time in seconds since 1970, now where there is none.
    fn time<'f>(&mut self, spec: &Spec, rest: &'f [u8]) -> Result<&'f [u8], String> {
        let close = rest.windows(2).position(|pair| pair == b")T");
        let Some(close) = close else { return Err("missing format character".to_owned()) };
        let format = String::from_utf8_lossy(&rest[..close]).into_owned();
        let seconds = match self.next() {
            None | Some("-1" | "-2" | "") => None,
            Some(text) => Some(parse_integer(text).0),
        };
        let shown = dates::format(&format, seconds).ok_or_else(|| format!("({format})T: invalid time"))?;
        self.text(spec, shown.as_bytes());
        Ok(&rest[close + 2..])
    }

    /// A number for `%d`: what is too large becomes the largest.
    fn signed(&mut self) -> i64 {
        let is_negative = self.operands.get(self.used).is_some_and(|text| text.trim_start().starts_with('-'));
        let value = self.integer();
        if value < 0 && !is_negative { i64::MAX } else { value }
    }

    fn integer(&mut self) -> i64 {
        let Some(text) = self.next() else { return 0 };
        if let Some(character) = text.strip_prefix(['\'', '"']) {
            return character.chars().next().map_or(0, |character| i64::from(u32::from(character)));
        }
        let (value, complete) = parse_integer(text);
        if !complete && !text.is_empty() {
            self.errors.push(if text.is_empty() || value == 0 && !text.starts_with('0') {
                format!("{text}: expected numeric value")
            } else {
                format!("{text}: not completely converted")
            });
        }
        value
    }

    fn float(&mut self) -> f64 {
        let Some(text) = self.next() else { return 0.0 };
        match text.trim_start().parse() {
            Ok(value) => value,
            Err(_) => {
                let (value, complete) = parse_integer(text);
                if !complete {
                    self.errors.push(format!("{text}: expected numeric value"));
                }
                value as f64
            }
        }
    }

    fn text(&mut self, spec: &Spec, text: &[u8]) {
        let shown = &text[..spec.precision.unwrap_or(text.len()).min(text.len())];
        self.pad(spec, shown);
    }

    fn pad(&mut self, spec: &Spec, shown: &[u8]) {
        let blanks = spec.width.saturating_sub(shown.len());
        if !spec.left {
            self.output.extend(std::iter::repeat_n(b' ', blanks));
        }
        self.output.extend_from_slice(shown);
        if spec.left {
            self.output.extend(std::iter::repeat_n(b' ', blanks));
        }
    }

    fn number(&mut self, spec: &Spec, prefix: &str, digits: String) {
        let digits = if spec.precision == Some(0) && digits == "0" { String::new() } else { digits };
        let wanted = match spec.precision {
            Some(precision) => precision,
            None if spec.zero && !spec.left => spec.width.saturating_sub(prefix.len()),
            None => 0,
        };
        let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
        self.pad(spec, format!("{prefix}{zeros}{digits}").as_bytes());
    }

    fn real(&mut self, spec: &Spec, kind: u8, value: f64) {
        let sign = match () {
            () if value.is_sign_negative() => "-",
            () if spec.plus => "+",
            () if spec.space => " ",
            () => "",
        };
        let precision = spec.precision.unwrap_or(6);
        let magnitude = value.abs();
        let mut digits = match kind {
            _ if !magnitude.is_finite() => if magnitude.is_nan() { "nan" } else { "inf" }.to_owned(),
            b'f' | b'F' if spec.alternate && precision == 0 => format!("{magnitude:.0}."),
            b'f' | b'F' => format!("{magnitude:.precision$}"),
            b'e' | b'E' => exponential(magnitude, precision),
            _ => general(magnitude, precision.max(1), spec.alternate),
        };
        if kind.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        self.number(
            &Spec { precision: None, zero: spec.zero && magnitude.is_finite(), ..*spec },
            sign,
            digits,
        );
    }
}

fn bounded(count: u64) -> Result<usize, String> {
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= MAX_WIDTH)
        .ok_or_else(|| "width is too large".to_owned())
}

/// The number at the start of `text` as in C, and whether that is all of it.
fn parse_integer(text: &str) -> (i64, bool) {
    let trimmed = text.trim_start();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(rest) => (16, rest),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let complete = length > 0 && length == digits.len();
    // What is too large becomes the largest.
    let magnitude = match u64::from_str_radix(&digits[..length], radix) {
        Ok(value) => value,
        Err(_) if length == 0 => 0,
        Err(_) => u64::MAX,
    };
    let value = if negative {
        // So that %u wraps, and %d is the smallest.
        0i64.checked_sub_unsigned(magnitude).unwrap_or(i64::MIN)
    } else {
        // %u and %x take the whole unsigned range.
        magnitude as i64
    };
    (value, complete)
}

/// `1.5e+01`, as C writes it.
fn exponential(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// The shorter of both notations, without zeros at the end.
fn general(value: f64, precision: usize, keep_zeros: bool) -> String {
    let text = exponential(value, precision - 1);
    let exponent: i64 = text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let trim = |digits: &str| {
        if keep_zeros || !digits.contains('.') {
            return digits.to_owned();
        }
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if exponent < -4 || exponent >= precision as i64 {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{exponent}", trim(mantissa));
    }
    let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: &str, operands: &[&str]) -> String {
        let operands: Vec<String> = operands.iter().map(|operand| (*operand).to_owned()).collect();
        let mut printer = Printer::new(&operands, false);
        printer.pass(format.as_bytes()).unwrap();
        String::from_utf8(printer.output).unwrap()
    }

    #[test]
    fn conversions() {
        assert_eq!(printed("%5s|%-5s|%.2s", &["ab", "ab", "abc"]), "   ab|ab   |ab");
        assert_eq!(
            printed("%d %i %05d %+d %x %X %o %u", &["-3", "0x10", "42", "7", "255", "255", "8", "-1"]),
            "-3 16 00042 +7 ff FF 10 18446744073709551615"
        );
        assert_eq!(printed("%#x %#o %.3d", &["255", "8", "5"]), "0xff 010 005");
        assert_eq!(
            printed("%f %.2f %e %g %g", &["1.5", "2.345", "12345.678", "0.0001", "1000000"]),
            "1.500000 2.35 1.234568e+04 0.0001 1e+06"
        );
        assert_eq!(printed("%c%c %d", &["abc", "def", "'A"]), "ad 65");
        assert_eq!(printed("%b|%%|\\101\\n", &["x\\ty"]), "x\ty|%|A\n");
        assert_eq!(printed("%*d", &["4", "7"]), "   7");
    }
}
