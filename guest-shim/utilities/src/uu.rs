//! `uuencode` and `uudecode`: files as text, in the way of old mail and in base64. The letters are the crate
//! `data-encoding`'s work.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::sync::LazyLock;

use cordon_multicall::files::{finish, output, reason};
use cordon_multicall::{options, say};
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;
use data_encoding::{BASE64, Encoding, Specification};

type Args = std::vec::IntoIter<OsString>;

/// Exit statuses: what was asked for is wrong, what is read is no such text, a file is not there.
const USAGE: i32 = 64;
const INVALID: i32 = 2;
const NO_FILE: i32 = 4;

/// Bytes of a line.
const LINE: usize = 45;

/// Six bits are the character of that number behind the blank, which itself is written as a grave accent.
static LETTERS: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push('`');
    specification.symbols.extend('!'..='_');
    specification.translate.from.push(' ');
    specification.translate.to.push('`');
    specification.encoding().ok()
});

pub fn uuencode(args: Args) -> i32 {
    let usage = "Usage: uuencode [-m] [INFILE] NAME\n\n  -m, --base64  convert using base64";
    let parsed = match options::begin("uuencode", usage, args, "m", &["base64=m"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let names = parsed.words();
    let (file, name) = match names.as_slice() {
        [name] => (None, name),
        [file, name] => (Some(file), name),
        _ => {
            say(&mut io::stderr(), &format!("{usage}\nTry 'uuencode --help' for more information."));
            return USAGE;
        }
    };
    let mut bytes = vec![];
    let (outcome, mode) = match file {
        Some(file) => {
            let mode = filesystem::status(file, Symlinks::Follow).map_or(0o644, |status| status.mode & 0o777);
            (fs::read(file).map(|read| bytes = read), mode)
        }
        None => (io::stdin().read_to_end(&mut bytes).map(drop), 0o644),
    };
    if let Err(error) = outcome {
        let text = reason(&error);
        say(
            &mut io::stderr(),
            &format!(
                "uuencode fatal error:\nfserr 2 ({text}) performing 'freopen of stdin' on {}",
                file.map_or("-", String::as_str)
            ),
        );
        return 1;
    }
    let mut out = output();
    let outcome = if parsed.has('m') {
        base64(&mut out, mode, name, &bytes)
    } else {
        encode(&mut out, mode, name, &bytes)
    };
    finish("uuencode", out, i32::from(outcome.is_err()))
}

fn base64(out: &mut dyn Write, mode: u32, name: &str, bytes: &[u8]) -> io::Result<()> {
    writeln!(out, "begin-base64 {mode:03o} {name}")?;
    for line in bytes.chunks(LINE) {
        writeln!(out, "{}", BASE64.encode(line))?;
    }
    writeln!(out, "====")
}

fn encode(out: &mut dyn Write, mode: u32, name: &str, bytes: &[u8]) -> io::Result<()> {
    let Some(letters) = LETTERS.as_ref() else { return Err(io::ErrorKind::Unsupported.into()) };
    writeln!(out, "begin {mode:03o} {name}")?;
    for line in bytes.chunks(LINE) {
        let mut whole = line.to_vec();
        whole.resize(line.len().next_multiple_of(3), 0);
        writeln!(out, "{}{}", char::from(b' ' + line.len() as u8), letters.encode(&whole))?;
    }
    writeln!(out, "`\nend")
}

pub fn uudecode(args: Args) -> i32 {
    let usage = "Usage: uudecode [-o FILE] [FILE]...\n\n  -o, --output-file=FILE  direct output to FILE";
    let parsed = match options::begin("uudecode", usage, args, "o:c", &["output-file:=o", "ignore-chmod=c"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let mut status = 0;
    for file in parsed.files() {
        let mut text = vec![];
        let outcome = match file.as_str() {
            "-" => io::stdin().read_to_end(&mut text).map(drop),
            file => fs::read(file).map(|read| text = read),
        };
        let shown = if file == "-" { "standard input" } else { &file };
        match outcome {
            Err(error) => {
                say(&mut io::stderr(), &format!("uudecode: {file}: {}", reason(&error)));
                status = NO_FILE;
            }
            Ok(()) => {
                if let Err(message) = decode(&text, parsed.value('o')) {
                    say(&mut io::stderr(), &format!("uudecode fatal error:\n{shown}: {message}"));
                    status = INVALID;
                }
            }
        }
    }
    status
}

fn decode(text: &[u8], place: Option<&str>) -> Result<(), String> {
    let mut lines = text.lines().map_while(Result::ok);
    let missing = || "Invalid or missing 'begin' line".to_owned();
    let (kind, mode, name) = lines
        .by_ref()
        .find_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (kind, mode, name) = (words.next()?, words.next()?, words.next()?);
            let mode = u32::from_str_radix(mode, 8).ok()?;
            matches!(kind, "begin" | "begin-base64")
                .then(|| (kind.to_owned(), mode, name.trim_end().to_owned()))
        })
        .ok_or_else(missing)?;
    let mut bytes = vec![];
    let mut ended = false;
    for line in lines {
        let line = line.trim_end_matches('\r');
        if kind == "begin-base64" {
            if line.starts_with("====") {
                ended = true;
                break;
            }
            bytes.extend(BASE64.decode(line.as_bytes()).map_err(|_| "illegal line".to_owned())?);
            continue;
        }
        if line == "end" {
            ended = true;
            break;
        }
        let line = line.as_bytes();
        let Some(first) = line.first() else { continue };
        let length = usize::from(first.wrapping_sub(b' ') & 0x3f);
        if length == 0 {
            continue;
        }
        // Blanks at the end may have been lost on the way.
        let mut letters = line[1..].to_vec();
        letters.resize(length.div_ceil(3) * 4, b'`');
        let decoded = LETTERS.as_ref().and_then(|known| known.decode(&letters).ok());
        let decoded = decoded.ok_or_else(|| "illegal line".to_owned())?;
        bytes.extend(decoded.get(..length).unwrap_or_default());
    }
    if !ended {
        return Err(if kind == "begin" { "No 'end' line" } else { "Short file" }.to_owned());
    }
    let place = place.unwrap_or(&name);
    if matches!(place, "-" | "/dev/stdout") {
        let mut out = io::stdout();
        return out.write_all(&bytes).and_then(|()| out.flush()).map_err(|error| reason(&error));
    }
    fs::write(place, &bytes).map_err(|error| format!("{place}: {}", reason(&error)))?;
    filesystem::set_mode(place, mode & 0o777)
        .map_err(|errno| cordon_multicall::launch::errno_text(errno).to_owned())
}
