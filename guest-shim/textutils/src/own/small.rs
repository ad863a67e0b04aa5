//! `which` and `rev`: too small for a crate.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use cordon_multicall::{say, words};
use cordon_vm::byte_text;
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};

type Args = std::vec::IntoIter<OsString>;

/// Where programs lie, by `PATH`.
pub fn which(args: Args) -> i32 {
    let words = words(args);
    let is_all = words.iter().any(|word| word == "-a");
    let path = env::var("PATH").unwrap_or_default();
    let mut status = 0;
    for name in words.iter().filter(|word| !word.starts_with('-')) {
        let places: Vec<String> = if name.contains('/') {
            vec![name.clone()]
        } else {
            path.split(':')
                .map(|folder| format!("{}/{name}", if folder.is_empty() { "." } else { folder }))
                .collect()
        };
        let mut found = places.into_iter().filter(|place| is_program(place)).peekable();
        if found.peek().is_none() {
            status = 1;
        }
        for place in found.take(if is_all { usize::MAX } else { 1 }) {
            say(&mut io::stdout(), &place);
        }
    }
    if words.is_empty() { 1 } else { status }
}

fn is_program(place: &str) -> bool {
    filesystem::status(place, Symlinks::Follow)
        .is_ok_and(|status| status.file_type == FileType::RegularFile && status.mode & 0o111 != 0)
}

/// Turns each line around.
pub fn rev(args: Args) -> i32 {
    let mut files = words(args);
    if files.is_empty() {
        files.push("-".into());
    }
    let mut out = BufWriter::new(io::stdout());
    let mut status = 0;
    for file in files {
        let opened: io::Result<Box<dyn BufRead>> = match file.as_str() {
            "-" => Ok(Box::new(BufReader::new(io::stdin()))),
            name => File::open(name).map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>),
        };
        if let Err(error) = opened.and_then(|reader| turned(reader, &mut out)) {
            say(&mut io::stderr(), &format!("rev: {file}: {}", uucore::error::strip_errno(&error)));
            status = 1;
        }
    }
    if out.flush().is_err() { 1 } else { status }
}

fn turned(mut reader: Box<dyn BufRead>, out: &mut impl Write) -> io::Result<()> {
    let mut line = vec![];
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = byte_text::decoded(&line);
        let bare = text.strip_suffix('\n').unwrap_or(&text);
        let turned: String = bare.chars().rev().collect();
        out.write_all(&byte_text::encode(&turned))?;
        if bare.len() < text.len() {
            out.write_all(b"\n")?;
        }
        line.clear();
    }
    Ok(())
}
