//! `hexdump` and `hd` as BSD and util-linux have them. Every form is a list of format strings; `-e` brings one's own.

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};

use cordon_multicall::files::{finish, open, output, reason};
use cordon_multicall::{options, say};

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage:
 hexdump [options] <file>...
 hd [options] <file>...

Display file contents in hexadecimal, decimal, octal, or ascii.

Options:
 -b, --one-byte-octal      one-byte octal display
 -X, --one-byte-hex        one-byte hexadecimal display
 -c, --one-byte-char       one-byte character display
 -C, --canonical           canonical hex+ASCII display
 -d, --two-bytes-decimal   two-byte decimal display
 -o, --two-bytes-octal     two-byte octal display
 -x, --two-bytes-hex       two-byte hexadecimal display
 -e, --format <format>     format string to be used for displaying data
 -f, --format-file <file>  file that contains format strings
 -n, --length <length>     interpret only length bytes of input
 -s, --skip <offset>       skip offset bytes from the beginning
 -v, --no-squeezing        output identical lines
 -h, --help                display this help
 -V, --version             display version";

const LONGS: &[&str] = &[
    "one-byte-octal=b",
    "one-byte-hex=X",
    "one-byte-char=c",
    "canonical=C",
    "two-bytes-decimal=d",
    "two-bytes-octal=o",
    "two-bytes-hex=x",
    "format:=e",
    "format-file:=f",
    "length:=n",
    "skip:=s",
    "no-squeezing=v",
    "color::=L",
    "help=h",
    "version=V",
];

/// The most bytes that one block may have: a format asks for them.
const BLOCK_MAX: usize = 1 << 20;

pub fn hexdump(args: Args) -> i32 {
    main(args, &[])
}

pub fn hd(args: Args) -> i32 {
    main(args, &CANONICAL)
}

const CANONICAL: [&str; 3] =
    [r#""%08.8_Ax\n""#, r#""%08.8_ax  " 8/1 "%02x " "  " 8/1 "%02x ""#, r#""  |" 16/1 "%_p" "|\n""#];

fn main(args: Args, first: &[&str]) -> i32 {
    let fail = |message: String| {
        say(&mut io::stderr(), &format!("hexdump: {message}"));
        1
    };
    let parsed = match options::parse(args, "bXcCde:f:L::n:os:vxhV", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            return fail(format!("{message}\nTry 'hexdump --help' for more information."));
        }
    };
    let mut formats: Vec<String> = first.iter().map(|&text| text.to_owned()).collect();
    let (mut length, mut skip, mut squeezes) = (u64::MAX, 0, true);
    for (letter, value) in &parsed.options {
        let offset = r#""%07.7_Ax\n""#;
        let form = match letter {
            'b' => r#""%07.7_ax " 16/1 "%03o " "\n""#,
            'X' => r#""%07.7_ax " 16/1 " %02x " "\n""#,
            'c' => r#""%07.7_ax " 16/1 "%3_c " "\n""#,
            'C' => {
                formats.extend(CANONICAL.map(str::to_owned));
                continue;
            }
            'd' => r#""%07.7_ax " 8/2 "  %05u " "\n""#,
            'o' => r#""%07.7_ax " 8/2 " %06o " "\n""#,
            'x' => r#""%07.7_ax " 8/2 "   %04x " "\n""#,
            'e' => {
                formats.push(value.clone());
                continue;
            }
            'f' => match std::fs::read_to_string(value) {
                Ok(text) => {
                    let lines = text.lines().map(str::trim);
                    formats.extend(
                        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned),
                    );
                    continue;
                }
                Err(error) => return fail(format!("can't read {value}: {}", reason(&error))),
            },
            'n' | 's' => {
                let Some(count) = size(value) else {
                    let what =
                        if *letter == 'n' { "failed to parse length" } else { "failed to parse offset" };
                    return fail(format!("{what}: '{value}'"));
                };
                if *letter == 'n' {
                    length = count
                } else {
                    skip = count
                }
                continue;
            }
            'v' => {
                squeezes = false;
                continue;
            }
            'h' => {
                say(&mut io::stdout(), HELP);
                return 0;
            }
            'V' => {
                say(&mut io::stdout(), "hexdump (cordon)");
                return 0;
            }
            _ => continue,
        };
        formats.extend([offset.to_owned(), form.to_owned()]);
    }
    if formats.is_empty() {
        formats = vec![r#""%07.7_Ax\n""#.into(), r#""%07.7_ax " 8/2 "%04x " "\n""#.into()];
    }
    let lists: Result<Vec<List>, String> = formats.iter().map(|text| parse(text)).collect();
    let mut lists = match lists {
        Ok(lists) => lists,
        Err(message) => return fail(message),
    };
    let block = lists.iter().map(List::bytes).max().unwrap_or(0);
    if block > BLOCK_MAX {
        return fail("a format takes too many bytes".into());
    }
    for list in &mut lists {
        list.fill(block);
    }
    let mut input = Files { names: parsed.files().into_iter(), current: None, opened: 0, status: 0 };
    let passed = match io::copy(&mut (&mut input).take(skip), &mut io::sink()) {
        Ok(passed) => passed,
        Err(error) => return fail(reason(&error)),
    };
    let mut out = output();
    let shown = Dump { lists, block, squeezes }.show(&mut input, passed, length, &mut out);
    let status = if input.opened == 0 && input.status != 0 {
        say(&mut io::stderr(), "hexdump: all input file arguments failed");
        1
    } else {
        input.status
    };
    match shown {
        Ok(()) => finish("hexdump", out, status),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 1,
        Err(error) => fail(reason(&error)),
    }
}

