//! What utilities share that read files and write to their output.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Stdout, Write};

/// A file for reading; `-` is the standard input.
///
/// # Errors
/// Those of the system.
pub fn open(name: &str) -> io::Result<Box<dyn BufRead>> {
    if name == "-" {
        return Ok(Box::new(BufReader::with_capacity(SIZE, io::stdin())));
    }
    let file = File::open(name)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(Box::new(BufReader::with_capacity(SIZE, file)))
}

const SIZE: usize = 64 * 1024;

/// The standard output in large pieces.
pub fn output() -> BufWriter<Stdout> {
    BufWriter::with_capacity(SIZE, io::stdout())
}

/// The text of an error as utilities show it, without its number.
pub fn reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::IsADirectory {
        return "Is a directory".into();
    }
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Writes what is left. A failure to write is told, unless the reader has gone, and makes the status 1.
pub fn finish(name: &str, mut out: impl Write, status: i32) -> i32 {
    match out.flush() {
        Ok(()) => status,
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                crate::say(&mut io::stderr(), &format!("{name}: write error: {}", reason(&error)));
            }
            status.max(1)
        }
    }
}
