//! `head` of a file that is its standard input: what it does not print is left to whoever reads next. uutils' reads ahead
//! and cannot go back under WASI.

use std::ffi::OsString;
use std::io::{self, Write};

use cordon_vm::descriptors::{self, Descriptor, Whence};
use cordon_vm::types::FileType;

/// Bytes that are read at once.
const CHUNK: u32 = 64 * 1024;

/// What is to be printed.
#[derive(Clone, Copy)]
enum First {
    Lines(u64),
    Bytes(u64),
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let wish = read(args.as_slice());
    match wish.and_then(|wish| Some((wish, input_file()?))) {
        Some((wish, input)) => match print(&input, wish) {
            Ok(()) => 0,
            Err(()) => 1,
        },
        None => uu_head::uumain(args),
    }
}

/// None for anything but a number of lines or bytes from the beginning of standard input.
fn read(args: &[OsString]) -> Option<First> {
    let mut words = args.get(1..)?.iter().map(|word| word.to_str());
    let mut wish = First::Lines(10);
    while let Some(word) = words.next() {
        wish = match word? {
            "-" => continue,
            "-n" => First::Lines(words.next()??.parse().ok()?),
            "-c" => First::Bytes(words.next()??.parse().ok()?),
            word => {
                let rest = word.strip_prefix('-')?;
                match (rest.strip_prefix('n'), rest.strip_prefix('c')) {
                    (Some(number), _) => First::Lines(number.parse().ok()?),
                    (_, Some(number)) => First::Bytes(number.parse().ok()?),
                    (None, None) => First::Lines(rest.parse().ok()?),
                }
            }
        };
    }
    Some(wish)
}

/// Standard input, if it is a regular file.
fn input_file() -> Option<Descriptor> {
    let input = descriptors::inherited(0).ok()?;
    let known = input.status().ok()?;
    (known.file_type == FileType::RegularFile).then_some(input)
}

fn print(input: &Descriptor, wish: First) -> Result<(), ()> {
    let mut left = wish;
    while !matches!(left, First::Lines(0) | First::Bytes(0)) {
        let bytes = match input.read(CHUNK) {
            Ok(bytes) if bytes.is_empty() => break,
            Ok(bytes) => bytes,
            Err(errno) => {
                let why = super::errno_text(errno);
                let _ = writeln!(io::stderr(), "head: error reading 'standard input': {why}");
                return Err(());
            }
        };
        let (taken, rest) = take(&bytes, left);
        left = rest;
        let unread = i64::try_from(bytes.len() - taken).unwrap_or(0);
        if unread > 0 {
            // It was read from there.
            let _ = input.seek(-unread, Whence::Current);
        }
        if io::stdout().write_all(&bytes[..taken]).is_err() {
            return Err(());
        }
    }
    io::stdout().flush().map_err(|_| ())
}

/// How many of the bytes are to be printed, and what is to be printed after them.
fn take(bytes: &[u8], left: First) -> (usize, First) {
    match left {
        First::Bytes(count) => {
            let taken = bytes.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            (taken, First::Bytes(count - taken as u64))
        }
        First::Lines(count) => {
            let mut left = count;
            for at in memchr::memchr_iter(b'\n', bytes) {
                left -= 1;
                if left == 0 {
                    return (at + 1, First::Lines(0));
                }
            }
            (bytes.len(), First::Lines(left))
        }
    }
}