/// A number with the endings that util-linux knows.
fn size(text: &str) -> Option<u64> {
    let (radix, digits) = match text {
        _ if text.starts_with("0x") || text.starts_with("0X") => (16, &text[2..]),
        _ if text.len() > 1 && text.starts_with('0') => (8, &text[1..]),
        _ => (10, text),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    let value = u64::from_str_radix(&digits[..end], radix).ok()?;
    let factor: u64 = match &digits[end..] {
        "" => 1,
        "b" => 512,
        "K" | "k" | "KiB" => 1 << 10,
        "M" | "m" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    value.checked_mul(factor)
}

/// All files one behind the other.
struct Files {
    names: std::vec::IntoIter<String>,
    current: Option<Box<dyn BufRead>>,
    opened: usize,
    status: i32,
}

impl Read for Files {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(current) = &mut self.current {
                match current.read(into)? {
                    0 => self.current = None,
                    count => return Ok(count),
                }
            }
            let Some(name) = self.names.next() else { return Ok(0) };
            match open(&name) {
                Ok(file) => {
                    self.opened += 1;
                    self.current = Some(file);
                }
                Err(error) => {
                    say(&mut io::stderr(), &format!("hexdump: {name}: {}", reason(&error)));
                    self.status = 1;
                }
            }
        }
    }
}

/// What one conversion shows.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    /// The offset, in this radix; of the whole input where it comes at the end only.
    Offset {
        radix: u32,
        at_end: bool,
    },
    /// `%_c`: characters and escapes.
    Escaped,
    /// `%_p`: characters, others as points.
    Printable,
    /// `%_u`: characters and names of ASCII.
    Named,
    /// `%c`.
    Letter,
    /// `%s`.
    Text,
    Signed,
    Unsigned(u32, bool),
    Float(char),
}

#[derive(Clone, Debug)]
enum Part {
    Literal(Vec<u8>),
    Conversion { kind: Kind, bytes: usize, flags: String, width: usize, precision: Option<usize> },
}

/// A format string with how often it is used.
#[derive(Clone, Debug)]
struct Unit {
    repeats: usize,
    is_repeated: bool,
    parts: Vec<Part>,
}

impl Unit {
    fn bytes(&self) -> usize {
        let bytes = |part: &Part| match part {
            Part::Conversion { bytes, .. } => *bytes,
            Part::Literal(_) => 0,
        };
        self.parts.iter().map(bytes).fold(0, usize::saturating_add)
    }
}

