//! `xxd` as vim has it: hexadecimal dumps and the way back.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Read, Seek, SeekFrom, Write};

use cordon_multicall::files::reason;
use cordon_multicall::say;

type Args = std::vec::IntoIter<OsString>;

const VERSION: &str = "xxd 2022-01-14 (cordon)";
const HELP: &str = "\
Usage:
       xxd [options] [infile [outfile]]
    or
       xxd -r [-s [-]offset] [-c cols] [-ps] [infile [outfile]]
Options:
    -a          show '*' in place of lines of zeros
    -b          binary digits
    -C          capitals in the names of -i
    -c cols     bytes of a line: 16, with -i 12, with -ps 30, with -b 6
    -d          decimal offsets
    -E          characters of EBCDIC
    -e          little-endian groups
    -g bytes    bytes of a group: 2, with -b 1, with -e 4
    -h          print this summary
    -i          an array of C
    -l len      stop after len bytes
    -n name     the name of the array
    -o off      add to the shown offsets
    -ps         plain digits
    -r          from a dump to what was dumped; with -s offsets are moved
    -s [+][-]seek  begin there; with - from the end
    -u          upper case digits
    -v          print the version";

const USAGE: i32 = 1;
/// Where a file cannot be opened.
const NO_INPUT: i32 = 2;
const NO_OUTPUT: i32 = 3;
const NO_SEEK: i32 = 4;
const COLUMNS_MAX: usize = 256;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    Bits,
    Plain,
    Include,
    LittleEndian,
}

struct Options {
    kind: Kind,
    is_skipping: bool,
    capitals: bool,
    columns: Option<usize>,
    group: Option<usize>,
    is_decimal: bool,
    is_ebcdic: bool,
    length: Option<u64>,
    name: Option<String>,
    shown: i64,
    is_revert: bool,
    seek: Option<(bool, i64)>,
    upper: bool,
}

/// A number as `strtol` reads it with any base; what follows it is not looked at.
fn number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = if let Some(rest) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        (16, rest)
    } else if text.starts_with('0') {
        (8, text)
    } else {
        (10, text)
    };
    let value = digits
        .chars()
        .map_while(|digit| digit.to_digit(radix))
        .fold(0i64, |sum, digit| sum.saturating_mul(i64::from(radix)).saturating_add(i64::from(digit)));
    value * sign
}

pub fn main(args: Args) -> i32 {
    let words = cordon_multicall::words(args);
    let mut options = Options {
        kind: Kind::Normal,
        is_skipping: false,
        capitals: false,
        columns: None,
        group: None,
        is_decimal: false,
        is_ebcdic: false,
        length: None,
        name: None,
        shown: 0,
        is_revert: false,
        seek: None,
        upper: false,
    };
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if word == "--" {
            break;
        }
        if word == "-" || !word.starts_with('-') {
            at -= 1;
            break;
        }
        let word = if word.len() > 2 { word.strip_prefix("--").unwrap_or(&word[1..]) } else { &word[1..] };
        let mut letters = word.chars();
        let letter = letters.next().unwrap_or('-');
        let rest = letters.as_str();
        // The value is in this word, behind what the long name of the option leaves of it, or in the next.
        let mut value = |long: &str| -> Option<String> {
            let own = if !rest.is_empty() && long.starts_with(rest) { "" } else { rest };
            if !own.is_empty() {
                return Some(own.to_owned());
            }
            at += 1;
            words.get(at - 1).cloned()
        };
        match letter {
            'a' => options.is_skipping = !options.is_skipping,
            'b' => options.kind = Kind::Bits,
            'e' => options.kind = Kind::LittleEndian,
            'u' => options.upper = true,
            'p' => options.kind = Kind::Plain,
            'i' => options.kind = Kind::Include,
            'C' => options.capitals = true,
            'd' => options.is_decimal = true,
            'r' => options.is_revert = true,
            'E' => options.is_ebcdic = true,
            'v' => {
                say(&mut io::stderr(), VERSION);
                return 0;
            }
            'c' if rest.eq_ignore_ascii_case("apitalize") => options.capitals = true,
            'c' | 'g' | 'l' | 'n' | 'o' | 's' => {
                let long = match letter {
                    'c' => "ols",
                    'g' => "roup",
                    'l' => "en",
                    'n' => "ame",
                    'o' => "ffset",
                    _ => "kip",
                };
                let value =
                    if letter == 's' && matches!(rest, "eek" | "kip") { value(rest) } else { value(long) };
                let Some(value) = value else {
                    say(&mut io::stderr(), HELP);
                    return USAGE;
                };
                match letter {
                    'c' => options.columns = Some(usize::try_from(number(&value)).unwrap_or(usize::MAX)),
                    'g' => options.group = Some(usize::try_from(number(&value)).unwrap_or(usize::MAX)),
                    'l' => options.length = u64::try_from(number(&value)).ok(),
                    'n' => options.name = Some(value),
                    'o' => options.shown = number(&value),
                    _ => {
                        let is_relative = value.starts_with('+');
                        options.seek = Some((is_relative, number(value.trim_start_matches('+'))));
                    }
                }
            }
            _ => {
                say(&mut io::stderr(), HELP);
                return if letter == 'h' { 0 } else { USAGE };
            }
        }
    }
    let files = &words[at..];
    if files.len() > 2 {
        say(&mut io::stderr(), HELP);
        return USAGE;
    }
    match options.run(files) {
        Ok(()) => 0,
        Err((status, message)) => {
            say(&mut io::stderr(), &format!("xxd: {message}"));
            status
        }
    }
}

