//! `strings` as binutils have it, over whole files.

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};

use cordon_multicall::files::{finish, open, output, reason};
use cordon_multicall::{options, say};

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage: strings [option(s)] [file(s)]
 Display printable strings in [file(s)] (stdin by default)
 The options are:
  -a - --all                Scan the entire file
  -f --print-file-name      Print the name of the file before each string
  -n --bytes=<number>       Least number of characters (default: 4)
  -t --radix={o,d,x}        Print the location of the string in base 8, 10 or 16
  -w --include-all-whitespace Include all whitespace as valid string characters
  -o                        An alias for --radix=o
  -e --encoding={s,S,b,l,B,L} Size of characters: 7 bits, 8 bits, 16 bits (b, l), 32 bits (B, L)
  -s --output-separator=<string> String used to separate strings in output
  -h --help                 Display this information
  -v -V --version           Print the program's version number";

const LONGS: &[&str] = &[
    "all=a",
    "print-file-name=f",
    "bytes:=n",
    "radix:=t",
    "include-all-whitespace=w",
    "encoding:=e",
    "output-separator:=s",
    "help=h",
    "version=v",
];

struct Options {
    least: usize,
    radix: Option<char>,
    with_name: bool,
    all_blanks: bool,
    encoding: char,
    separator: String,
}

pub fn main(args: Args) -> i32 {
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("strings: {message}"));
        1
    };
    // A number alone is the least length, a hyphen alone is `-a`.
    let mut words = vec![];
    for word in args {
        let text = word.to_text();
        match text.strip_prefix('-') {
            Some("") => {}
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                words.push(format!("-n{digits}").into());
            }
            _ => words.push(word),
        }
    }
    let parsed = match options::parse(words, "adfhn:t:e:os:wvVT:U:", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            fail(&message);
            say(&mut io::stderr(), HELP);
            return 1;
        }
    };
    let mut options = Options {
        least: 4,
        radix: None,
        with_name: false,
        all_blanks: false,
        encoding: 's',
        separator: "\n".into(),
    };
    for (letter, value) in &parsed.options {
        match (letter, value.as_str()) {
            ('n', value) => match value.parse::<usize>() {
                Ok(0) => return fail("minimum string length is too small: 0"),
                Ok(least) => options.least = least,
                Err(_) => return fail(&format!("invalid integer argument {value}")),
            },
            ('t', "o" | "d" | "x") => options.radix = value.chars().next(),
            ('e', "s" | "S" | "b" | "l" | "B" | "L") => {
                options.encoding = value.chars().next().unwrap_or('s')
            }
            ('o', _) => options.radix = Some('o'),
            ('f', _) => options.with_name = true,
            ('w', _) => options.all_blanks = true,
            ('s', _) => options.separator.clone_from(value),
            ('a' | 'd', _) | ('U', "d" | "default") => {}
            ('h', _) => {
                say(&mut io::stdout(), HELP);
                return 0;
            }
            ('v' | 'V', _) => {
                say(&mut io::stdout(), "strings (cordon)");
                return 0;
            }
            ('T' | 'U', _) => return fail(&format!("option '-{letter} {value}' is not supported")),
            _ => {
                say(&mut io::stderr(), HELP);
                return 1;
            }
        }
    }
    let mut out = output();
    let mut status = 0;
    for name in parsed.files() {
        let shown = if name == "-" { "{standard input}" } else { &name };
        let found = match open(&name) {
            Ok(input) => options.file(shown, input, &mut out),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                status = fail(&format!("'{name}': No such file"));
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                say(&mut io::stderr(), &format!("strings: Warning: '{name}' is a directory"));
                status = 1;
                continue;
            }
            Err(error) => Err(error),
        };
        if let Err(error) = found {
            status = fail(&format!("{name}: {}", reason(&error)));
        }
    }
    finish("strings", out, status)
}

impl Options {
    fn file(&self, name: &str, mut input: Box<dyn BufRead>, out: &mut impl Write) -> io::Result<()> {
        let width = match self.encoding {
            'b' | 'l' => 2,
            'B' | 'L' => 4,
            _ => 1,
        };
        // Characters of a string that is not long enough yet; of a longer one those are written already.
        let mut kept: Vec<u8> = vec![];
        let mut is_written = false;
        let mut start = 0u64;
        let mut offset = 0u64;
        let mut unit: Vec<u8> = Vec::with_capacity(width);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let count = input.read(&mut chunk)?;
            if count == 0 {
                break;
            }
            for &byte in &chunk[..count] {
                unit.push(byte);
                offset += 1;
                if unit.len() < width {
                    continue;
                }
                let value = match self.encoding {
                    'l' | 'L' => unit.iter().rev().fold(0u32, |value, &byte| value << 8 | u32::from(byte)),
                    _ => unit.iter().fold(0u32, |value, &byte| value << 8 | u32::from(byte)),
                };
                match self.printable(value) {
                    Some(letter) => {
                        unit.clear();
                        if kept.is_empty() && !is_written {
                            start = offset - width as u64;
                        }
                        if is_written {
                            out.write_all(&[letter])?;
                            continue;
                        }
                        kept.push(letter);
                        if kept.len() >= self.least {
                            self.begin(name, start, out)?;
                            out.write_all(&kept)?;
                            kept.clear();
                            is_written = true;
                        }
                    }
                    None => {
                        if is_written {
                            out.write_all(self.separator.as_bytes())?;
                        }
                        is_written = false;
                        // Wide characters may begin at any byte.
                        let in_string = !kept.is_empty() || width == 1;
                        kept.clear();
                        if in_string {
                            unit.clear();
                        } else {
                            unit.remove(0);
                        }
                    }
                }
            }
        }
        if is_written { out.write_all(self.separator.as_bytes()) } else { Ok(()) }
    }

    fn printable(&self, value: u32) -> Option<u8> {
        let byte = u8::try_from(value).ok()?;
        let is_text = (b' '..=b'~').contains(&byte)
            || byte == b'\t'
            || (self.encoding == 'S' && byte >= 128)
            || (self.all_blanks && byte.is_ascii_whitespace())
            || (self.all_blanks && byte == 11);
        is_text.then_some(byte)
    }

    fn begin(&self, name: &str, start: u64, out: &mut impl Write) -> io::Result<()> {
        if self.with_name {
            write!(out, "{name}: ")?;
        }
        match self.radix {
            Some('o') => write!(out, "{start:7o} "),
            Some('x') => write!(out, "{start:7x} "),
            Some(_) => write!(out, "{start:7} "),
            None => Ok(()),
        }
    }
}