struct List(Vec<Unit>);

impl List {
    fn bytes(&self) -> usize {
        self.0.iter().map(|unit| unit.bytes().saturating_mul(unit.repeats)).fold(0, usize::saturating_add)
    }

    /// The last unit is repeated until the block is used, where it does not say how often.
    fn fill(&mut self, block: usize) {
        let bytes = self.bytes();
        if let Some(last) = self.0.last_mut()
            && last.bytes() > 0
            && !last.is_repeated
            && bytes < block
        {
            last.repeats += (block - bytes) / last.bytes();
        }
    }

    fn is_at_end(&self) -> bool {
        self.0
            .iter()
            .flat_map(|unit| &unit.parts)
            .any(|part| matches!(part, Part::Conversion { kind: Kind::Offset { at_end: true, .. }, .. }))
    }
}

fn parse(text: &str) -> Result<List, String> {
    let bad = || format!("bad format {{{text}}}");
    let mut rest = text.trim_start();
    let mut units = vec![];
    while !rest.is_empty() {
        let digits = |rest: &mut &str| -> Option<usize> {
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            let value = rest[..end].parse().ok();
            *rest = &rest[end..];
            value
        };
        let count = digits(&mut rest);
        rest = rest.trim_start();
        let mut bytes = None;
        if let Some(behind) = rest.strip_prefix('/') {
            rest = behind.trim_start();
            bytes = digits(&mut rest);
            rest = rest.trim_start();
        }
        rest = rest.strip_prefix('"').ok_or_else(bad)?;
        let mut end = None;
        let mut is_escaped = false;
        for (at, letter) in rest.char_indices() {
            match letter {
                '"' if !is_escaped => {
                    end = Some(at);
                    break;
                }
                '\\' => is_escaped = !is_escaped,
                _ => is_escaped = false,
            }
        }
        let end = end.ok_or_else(bad)?;
        let parts = parts(&rest[..end], bytes)?;
        units.push(Unit { repeats: count.unwrap_or(1).min(BLOCK_MAX), is_repeated: count.is_some(), parts });
        rest = rest[end + 1..].trim_start();
    }
    Ok(List(units))
}