enum Input {
    Stream(io::Stdin),
    File(File),
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.read(into),
            Self::File(file) => file.read(into),
        }
    }
}

type Failure = (i32, String);

fn io_failure(error: io::Error) -> Failure {
    (NO_OUTPUT, reason(&error))
}

impl Options {
    fn run(&self, files: &[String]) -> Result<(), Failure> {
        let default = match self.kind {
            Kind::Normal | Kind::LittleEndian => 16,
            Kind::Bits => 6,
            Kind::Include => 12,
            Kind::Plain => 30,
        };
        let columns = self.columns.filter(|&given| given > 0 || self.kind == Kind::Plain).unwrap_or(default);
        let is_table = matches!(self.kind, Kind::Normal | Kind::Bits | Kind::LittleEndian);
        // Plain digits may be all in one line.
        let is_endless = columns == 0 && self.kind == Kind::Plain;
        if (columns < 1 && !is_endless) || (is_table && columns > COLUMNS_MAX) {
            return Err((1, format!("invalid number of columns (max. {COLUMNS_MAX}).")));
        }
        let columns = if is_endless { usize::MAX } else { columns };
        let group = match self.group.unwrap_or(match self.kind {
            Kind::Normal => 2,
            Kind::Bits => 1,
            Kind::LittleEndian => 4,
            Kind::Include | Kind::Plain => 0,
        }) {
            0 => columns,
            given => given.min(columns),
        };
        if self.kind == Kind::LittleEndian && !group.is_power_of_two() {
            return Err((1, "number of octets per group must be a power of 2 with -e.".into()));
        }
        let mut input = match files.first().map_or("-", String::as_str) {
            "-" => Input::Stream(io::stdin()),
            name => Input::File(
                File::open(name).map_err(|error| (NO_INPUT, format!("{name}: {}", reason(&error))))?,
            ),
        };
        if let (Input::File(file), Some(name)) = (&input, files.first())
            && file.metadata().is_ok_and(|about| about.is_dir())
        {
            return Err((NO_INPUT, format!("{name}: Is a directory")));
        }
        if self.is_revert {
            return self.revert(input, files.get(1), columns);
        }
        let start = self.position(&mut input)?;
        let mut out: Box<dyn Write> = match files.get(1).map_or("-", String::as_str) {
            "-" => Box::new(BufWriter::with_capacity(64 * 1024, io::stdout())),
            name => {
                let opened = OpenOptions::new().write(true).create(true).truncate(false).open(name);
                let file = opened.map_err(|error| (NO_OUTPUT, format!("{name}: {}", reason(&error))))?;
                file.set_len(0).map_err(io_failure)?;
                Box::new(BufWriter::new(file))
            }
        };
        let input = io::BufReader::with_capacity(64 * 1024, input);
        let mut input = input.take(self.length.unwrap_or(u64::MAX));
        match self.kind {
            Kind::Include => self.include(&mut input, &mut out, files.first(), columns),
            Kind::Plain => self.plain(&mut input, &mut out, columns),
            _ => self.table(&mut input, &mut out, start, columns, group),
        }
        .map_err(|error| {
            (if error.kind() == io::ErrorKind::BrokenPipe { 1 } else { NO_OUTPUT }, reason(&error))
        })?;
        out.flush().map_err(io_failure)
    }

