//! `dd`: copies blocks. POSIX's operands and what GNU adds to them, except for the conversions between character sets
//! and record formats. uutils' `dd` counts its time in a thread.

use cordon_vm::byte_text::ToText;
use cordon_vm::descriptors;
use cordon_vm::types::FileType;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::time::Instant;

use super::reason;

const HELP: &str = "\
Usage: dd [OPERAND]...
Copy a file, converting it on the way.

  if=FILE, of=FILE    read and write FILE instead of the standard streams
  bs=BYTES            read and write blocks of BYTES (default 512); or ibs=, obs=
  count=N             copy only N input blocks; count=NB: N bytes
  skip=N, seek=N      pass over N blocks of the input, of the output; NB: N bytes
  conv=LIST           notrunc nocreat excl noerror sync fsync fdatasync lcase ucase swab sparse
  iflag=LIST          fullblock count_bytes skip_bytes
  oflag=LIST          append seek_bytes
  status=LEVEL        none, noxfer or progress

Numbers may end in c (1), w (2), b (512), K, M, G, T (powers of 1024), kB, MB, GB, TB (powers of 1000), and be
multiplied: 2x512.";

#[derive(Default)]
struct Options {
    input: Option<OsString>,
    output: Option<OsString>,
    block: Option<usize>,
    input_block: Option<usize>,
    output_block: Option<usize>,
    count: Option<Amount>,
    skip: Amount,
    seek: Amount,
    status: Status,
    /// Words of `conv=`, `iflag=` and `oflag=`; every word means the same in whichever it may stand.
    words: Vec<&'static str>,
}

#[derive(Clone, Copy, Default)]
struct Amount {
    number: u64,
    is_bytes: bool,
}

impl Amount {
    fn bytes(self, block: usize, flagged: bool) -> u64 {
        if self.is_bytes || flagged { self.number } else { self.number.saturating_mul(block as u64) }
    }
}

#[derive(Default, PartialEq)]
enum Status {
    #[default]
    Full,
    NoTransfer,
    None,
}

const CONV: &[&str] = &[
    "notrunc",
    "nocreat",
    "excl",
    "noerror",
    "sync",
    "fsync",
    "fdatasync",
    "lcase",
    "ucase",
    "swab",
    "sparse",
];
const IFLAG: &[&str] = &["fullblock", "count_bytes", "skip_bytes"];
const OFLAG: &[&str] = &["append", "seek_bytes"];

/// Blocks that were whole and that were not.
#[derive(Default)]
struct Records {
    whole: u64,
    partial: u64,
}

impl Records {
    fn add(&mut self, length: usize, block: usize) {
        if length == block { self.whole += 1 } else { self.partial += 1 }
    }
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut options = Options::default();
    for arg in args.skip(1) {
        let text = arg.to_text();
        match text.as_ref() {
            "--help" => {
                let _ = writeln!(io::stdout(), "{HELP}");
                return 0;
            }
            "--version" => {
                let _ = writeln!(io::stdout(), "dd (cordon) {}", env!("CARGO_PKG_VERSION"));
                return 0;
            }
            "--" => continue,
            operand => {
                if let Err(message) = options.read(operand) {
                    complain(&message);
                    let _ = writeln!(io::stderr(), "Try 'dd --help' for more information.");
                    return 1;
                }
            }
        }
    }
    match copy(&options) {
        Ok(()) => 0,
        Err(message) => {
            complain(&message);
            1
        }
    }
}

fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "dd: {message}");
}

impl Options {
    fn read(&mut self, operand: &str) -> Result<(), String> {
        let (name, value) =
            operand.split_once('=').ok_or_else(|| format!("unrecognized operand '{operand}'"))?;
        match name {
            "if" => self.input = Some(value.into()),
            "of" => self.output = Some(value.into()),
            "bs" => self.block = Some(block_size(value)?),
            "ibs" => self.input_block = Some(block_size(value)?),
            "obs" => self.output_block = Some(block_size(value)?),
            "cbs" => drop(block_size(value)?),
            "count" => self.count = Some(amount(value)?),
            "skip" | "iseek" => self.skip = amount(value)?,
            "seek" | "oseek" => self.seek = amount(value)?,
            "conv" => self.add_words(value, CONV, "conversion")?,
            "iflag" => self.add_words(value, IFLAG, "input flag")?,
            "oflag" => self.add_words(value, OFLAG, "output flag")?,
            "status" => {
                self.status = match value {
                    "none" => Status::None,
                    "noxfer" => Status::NoTransfer,
                    "progress" => Status::Full,
                    _ => return Err(format!("invalid status level: '{value}'")),
                }
            }
            _ => return Err(format!("unrecognized operand '{operand}'")),
        }
        Ok(())
    }