fn parts(text: &str, given: Option<usize>) -> Result<Vec<Part>, String> {
    let text = unescaped(text);
    let mut found = vec![];
    let mut literal = vec![];
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'%' {
            literal.push(text[at]);
            at += 1;
            continue;
        }
        if text.get(at + 1) == Some(&b'%') {
            literal.push(b'%');
            at += 2;
            continue;
        }
        let mut next = at + 1;
        let mut take = |accepts: &dyn Fn(u8) -> bool| -> String {
            let start = next;
            while text.get(next).is_some_and(|&byte| accepts(byte)) {
                next += 1;
            }
            String::from_utf8_lossy(&text[start..next]).into_owned()
        };
        let flags = take(&|byte| b" +-#0".contains(&byte));
        let width = take(&|byte| byte.is_ascii_digit());
        let precision = take(&|byte| byte == b'.' || byte.is_ascii_digit());
        let letters = take(&|byte| byte == b'_');
        let is_special = letters == "_";
        let mut letter = text.get(next).copied().map(char::from).unwrap_or(' ');
        let bad =
            |letter: char| format!("bad conversion character %{}{letter}", if is_special { "_" } else { "" });
        next += 1;
        let precision = precision.strip_prefix('.').map(|digits| digits.parse::<usize>().unwrap_or(0));
        let sized = |allowed: &[usize], default: usize| match given {
            None => Ok(default),
            Some(bytes) if allowed.contains(&bytes) => Ok(bytes),
            Some(_) => Err(format!("bad byte count for conversion character {letter}")),
        };
        let (kind, bytes) = if is_special {
            match letter {
                'a' | 'A' => {
                    let at_end = letter == 'A';
                    letter = text.get(next).copied().map(char::from).unwrap_or(' ');
                    next += 1;
                    let radix = match letter {
                        'd' => 10,
                        'o' => 8,
                        'x' => 16,
                        _ => return Err(format!("bad conversion character %_a{letter}")),
                    };
                    (Kind::Offset { radix, at_end }, 0)
                }
                'c' => (Kind::Escaped, sized(&[1], 1)?),
                'p' => (Kind::Printable, sized(&[1], 1)?),
                'u' => (Kind::Named, sized(&[1], 1)?),
                other => return Err(bad(other)),
            }
        } else {
            match letter {
                'c' => (Kind::Letter, sized(&[1], 1)?),
                'd' | 'i' => (Kind::Signed, sized(&[1, 2, 4, 8], 4)?),
                'o' => (Kind::Unsigned(8, false), sized(&[1, 2, 4, 8], 4)?),
                'u' => (Kind::Unsigned(10, false), sized(&[1, 2, 4, 8], 4)?),
                'x' => (Kind::Unsigned(16, false), sized(&[1, 2, 4, 8], 4)?),
                'X' => (Kind::Unsigned(16, true), sized(&[1, 2, 4, 8], 4)?),
                'e' | 'E' | 'f' | 'g' | 'G' => (Kind::Float(letter), sized(&[4, 8], 8)?),
                's' => match (given, precision) {
                    (Some(bytes), _) => (Kind::Text, bytes),
                    (None, Some(bytes)) => (Kind::Text, bytes),
                    (None, None) => {
                        return Err("%s requires a precision or a byte count".into());
                    }
                },
                other => return Err(bad(other)),
            }
        };
        if !literal.is_empty() {
            found.push(Part::Literal(std::mem::take(&mut literal)));
        }
        let width = width.parse().unwrap_or(0usize).min(BLOCK_MAX);
        found.push(Part::Conversion { kind, bytes: bytes.min(BLOCK_MAX * 2), flags, width, precision });
        at = next;
    }
    if !literal.is_empty() {
        found.push(Part::Literal(literal));
    }
    // A byte count without a conversion still passes bytes over.
    if let Some(bytes) = given
        && !found.iter().any(|part| matches!(part, Part::Conversion { .. }))
    {
        found.push(Part::Conversion {
            kind: Kind::Text,
            bytes: bytes.min(BLOCK_MAX * 2),
            flags: String::new(),
            width: 0,
            precision: Some(0),
        });
    }
    Ok(found)
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut found = vec![];
    let mut letters = text.bytes();
    while let Some(byte) = letters.next() {
        if byte != b'\\' {
            found.push(byte);
            continue;
        }
        match letters.next() {
            None => found.push(b'\\'),
            Some(b'0') => found.push(0),
            Some(b'a') => found.push(7),
            Some(b'b') => found.push(8),
            Some(b'f') => found.push(12),
            Some(b'n') => found.push(b'\n'),
            Some(b'r') => found.push(b'\r'),
            Some(b't') => found.push(b'\t'),
            Some(b'v') => found.push(11),
            Some(other) => found.push(other),
        }
    }
    found
}

struct Dump {
    lists: Vec<List>,
    block: usize,
    squeezes: bool,
}

impl Dump {
    fn show(&self, input: &mut impl Read, start: u64, length: u64, out: &mut impl Write) -> io::Result<()> {
        let mut input = input.take(length);
        let mut offset = start;
        let mut before: Vec<u8> = vec![];
        let mut is_starred = false;
        let mut line = vec![];
        let mut bytes = vec![];
        // A form that shows no bytes has no blocks.
        let mut is_over = self.block == 0;
        while !is_over {
            bytes.clear();
            (&mut input).take(self.block as u64).read_to_end(&mut bytes)?;
            is_over = bytes.len() < self.block;
            if bytes.is_empty() {
                break;
            }
            if self.squeezes && bytes.len() == self.block && bytes == before {
                if !is_starred {
                    out.write_all(b"*\n")?;
                }
                is_starred = true;
            } else {
                is_starred = false;
                for list in self.lists.iter().filter(|list| !list.is_at_end()) {
                    line.clear();
                    shown(list, &bytes, offset, &mut line);
                    out.write_all(&line)?;
                }
                before.clone_from(&bytes);
            }
            offset += bytes.len() as u64;
        }
        // Nothing is said of nothing.
        if offset == 0 {
            return Ok(());
        }
        // Of several the last one is meant.
        if let Some(list) = self.lists.iter().rev().find(|list| list.is_at_end()) {
            line.clear();
            shown(list, &[], offset, &mut line);
            out.write_all(&line)?;
        }
        Ok(())
    }
}

