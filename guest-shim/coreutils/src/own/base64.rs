//! `base64 -d` of what is well-formed, in large pieces: uutils' goes through it byte by byte. From where it is not, the rest
//! is uutils' to decode or to complain of.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};

use base64_simd::{Out, STANDARD};
use cordon_multicall::say;
use uu_base32::base_common::{Config, handle_input};
use uucore::encoding::Format;
use uucore::error::UError;

/// What is read at once.
const BUFFER: usize = 64 * 1024;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    match input(args.as_slice()) {
        Some(input) => match decode(input) {
            Ok(()) => 0,
            Err(error) => {
                say(&mut io::stderr(), &format!("base64: {error}"));
                error.code()
            }
        },
        None => uu_base64::uumain(args),
    }
}

/// What is to be decoded; none for anything but that.
fn input(args: &[OsString]) -> Option<Box<dyn Read>> {
    let (mut decodes, mut name) = (false, None);
    for word in args.get(1..)? {
        match word.to_str()? {
            "-d" | "--decode" => decodes = true,
            word if (word == "-" || !word.starts_with('-')) && name.is_none() => name = Some(word),
            _ => return None,
        }
    }
    match name.filter(|_| decodes) {
        None if !decodes => None,
        None | Some("-") => Some(Box::new(io::stdin())),
        Some(name) => {
            let file = File::open(name).ok()?;
            file.metadata().is_ok_and(|known| known.is_file()).then(|| Box::new(file) as Box<dyn Read>)
        }
    }
}

fn decode(mut input: Box<dyn Read>) -> Result<(), Box<dyn UError>> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; BUFFER];
    let mut decoded = vec![0; BUFFER];
    // Without ends of lines, and not decoded yet: less than four characters before something is read.
    let mut text = Vec::with_capacity(BUFFER + 4);
    loop {
        let Ok(read @ 1..) = input.read(&mut buffer) else { break };
        let mut rest = &buffer[..read];
        while let Some(at) = memchr::memchr(b'\n', rest) {
            text.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
        }
        text.extend_from_slice(rest);
        let whole = text.len() - text.len() % 4;
        let Ok(bytes) = STANDARD.decode(&text[..whole], Out::from_slice(&mut decoded)) else { break };
        stdout.write_all(bytes)?;
        text.drain(..whole);
    }
    drop(stdout);
    let config = Config { decode: true, ignore_garbage: false, wrap_cols: None, to_read: None };
    handle_input(&mut BufReader::new(Cursor::new(text).chain(input)), Format::Base64, config)
}
