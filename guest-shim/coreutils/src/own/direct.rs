//! The simplest calls of the commonest utilities, done at once: without options there is nothing to parse and hardly
//! anything to say, and reading the texts of all messages would take longer than the work.
//!
//! Whatever is called with options is uutils'. What is here does the same as theirs, and reads devices, too, whose kind
//! of file their `cat` cannot tell under WASI.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use cordon_multicall::enter_working_directory;
use uucore::display::Quotable;

use super::reason;

/// Bytes that `cat` reads at once.
const CHUNK: usize = 64 * 1024;

/// The exit status of a call that was done here; none if it is left to the utility, and nothing has happened yet.
pub fn main(name: &str, args: &[OsString]) -> Option<i32> {
    let operands = args.get(1..).unwrap_or_default();
    match name {
        // They listen to one argument that stands alone: `--help` or `--version`.
        "true" if operands.len() != 1 => Some(0),
        "false" if operands.len() != 1 => Some(1),
        "echo" if operands.first().is_none_or(|first| !is_option(first)) => {
            env::var_os("POSIXLY_CORRECT").is_none().then(|| echo(operands))
        }
        // `-u` asks for what is done anyway.
        "cat" if !operands.iter().any(|operand| is_option(operand) && operand != "-u") => {
            if !operands.is_empty() {
                enter_working_directory();
            }
            let files: Vec<OsString> = operands.iter().filter(|operand| *operand != "-u").cloned().collect();
            Some(cat(&files))
        }
        _ => None,
    }
}

fn is_option(argument: &OsStr) -> bool {
    argument.len() > 1 && argument.as_encoded_bytes()[0] == b'-'
}

fn echo(operands: &[OsString]) -> i32 {
    let mut line = operands.join(OsStr::new(" ")).into_encoded_bytes();
    line.push(b'\n');
    written("echo", put(&line))
}

fn cat(files: &[OsString]) -> i32 {
    let standard = [OsString::from("-")];
    let files = if files.is_empty() { &standard } else { files };
    let mut status = 0;
    for file in files {
        let copied = match file.to_str() {
            Some("-") => copy(&mut io::stdin().lock()),
            _ => File::open(file).map_err(Failure::Read).and_then(|mut file| copy(&mut file)),
        };
        match copied {
            Ok(()) => {}
            Err(Failure::Read(error)) => {
                // WASI has no better word than a bad descriptor for reading from a directory.
                let reason =
                    if Path::new(file).is_dir() { "Is a directory".to_owned() } else { reason(&error) };
                eprintln!("cat: {}: {reason}", file.maybe_quote());
                status = 1;
            }
            Err(Failure::Write(error)) => return written("cat", Err(error)),
        }
    }
    status
}

/// Which side of a copy failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

fn copy(from: &mut dyn Read) -> Result<(), Failure> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            // Whoever reads from us may wait for just this.
            Ok(read) => put(&buffer[..read]).map_err(Failure::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Read(error)),
        }
    }
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
}

/// The exit status of a utility after it wrote.
fn written(name: &str, outcome: io::Result<()>) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{name}: write error: {}", reason(&error));
            1
        }
    }
}