/// One list for one block. What lies behind the last byte is shown as spaces.
fn shown(list: &List, block: &[u8], start: u64, line: &mut Vec<u8>) {
    let mut at = 0;
    for unit in &list.0 {
        for round in 0..unit.repeats {
            let is_last = round + 1 == unit.repeats && unit.repeats > 1;
            let count = unit.parts.len();
            for (index, part) in unit.parts.iter().enumerate() {
                match part {
                    Part::Literal(text) => {
                        let is_trailing = is_last && index + 1 == count && count > 1;
                        let text = if is_trailing { text.trim_ascii_end() } else { text };
                        line.extend_from_slice(text);
                    }
                    Part::Conversion {
                        kind: Kind::Offset { radix, .. }, flags, width, precision, ..
                    } => {
                        let offset = start + at as u64;
                        let digits = radix_text(offset, *radix, false);
                        number(&digits, "", flags, *width, *precision, line);
                    }
                    Part::Conversion { kind, bytes, flags, width, precision } => {
                        let there = &block[at.min(block.len())..(at + bytes).min(block.len())];
                        at += bytes;
                        if there.is_empty() && *bytes > 0 {
                            // Its place stays empty.
                            line.resize(line.len() + width, b' ');
                            continue;
                        }
                        // What a number lacks at the end is zeros.
                        let mut filled = there.to_vec();
                        if !matches!(kind, Kind::Text) {
                            filled.resize(*bytes, 0);
                        }
                        convert(*kind, &filled, flags, *width, *precision, line);
                    }
                }
            }
        }
    }
}

fn convert(
    kind: Kind,
    bytes: &[u8],
    flags: &str,
    width: usize,
    precision: Option<usize>,
    line: &mut Vec<u8>,
) {
    let value = bytes.iter().take(8).rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    match kind {
        Kind::Offset { .. } => {}
        Kind::Unsigned(radix, upper) => {
            let digits = radix_text(value, radix, upper);
            let prefix = match (radix, flags.contains('#') && value != 0) {
                (16, true) if upper => "0X",
                (16, true) => "0x",
                (8, true) => "0",
                _ => "",
            };
            number(&digits, prefix, flags, width, precision, line);
        }
        Kind::Signed => {
            let value = match bytes.len() {
                1 => i64::from(value as u8 as i8),
                2 => i64::from(value as u16 as i16),
                4 => i64::from(value as u32 as i32),
                _ => value as i64,
            };
            let sign = match flags {
                _ if value < 0 => "-",
                _ if flags.contains('+') => "+",
                _ if flags.contains(' ') => " ",
                _ => "",
            };
            number(&value.unsigned_abs().to_string(), sign, flags, width, precision, line);
        }
        Kind::Float(letter) => {
            let value = if bytes.len() == 4 {
                f64::from(f32::from_bits(value as u32))
            } else {
                f64::from_bits(value)
            };
            let text = float(value.abs(), letter, precision.unwrap_or(6).min(340));
            let sign = if value.is_sign_negative() && !value.is_nan() {
                "-"
            } else if flags.contains('+') {
                "+"
            } else {
                ""
            };
            number(&text, sign, flags, width, None, line);
        }
        Kind::Letter => padded(&bytes[..bytes.len().min(1)], flags, width, line),
        Kind::Printable => {
            let shown: Vec<u8> =
                bytes.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { byte } else { b'.' }).collect();
            padded(&shown, flags, width, line);
        }
        Kind::Text => {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            let end = precision.map_or(end, |most| end.min(most));
            padded(&bytes[..end], flags, width, line);
        }
        Kind::Escaped => {
            let byte = bytes.first().copied().unwrap_or(0);
            let text = match byte {
                0 => "\\0".into(),
                7 => "\\a".into(),
                8 => "\\b".into(),
                9 => "\\t".into(),
                10 => "\\n".into(),
                11 => "\\v".into(),
                12 => "\\f".into(),
                13 => "\\r".into(),
                b' '..=b'~' => char::from(byte).to_string(),
                _ => format!("{byte:03o}"),
            };
            padded(text.as_bytes(), flags, width, line);
        }
        Kind::Named => {
            const NAMES: [&str; 33] = [
                "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "lf", "vt", "ff", "cr",
                "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub",
                "esc", "fs", "gs", "rs", "us", " ",
            ];
            let byte = bytes.first().copied().unwrap_or(0);
            let text = match byte {
                0..=31 => NAMES[usize::from(byte)].to_owned(),
                b' '..=b'~' => char::from(byte).to_string(),
                127 => "del".into(),
                _ => format!("{byte:02x}"),
            };
            padded(text.as_bytes(), flags, width, line);
        }
    }
}