    /// Goes to where the dump begins, and returns that.
    fn position(&self, input: &mut Input) -> Result<i64, Failure> {
        let Some((_, offset)) = self.seek else { return Ok(0) };
        let sorry = || (NO_SEEK, "sorry, cannot seek.".to_owned());
        match input {
            Input::File(file) => {
                let to = match u64::try_from(offset) {
                    Ok(offset) => SeekFrom::Start(offset),
                    Err(_) => SeekFrom::End(offset),
                };
                let at = file.seek(to).map_err(|_| sorry())?;
                Ok(i64::try_from(at).unwrap_or(i64::MAX))
            }
            Input::Stream(stream) => {
                // A stream goes forward only.
                let count = u64::try_from(offset).map_err(|_| sorry())?;
                let passed = io::copy(&mut stream.take(count), &mut io::sink()).map_err(io_failure)?;
                if passed < count { Err(sorry()) } else { Ok(offset) }
            }
        }
    }

    fn include(
        &self,
        input: &mut dyn BufRead,
        out: &mut dyn Write,
        file: Option<&String>,
        columns: usize,
    ) -> io::Result<()> {
        let name = self.name.clone().or(file.filter(|file| *file != "-").cloned());
        let name = name.map(|name| {
            let mut clean: String = name
                .chars()
                .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
                .collect();
            if name.starts_with(|first: char| first.is_ascii_digit()) {
                clean.insert_str(0, "__");
            }
            if self.capitals { clean.to_ascii_uppercase() } else { clean }
        });
        if let Some(name) = &name {
            writeln!(out, "unsigned char {name}[] = {{")?;
        }
        let mut count = 0usize;
        for byte in input.bytes() {
            let byte = byte?;
            let before = if count == 0 {
                "  "
            } else if count.is_multiple_of(columns) {
                ",\n  "
            } else {
                ", "
            };
            if self.upper {
                write!(out, "{before}0X{byte:02X}")?;
            } else {
                write!(out, "{before}0x{byte:02x}")?;
            }
            count += 1;
        }
        if count > 0 {
            writeln!(out)?;
        }
        if let Some(name) = &name {
            let length = if self.capitals { "LEN" } else { "len" };
            writeln!(out, "}};\nunsigned int {name}_{length} = {count};")?;
        }
        Ok(())
    }