    fn add_words(&mut self, list: &str, known: &[&'static str], what: &str) -> Result<(), String> {
        for word in list.split(',') {
            let known = known
                .iter()
                .find(|known| **known == word)
                .ok_or_else(|| format!("invalid {what}: '{word}'"))?;
            self.words.push(known);
        }
        Ok(())
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

fn block_size(text: &str) -> Result<usize, String> {
    match number(text).and_then(|number| usize::try_from(number).ok()) {
        Some(0) | None => Err(format!("invalid number: '{text}'")),
        Some(size) => Ok(size),
    }
}

fn amount(text: &str) -> Result<Amount, String> {
    // `count=10B` are bytes; `count=10kB` are blocks.
    let bytes = text.strip_suffix('B').filter(|rest| rest.ends_with(|last: char| last.is_ascii_digit()));
    let number = number(bytes.unwrap_or(text)).ok_or_else(|| format!("invalid number: '{text}'"))?;
    Ok(Amount { number, is_bytes: bytes.is_some() })
}

fn number(text: &str) -> Option<u64> {
    text.trim_start().split('x').try_fold(1u64, |product, factor| {
        let digits = factor.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, suffix) = factor.split_at(digits);
        let unit = match suffix {
            "" | "c" | "B" => 1,
            "w" => 2,
            "b" => 512,
            "kB" | "KB" => 1000,
            "k" | "K" | "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "M" | "MiB" => 1 << 20,
            "GB" => 1_000_000_000,
            "G" | "GiB" => 1 << 30,
            "TB" => 1_000_000_000_000,
            "T" | "TiB" => 1 << 40,
            _ => return None,
        };
        product.checked_mul(digits.parse::<u64>().ok()?.checked_mul(unit)?)
    })
}

/// A standard stream as a file without a buffer; dropping it leaves it open.
fn standard(number: i32) -> ManuallyDrop<File> {
    // SAFETY: 0 and 1 stay open for as long as the program runs, and `ManuallyDrop` keeps them so.
    ManuallyDrop::new(unsafe { File::from_raw_fd(number) })
}

fn copy(options: &Options) -> Result<(), String> {
    let input_block = options.block.or(options.input_block).unwrap_or(512);
    let output_block = options.block.or(options.output_block).unwrap_or(512);
    let mut input = open_input(options, input_block)?;
    let mut output = open_output(options, output_block)?;
    let input_name = options.input.as_ref().map_or("standard input".into(), |name| name.to_text());
    let output_name = options.output.as_ref().map_or("standard output".into(), |name| name.to_text());

    let whole = options.has("fullblock") || gives_whole_blocks(options, &input);
    let began = Instant::now();
    let (mut read, mut written, mut bytes) = (Records::default(), Records::default(), 0u64);
    let mut block = vec![0; input_block];
    let mut pending: Vec<u8> = Vec::with_capacity(output_block);
    let mut failed = None;
    let (mut blocks_left, mut bytes_left) = match options.count {
        Some(count) if count.is_bytes || options.has("count_bytes") => (u64::MAX, count.number),
        Some(count) => (count.number, u64::MAX),
        None => (u64::MAX, u64::MAX),
    };

    let mut write = |bytes: &[u8], output: &mut File| -> Result<(), String> {
        output
            .write_all(bytes)
            .map_err(|error| format!("error writing '{output_name}': {}", reason(&error)))?;
        written.add(bytes.len(), output_block);
        Ok(())
    };

    let outcome = loop {
        if blocks_left == 0 || bytes_left == 0 {
            break Ok(());
        }
        let want = input_block.min(usize::try_from(bytes_left).unwrap_or(usize::MAX));
        let mut length = match fill(&mut input, &mut block[..want], whole) {
            Ok(0) => break Ok(()),
            Ok(length) => length,
            Err(error) => {
                let message = format!("error reading '{input_name}': {}", reason(&error));
                if !options.has("noerror") {
                    break Err(message);
                }
                complain(&message);
                failed = Some(message);
                // Go on behind the block that cannot be read, if there is a behind.
                if input.seek(SeekFrom::Current(input_block as i64)).is_err() {
                    break Ok(());
                }
                0
            }
        };
        read.add(length, input_block);
        blocks_left -= 1;
        bytes_left -= length as u64;
        if options.has("sync") && length < input_block {
            block[length..].fill(0);
            length = input_block;
        }
        convert(options, &mut block[..length]);
        bytes += length as u64;

        // With `bs=` every block is written as it was read; otherwise output blocks are filled up.
        if options.block.is_some() {
            if length > 0
                && let Err(message) = write(&block[..length], &mut output)
            {
                break Err(message);
            }
            continue;
        }
        pending.extend_from_slice(&block[..length]);
        let whole = pending.len() / output_block * output_block;
        if let Some(message) =
            pending[..whole].chunks(output_block).find_map(|chunk| write(chunk, &mut output).err())
        {
            break Err(message);
        }
        pending.drain(..whole);
    };
    let outcome = outcome.and_then(|()| {
        if !pending.is_empty() {
            write(&pending, &mut output)?;
        }
        if options.has("fsync") || options.has("fdatasync") {
            output
                .sync_all()
                .map_err(|error| format!("fsync failed for '{output_name}': {}", reason(&error)))?;
        }
        Ok(())
    });

    report(options, &read, &written, bytes, began);
    // A block that could not be read has been told of already, but counts for the status.
    match (outcome, failed) {
        (Ok(()), Some(_)) => std::process::exit(1),
        (outcome, _) => outcome,
    }
}

fn open_input(options: &Options, block: usize) -> Result<ManuallyDrop<File>, String> {
    let mut file = match &options.input {
        None => standard(0),
        Some(name) => ManuallyDrop::new(
            File::open(name)
                .map_err(|error| format!("failed to open '{}': {}", name.to_text(), reason(&error)))?,
        ),
    };
    let skip = options.skip.bytes(block, options.has("skip_bytes"));
    if skip > 0 && file.seek(SeekFrom::Current(skip as i64)).is_err() {
        // A pipe: read past it.
        io::copy(&mut (&mut *file).take(skip), &mut io::sink())
            .map_err(|error| format!("cannot skip to specified offset: {}", reason(&error)))?;
    }
    Ok(file)
}

fn open_output(options: &Options, block: usize) -> Result<ManuallyDrop<File>, String> {
    let seek = options.seek.bytes(block, options.has("seek_bytes"));
    let mut file = match &options.output {
        None => standard(1),
        Some(name) => {
            let failed =
                |error: io::Error| format!("failed to open '{}': {}", name.to_text(), reason(&error));
            let file = OpenOptions::new()
                .write(!options.has("append"))
                .append(options.has("append"))
                .create(!options.has("nocreat") && !options.has("excl"))
                .create_new(options.has("excl"))
                .open(name)
                .map_err(failed)?;
            // Only regular files have a length to set.
            if !options.has("notrunc") && !options.has("append") {
                let is_file = file.metadata().map_err(failed)?.is_file();
                if is_file {
                    file.set_len(seek).map_err(failed)?;
                }
            }
            ManuallyDrop::new(file)
        }
    };
    if seek > 0 && file.seek(SeekFrom::Current(seek as i64)).is_err() {
        io::copy(&mut io::repeat(0).take(seek), &mut *file)
            .map_err(|error| format!("cannot seek in the output: {}", reason(&error)))?;
    }
    Ok(file)
}

/// Whether only an end makes what is read shorter than it should be: a file, or a device that never waits. The virtual
/// machine may give such a block in several pieces, which Linux does not.
fn gives_whole_blocks(options: &Options, input: &File) -> bool {
    let endless = ["/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
    let is_endless = options.input.as_ref().is_some_and(|name| endless.iter().any(|known| name == known));
    let is_file = match options.input {
        Some(_) => input.metadata().is_ok_and(|about| about.is_file()),
        // WASI does not tell what standard input is.
        None => descriptors::inherited(0)
            .and_then(|input| input.status())
            .is_ok_and(|known| known.file_type == FileType::RegularFile),
    };
    is_endless || is_file
}

/// Reads one block: what one `read` gives, or, if `whole`, until the block is full or the input ends.
fn fill(input: &mut File, block: &mut [u8], whole: bool) -> io::Result<usize> {
    let mut length = 0;
    loop {
        match input.read(&mut block[length..]) {
            Ok(0) => return Ok(length),
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if !whole || length == block.len() {
            return Ok(length);
        }
    }
}

fn convert(options: &Options, bytes: &mut [u8]) {
    if options.has("swab") {
        bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
    }
    if options.has("lcase") {
        bytes.make_ascii_lowercase();
    }
    if options.has("ucase") {
        bytes.make_ascii_uppercase();
    }
}

fn report(options: &Options, read: &Records, written: &Records, bytes: u64, began: Instant) {
    if options.status == Status::None {
        return;
    }
    let mut to = io::stderr();
    let _ = writeln!(to, "{}+{} records in", read.whole, read.partial);
    let _ = writeln!(to, "{}+{} records out", written.whole, written.partial);
    if options.status == Status::NoTransfer {
        return;
    }
    let seconds = began.elapsed().as_secs_f64();
    let sizes = match (scaled(bytes as f64, 1000.0, "B"), scaled(bytes as f64, 1024.0, "iB")) {
        _ if bytes < 1000 => String::new(),
        (decimal, _) if bytes < 1024 => format!(" ({decimal})"),
        (decimal, binary) => format!(" ({decimal}, {binary})"),
    };
    let unit = if bytes == 1 { "byte" } else { "bytes" };
    let rate = scaled(bytes as f64 / seconds.max(1e-9), 1000.0, "B");
    let _ = writeln!(to, "{bytes} {unit}{sizes} copied, {seconds:.6} s, {rate}/s");
}

fn scaled(mut size: f64, base: f64, unit: &str) -> String {
    let mut prefix = "";
    for next in [if base == 1000.0 { "k" } else { "K" }, "M", "G", "T"] {
        if size < base {
            break;
        }
        size /= base;
        prefix = next;
    }
    let unit = if prefix.is_empty() { "B" } else { unit };
    if size < 10.0 && !prefix.is_empty() {
        format!("{size:.1} {prefix}{unit}")
    } else {
        format!("{size:.0} {prefix}{unit}")
    }
}