fn padded(text: &[u8], flags: &str, width: usize, line: &mut Vec<u8>) {
    let gap = width.saturating_sub(text.len());
    if flags.contains('-') {
        line.extend_from_slice(text);
        line.resize(line.len() + gap, b' ');
    } else {
        line.resize(line.len() + gap, b' ');
        line.extend_from_slice(text);
    }
}

/// A number with its sign or prefix, as `printf` pads it.
fn number(
    digits: &str,
    prefix: &str,
    flags: &str,
    width: usize,
    precision: Option<usize>,
    line: &mut Vec<u8>,
) {
    let digits =
        format!("{}{digits}", "0".repeat(precision.unwrap_or(0).min(BLOCK_MAX).saturating_sub(digits.len())));
    let gap = width.saturating_sub(prefix.len() + digits.len());
    if flags.contains('0') && !flags.contains('-') && precision.is_none() {
        line.extend_from_slice(prefix.as_bytes());
        line.resize(line.len() + gap, b'0');
        line.extend_from_slice(digits.as_bytes());
    } else {
        padded(format!("{prefix}{digits}").as_bytes(), flags, width, line);
    }
}

fn radix_text(value: u64, radix: u32, upper: bool) -> String {
    match (radix, upper) {
        (8, _) => format!("{value:o}"),
        (16, true) => format!("{value:X}"),
        (16, false) => format!("{value:x}"),
        _ => value.to_string(),
    }
}

/// A number that is not negative as `%e`, `%f` and `%g` write it.
fn float(value: f64, letter: char, precision: usize) -> String {
    if !value.is_finite() {
        let text = if value.is_nan() { "nan" } else { "inf" };
        return if letter.is_uppercase() { text.to_uppercase() } else { text.into() };
    }
    let scientific = |precision: usize| {
        let text = format!("{value:.precision$e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (digits, exponent) = (digits.to_owned(), exponent.parse::<i32>().unwrap_or(0));
        (digits, exponent)
    };
    let with_exponent = |digits: &str, exponent: i32| {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    };
    let text = match letter.to_ascii_lowercase() {
        'f' => format!("{value:.precision$}"),
        'e' => {
            let (digits, exponent) = scientific(precision);
            with_exponent(&digits, exponent)
        }
        _ => {
            let precision = precision.max(1);
            let (digits, exponent) = scientific(precision - 1);
            let cut = |text: &str| {
                if text.contains('.') {
                    text.trim_end_matches('0').trim_end_matches('.').to_owned()
                } else {
                    text.to_owned()
                }
            };
            let precision = i32::try_from(precision).unwrap_or(i32::MAX);
            if exponent < -4 || exponent >= precision {
                with_exponent(&cut(&digits), exponent)
            } else {
                let places = usize::try_from(precision - 1 - exponent).unwrap_or(0);
                cut(&format!("{value:.places$}"))
            }
        }
    };
    if letter.is_uppercase() { text.to_uppercase() } else { text }
}