    fn plain(&self, input: &mut dyn BufRead, out: &mut dyn Write, columns: usize) -> io::Result<()> {
        let digits = self.digits();
        let mut left = columns;
        for byte in input.bytes() {
            let byte = byte?;
            out.write_all(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]])?;
            left -= 1;
            if left == 0 {
                out.write_all(b"\n")?;
                left = columns;
            }
        }
        if left < columns { out.write_all(b"\n") } else { Ok(()) }
    }

    const fn digits(&self) -> &'static [u8; 16] {
        if self.upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" }
    }

    fn table(
        &self,
        input: &mut dyn Read,
        out: &mut dyn Write,
        start: i64,
        columns: usize,
        group: usize,
    ) -> io::Result<()> {
        let digits = self.digits();
        let per_byte = if self.kind == Kind::Bits { 8 } else { 2 };
        let group_length = per_byte * group + 1;
        let mut offset = start.wrapping_add(self.shown);
        let mut bytes = vec![0; columns];
        let mut zeros = Zeros::default();
        loop {
            let count = fill(input, &mut bytes)?;
            if count == 0 {
                break;
            }
            let bytes = &bytes[..count];
            let mut line =
                if self.is_decimal { format!("{offset:08}:") } else { format!("{offset:08x}:") }.into_bytes();
            let head = line.len();
            let text_at = head + 3 + (group_length * columns - 1) / group;
            line.resize(text_at, b' ');
            for (at, &byte) in bytes.iter().enumerate() {
                let place = if self.kind == Kind::LittleEndian { at ^ (group - 1) } else { at };
                let column = head + 1 + (group_length * place) / group;
                if line.len() < column + per_byte {
                    line.resize(column + per_byte, b' ');
                }
                if self.kind == Kind::Bits {
                    for bit in 0..8 {
                        line[column + bit] = b'0' + (byte >> (7 - bit) & 1);
                    }
                } else {
                    line[column] = digits[usize::from(byte >> 4)];
                    line[column + 1] = digits[usize::from(byte & 15)];
                }
            }
            line.extend(bytes.iter().map(|&byte| {
                let shown = if self.is_ebcdic { from_ebcdic(byte) } else { byte };
                if (b' '..=b'~').contains(&shown) { shown } else { b'.' }
            }));
            line.push(b'\n');
            offset = offset.wrapping_add(i64::try_from(count).unwrap_or_default());
            if !self.is_skipping {
                out.write_all(&line)?;
            } else if count == columns && bytes.iter().all(|&byte| byte == 0) {
                zeros.add(line, out)?;
            } else {
                zeros.end(out)?;
                out.write_all(&line)?;
            }
            if count < columns {
                return Ok(());
            }
        }
        zeros.end_of_input(out)
    }

    fn revert(&self, input: Input, target: Option<&String>, columns: usize) -> Result<(), Failure> {
        let mut out = match target.map_or("-", String::as_str) {
            "-" => Target::Stream(BufWriter::with_capacity(64 * 1024, io::stdout())),
            name => {
                let opened = OpenOptions::new().write(true).create(true).truncate(false).open(name);
                Target::File(BufWriter::new(
                    opened.map_err(|error| (NO_OUTPUT, format!("{name}: {}", reason(&error))))?,
                ))
            }
        };
        let moved = self.seek.map_or(0, |(_, offset)| offset);
        let input = io::BufReader::with_capacity(64 * 1024, input);
        match self.kind {
            Kind::Normal | Kind::Plain => {}
            _ => return Err((1, "sorry, cannot revert this type of hexdump".into())),
        }
        let is_plain = self.kind == Kind::Plain;
        // The last characters as digits, the latest first; none of those that were not.
        let mut last: [Option<u8>; 3] = [None; 3];
        // Where the next byte goes, and where the output is. The offset comes first in a line.
        let (mut wanted, mut at) = (0i64, 0i64);
        let mut in_line = if is_plain { 0 } else { columns };
        let (mut is_garbage, mut is_skipping_line) = (true, false);
        for byte in input.bytes() {
            let byte = byte.map_err(|error| (NO_INPUT, reason(&error)))?;
            if byte == b'\r' || (is_plain && matches!(byte, b' ' | b'\t')) {
                continue;
            }
            if is_plain && byte == b'\n' {
                is_skipping_line = false;
                continue;
            }
            if !is_skipping_line {
                let digit = (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                last = [digit, last[0], last[1]];
                if digit.is_none() && is_garbage && byte != b'\n' {
                    continue;
                }
                is_garbage = false;
                if !is_plain && in_line >= columns && byte != b'\n' {
                    match digit {
                        None => in_line = 0,
                        Some(digit) => wanted = wanted.wrapping_shl(4) | i64::from(digit),
                    }
                    continue;
                }
                if let [Some(low), Some(high), _] = last {
                    let to = wanted.wrapping_add(moved);
                    if to != at {
                        out.go(at, to)?;
                        at = to;
                    }
                    out.write(&[high << 4 | low]).map_err(io_failure)?;
                    at = at.wrapping_add(1);
                    wanted = wanted.wrapping_add(1);
                    last[0] = None;
                    in_line += 1;
                    if !is_plain && in_line >= columns {
                        is_skipping_line = true;
                    }
                } else if last == [None; 3] {
                    is_skipping_line = true;
                }
            }
            if byte == b'\n' {
                wanted = 0;
                in_line = columns;
                (is_garbage, is_skipping_line) = (true, false);
            }
        }
        out.flush().map_err(io_failure)
    }
}

/// Reads until the buffer is full or nothing follows.
fn fill(input: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < into.len() {
        match input.read(&mut into[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Lines of zeros: the first is shown, more than one behind it are a star.
#[derive(Default)]
struct Zeros {
    count: usize,
    second: Vec<u8>,
    last: Vec<u8>,
}

impl Zeros {
    fn add(&mut self, line: Vec<u8>, out: &mut dyn Write) -> io::Result<()> {
        self.count += 1;
        match self.count {
            1 => return out.write_all(&line),
            2 => self.second.clone_from(&line),
            _ => {}
        }
        self.last = line;
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let count = std::mem::take(&mut self.count);
        match count {
            0 | 1 => Ok(()),
            2 => out.write_all(&self.second),
            _ => out.write_all(b"*\n"),
        }
    }

    /// The last line of all is always shown.
    fn end_of_input(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let count = self.count;
        self.count = count.saturating_sub(1);
        self.end(out)?;
        if count > 1 { out.write_all(&self.last) } else { Ok(()) }
    }
}

enum Target {
    Stream(BufWriter<io::Stdout>),
    File(BufWriter<File>),
}

impl Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(out) => out.write_all(bytes),
            Self::File(out) => out.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(out) => out.flush(),
            Self::File(out) => out.flush(),
        }
    }

    /// Goes on at another offset: a file is patched there, a stream can only be filled with zeros up to it.
    fn go(&mut self, from: i64, to: i64) -> Result<(), Failure> {
        match self {
            Self::File(out) => {
                let to = u64::try_from(to).map_err(|_| (5, "sorry, cannot seek backwards.".to_owned()))?;
                out.seek(SeekFrom::Start(to)).map(drop).map_err(io_failure)
            }
            Self::Stream(out) => {
                let gap = u64::try_from(to.wrapping_sub(from))
                    .map_err(|_| (5, "sorry, cannot seek backwards.".to_owned()))?;
                io::copy(&mut io::repeat(0).take(gap), out).map(drop).map_err(io_failure)
            }
        }
    }
}

/// A character of EBCDIC (code page 37's letters, digits and punctuation) in ASCII, else a byte that is shown as a point.
fn from_ebcdic(byte: u8) -> u8 {
    match byte {
        0x40 => b' ',
        0x4a..=0x50 => b"[.<(+|&"[usize::from(byte - 0x4a)],
        0x5a..=0x61 => b"!$*);^-/"[usize::from(byte - 0x5a)],
        0x6b..=0x6f => b",%_>?"[usize::from(byte - 0x6b)],
        0x79..=0x7f => b"`:#@'=\""[usize::from(byte - 0x79)],
        0x81..=0x89 => b'a' + (byte - 0x81),
        0x91..=0x99 => b'j' + (byte - 0x91),
        0xa1 => b'~',
        0xa2..=0xa9 => b's' + (byte - 0xa2),
        0xc0 => b'{',
        0xc1..=0xc9 => b'A' + (byte - 0xc1),
        0xd0 => b'}',
        0xd1..=0xd9 => b'J' + (byte - 0xd1),
        0xe0 => b'\\',
        0xe2..=0xe9 => b'S' + (byte - 0xe2),
        0xf0..=0xf9 => b'0' + (byte - 0xf0),
        _ => 0,
    }
}
