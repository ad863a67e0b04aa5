//! `bzip2` and `xz` with their like, over the crates `bzip2` and `lzma-rust2`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Cursor, Read, Write};

use bzip2::Compression;
use bzip2::read::MultiBzDecoder;
use bzip2::write::BzEncoder;
use cordon_multicall::{options, say};
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lzma_rust2::{CheckType, XzOptions, XzReader, XzWriter};

use crate::{reason, zstd};

type Args = std::vec::IntoIter<OsString>;

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Bzip2,
    Xz,
}

impl Format {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
        }
    }

    /// Endings of packed files, and what stands there when they are unpacked.
    const fn endings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Bzip2 => &[(".bz2", ""), (".bz", ""), (".tbz2", ".tar"), (".tbz", ".tar")],
            Self::Xz => &[(".xz", ""), (".txz", ".tar")],
        }
    }
}

/// What a call does by its name, before its options.
#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    format: Format,
    unpacks: bool,
    to_output: bool,
}

pub fn bzip2(args: Args) -> i32 {
    main(args, Call { name: "bzip2", format: Format::Bzip2, unpacks: false, to_output: false })
}

pub fn bunzip2(args: Args) -> i32 {
    main(args, Call { name: "bunzip2", format: Format::Bzip2, unpacks: true, to_output: false })
}

pub fn bzcat(args: Args) -> i32 {
    main(args, Call { name: "bzcat", format: Format::Bzip2, unpacks: true, to_output: true })
}

pub fn xz(args: Args) -> i32 {
    main(args, Call { name: "xz", format: Format::Xz, unpacks: false, to_output: false })
}

pub fn unxz(args: Args) -> i32 {
    main(args, Call { name: "unxz", format: Format::Xz, unpacks: true, to_output: false })
}

pub fn xzcat(args: Args) -> i32 {
    main(args, Call { name: "xzcat", format: Format::Xz, unpacks: true, to_output: true })
}

const HELP: &str = "[OPTION]... [FILE]...
Compress or decompress FILEs.

  -z, --compress      force compression
  -d, --decompress    force decompression
  -t, --test          test compressed file integrity
  -c, --stdout        write to standard output and don't delete input files
  -k, --keep          keep (don't delete) input files
  -f, --force         force overwrite of output file
  -q, --quiet         suppress warnings
  -v, --verbose       be verbose
  -1 .. -9            compress faster .. better";

const BZIP2_LONGS: &[&str] = &[
    "compress=z",
    "decompress=d",
    "test=t",
    "stdout=c",
    "keep=k",
    "force=f",
    "quiet=q",
    "verbose=v",
    "small=s",
    "fast=1",
    "best=9",
    "help=h",
    "license=L",
    "version=V",
];

const XZ_LONGS: &[&str] = &[
    "compress=z",
    "decompress=d",
    "uncompress=d",
    "test=t",
    "stdout=c",
    "to-stdout=c",
    "keep=k",
    "force=f",
    "quiet=q",
    "verbose=v",
    "extreme=e",
    "suffix:=S",
    "format:=F",
    "check:=C",
    "threads:=T",
    "memlimit:=M",
    "memlimit-compress:=M",
    "memlimit-decompress:=M",
    "no-warn=Q",
    "no-sparse=n",
    "fast=0",
    "best=9",
    "list=l",
    "help=h",
    "version=V",
];

struct Job {
    call: Call,
    tests: bool,
    keeps: bool,
    force: bool,
    quiet: bool,
    verbose: bool,
    level: u32,
    suffix: String,
    check: CheckType,
}

/// A failure's status and text.
type Failure = (i32, String);

fn main(args: Args, call: Call) -> i32 {
    let is_xz = call.format == Format::Xz;
    let (shorts, longs) = if is_xz {
        ("zdtckfqveS:F:C:T:M:QlhHV0123456789", XZ_LONGS)
    } else {
        ("zdtckfqvshLV123456789", BZIP2_LONGS)
    };
    let fail = |status: i32, message: &str| {
        say(&mut io::stderr(), &format!("{}: {message}", call.name));
        status
    };
    let parsed = match options::parse(args, shorts, longs) {
        Ok(parsed) => parsed,
        Err(message) if is_xz => {
            return fail(1, &format!("{message}\nxz: Try `xz --help' for more information."));
        }
        Err(message) => {
            let flag = message.rsplit_once('\'').and_then(|(rest, _)| rest.rsplit_once('\''));
            let flag = flag.map_or("", |(_, flag)| flag);
            let hyphen = if message.starts_with("invalid") { "-" } else { "" };
            return fail(1, &format!("Bad flag `{hyphen}{flag}'\nUsage: {} {HELP}", call.name));
        }
    };
    let mut job = Job {
        call,
        tests: false,
        keeps: false,
        force: false,
        quiet: false,
        verbose: false,
        level: if is_xz { 6 } else { 9 },
        suffix: call.format.suffix().into(),
        check: CheckType::Crc64,
    };
    for (letter, value) in &parsed.options {
        match letter {
            'z' => (job.call.unpacks, job.tests) = (false, false),
            'd' => (job.call.unpacks, job.tests) = (true, false),
            't' => (job.call.unpacks, job.tests) = (true, true),
            'c' => job.call.to_output = true,
            'k' => job.keeps = true,
            'f' => job.force = true,
            'q' => job.quiet = true,
            'v' => job.verbose = true,
            'S' if value.is_empty() || value.contains('/') => {
                return fail(1, &format!("{value}: Invalid filename suffix"));
            }
            'S' => job.suffix.clone_from(value),
            'F' if matches!(value.as_str(), "xz" | "auto") => {}
            'F' => return fail(1, &format!("{value}: this file format is not supported here")),
            'C' => {
                job.check = match value.as_str() {
                    "none" => CheckType::None,
                    "crc32" => CheckType::Crc32,
                    "crc64" => CheckType::Crc64,
                    "sha256" => CheckType::Sha256,
                    _ => return fail(1, &format!("{value}: Unsupported integrity check type")),
                };
            }
            'l' => return fail(1, "option '--list' is not supported"),
            'h' | 'H' => {
                say(&mut io::stdout(), &format!("Usage: {} {HELP}", call.name));
                return 0;
            }
            'V' | 'L' => {
                say(&mut io::stdout(), &format!("{} (cordon)", call.name));
                return 0;
            }
            '0'..='9' => job.level = letter.to_digit(10).unwrap_or(6),
            _ => {}
        }
    }
    let mut status = 0;
    for name in parsed.files() {
        if let Err((failed, message)) = job.file(&name) {
            if !(job.quiet && failed == WARNED && is_xz) {
                fail(0, &message);
            }
            // xz counts a failure more than a warning, bzip2 the greater number.
            status =
                if is_xz && status == FAILED { FAILED } else { failed.max(if is_xz { 0 } else { status }) };
        }
    }
    status
}

const FAILED: i32 = 1;
/// What xz ends with where it leaves a file alone, and bzip2 where a file's contents are wrong.
const WARNED: i32 = 2;

impl Job {
    fn file(&self, name: &str) -> Result<(), Failure> {
        let is_xz = self.call.format == Format::Xz;
        if name == "-" {
            return self.pass("(stdin)", io::stdin().lock(), BufWriter::new(io::stdout().lock())).map(drop);
        }
        let cannot = |error: io::Error| {
            let why = reason(&error);
            (
                FAILED,
                if is_xz {
                    format!("{name}: {why}")
                } else {
                    format!("Can't open input file {name}: {why}.")
                },
            )
        };
        let about = fs::metadata(name).map_err(cannot)?;
        if about.is_dir() {
            return Err(if is_xz {
                (WARNED, format!("{name}: Is a directory, skipping"))
            } else {
                (FAILED, format!("Input file {name} is a directory."))
            });
        }
        let in_place = !self.call.to_output && !self.tests;
        let target = if in_place { self.target(name)? } else { String::new() };
        let input = BufReader::with_capacity(64 * 1024, File::open(name).map_err(cannot)?);
        if !in_place {
            self.pass(name, input, BufWriter::with_capacity(64 * 1024, io::stdout().lock()))?;
            if self.tests && self.verbose {
                say(&mut io::stderr(), &if is_xz { name.to_owned() } else { format!("  {name}: ok") });
            }
            return Ok(());
        }
        if !self.force && fs::symlink_metadata(&target).is_ok() {
            return Err((
                FAILED,
                if is_xz {
                    format!("{target}: File exists")
                } else {
                    format!("Output file {target} already exists.")
                },
            ));
        }
        let out = File::create(&target).map_err(|error| {
            let why = reason(&error);
            (
                FAILED,
                if is_xz {
                    format!("{target}: {why}")
                } else {
                    format!("Can't create output file {target}: {why}.")
                },
            )
        })?;
        let passed = self.pass(name, input, BufWriter::with_capacity(64 * 1024, out));
        if let Err(failure) = passed {
            let _ = fs::remove_file(&target);
            return Err(failure);
        }
        if let Ok(status) = filesystem::status(name, Symlinks::Follow) {
            // What cannot be kept of the file is not worth losing its contents for.
            let _ = filesystem::set_mode(&target, status.mode & 0o7777);
            let _ = filesystem::set_times(&target, status.accessed, status.modified, Symlinks::Follow);
        }
        if self.verbose {
            let size = |name: &str| fs::metadata(name).map_or(0, |about| about.len());
            say(&mut io::stderr(), &format!("  {name}: {} in, {} out.", size(name), size(&target)));
        }
        if self.keeps { Ok(()) } else { fs::remove_file(name).map_err(cannot) }
    }

    /// The name of the file that is made of this one.
    fn target(&self, name: &str) -> Result<String, Failure> {
        let is_xz = self.call.format == Format::Xz;
        let endings = self.call.format.endings();
        let stem = |ending: &str| {
            name.strip_suffix(ending)
                .filter(|stem| !stem.is_empty() && !stem.ends_with('/'))
                .map(str::to_owned)
        };
        if self.call.unpacks {
            if let Some(bare) = stem(&self.suffix) {
                return Ok(bare);
            }
            if let Some(found) =
                endings.iter().find_map(|(ending, other)| Some(format!("{}{other}", stem(ending)?)))
            {
                return Ok(found);
            }
            if is_xz {
                // What is no archive at all is told first.
                let mut head = vec![];
                let read = File::open(name).and_then(|file| file.take(6).read_to_end(&mut head));
                let is_packed = read.is_ok() && Packing::of_head(&head) == Some(Packing::Xz);
                return Err(if is_packed {
                    (WARNED, format!("{name}: Filename has an unknown suffix, skipping"))
                } else {
                    (FAILED, format!("{name}: File format not recognized"))
                });
            }
            say(
                &mut io::stderr(),
                &format!("{}: Can't guess original name for {name} -- using {name}.out", self.call.name),
            );
            return Ok(format!("{name}.out"));
        }
        if let Some((ending, _)) = endings.iter().find(|(ending, _)| stem(ending).is_some()) {
            return Err(if is_xz {
                (WARNED, format!("{name}: File already has `{ending}' suffix, skipping"))
            } else {
                (FAILED, format!("Input file {name} already has {ending} suffix."))
            });
        }
        Ok(format!("{name}{}", self.suffix))
    }

    fn pass(&self, name: &str, input: impl BufRead, mut out: impl Write) -> Result<u64, Failure> {
        let failed = |error: io::Error| self.failure(name, &error);
        let count = match (self.call.format, self.call.unpacks) {
            (format, true) => {
                let mut input = input;
                let head = input.fill_buf().map_err(failed)?;
                let magic: &[u8] = if format == Format::Xz { b"\xfd7zXZ\0" } else { b"BZh" };
                // As far as the first bytes are there at all.
                let known = head.len().min(magic.len());
                if head.is_empty() {
                    // Nothing unpacks to nothing, but for a file that is to be tested.
                    return match format {
                        Format::Xz => Err((FAILED, format!("{name}: Unexpected end of input"))),
                        Format::Bzip2 => Err((
                            WARNED,
                            format!(
                                "Compressed file ends unexpectedly;\n\tperhaps it is corrupted?  ({name})"
                            ),
                        )),
                    };
                }
                if head[..known] != magic[..known] {
                    return Err(match (format, self.tests) {
                        (Format::Xz, _) => (FAILED, format!("{name}: File format not recognized")),
                        (_, true) => {
                            (WARNED, format!("{name}: bad magic number (file not created by bzip2)"))
                        }
                        (_, false) => (WARNED, format!("{name} is not a bzip2 file.")),
                    });
                }
                let mut reader = unpacked(format, input);
                if self.tests {
                    io::copy(&mut reader, &mut io::sink())
                } else {
                    io::copy(&mut reader, &mut out)
                }
            }
            (format, false) => pack(format, input, &mut out, self.level, self.check),
        };
        let count = count.map_err(failed)?;
        out.flush().map_err(failed)?;
        Ok(count)
    }

    fn failure(&self, name: &str, error: &io::Error) -> Failure {
        let is_end = error.kind() == io::ErrorKind::UnexpectedEof;
        let is_contents = matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other
        );
        match self.call.format {
            Format::Xz => {
                let text = if is_end {
                    "Unexpected end of input".into()
                } else if error.kind() == io::ErrorKind::OutOfMemory {
                    "Memory usage limit reached".into()
                } else if is_contents {
                    "Compressed data is corrupt".into()
                } else {
                    reason(error)
                };
                (FAILED, format!("{name}: {text}"))
            }
            Format::Bzip2 if is_end => {
                (WARNED, format!("Compressed file ends unexpectedly;\n\tperhaps it is corrupted?  ({name})"))
            }
            Format::Bzip2 if is_contents => (
                WARNED,
                format!(
                    "Data integrity error when decompressing.\n\tInput file = {name}, output file = (stdout)"
                ),
            ),
            Format::Bzip2 => (FAILED, format!("{name}: {}", reason(error))),
        }
    }
}

/// How much memory the dictionary of a packed file may ask for, in KiB: more is an error instead of the VM's limit.
const XZ_MEMORY: u32 = 80 << 10;
/// The largest dictionary for packing: looking for matches takes some eleven times its size.
const XZ_DICTIONARY: u32 = 4 << 20;

fn unpacked<'a>(format: Format, input: impl BufRead + 'a) -> Box<dyn Read + 'a> {
    match format {
        Format::Bzip2 => Box::new(MultiBzDecoder::new(input)),
        Format::Xz => Box::new(XzReader::new_mem_limit(input, true, XZ_MEMORY)),
    }
}

fn pack(
    format: Format,
    mut input: impl Read,
    out: &mut impl Write,
    level: u32,
    check: CheckType,
) -> io::Result<u64> {
    match format {
        Format::Bzip2 => {
            let mut encoder = BzEncoder::new(out, Compression::new(level.clamp(1, 9)));
            let count = io::copy(&mut input, &mut encoder)?;
            encoder.finish()?;
            Ok(count)
        }
        Format::Xz => {
            let mut options = XzOptions::with_preset(level);
            options.set_check_sum_type(check);
            // A dictionary larger than what is packed would be memory for nothing.
            let mut head = vec![];
            let most = u64::from(options.lzma_options.dict_size.min(XZ_DICTIONARY));
            (&mut input).take(most).read_to_end(&mut head)?;
            let size = u32::try_from(head.len()).unwrap_or(XZ_DICTIONARY);
            options.lzma_options.dict_size = size.next_power_of_two().clamp(4096, XZ_DICTIONARY);
            let mut writer = XzWriter::new(out, options)?;
            let count = io::copy(&mut Cursor::new(head).chain(input), &mut writer)?;
            writer.finish()?;
            Ok(count)
        }
    }
}

/// What a tape is packed with.
#[derive(Clone, Copy, PartialEq)]
pub enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    /// By the ending of an archive's name.
    pub fn of_name(name: &str) -> Option<Self> {
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".gz", ".tgz", ".taz"]) {
            Some(Self::Gzip)
        } else if ends(&[".bz2", ".tbz", ".tbz2", ".tz2"]) {
            Some(Self::Bzip2)
        } else if ends(&[".xz", ".txz"]) {
            Some(Self::Xz)
        } else if ends(&[".zst", ".tzst"]) {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    /// By what an archive begins with.
    pub fn of_head(head: &[u8]) -> Option<Self> {
        if head.starts_with(&[0x1f, 0x8b]) {
            Some(Self::Gzip)
        } else if head.starts_with(b"BZh") {
            Some(Self::Bzip2)
        } else if head.starts_with(b"\xfd7zXZ\0") {
            Some(Self::Xz)
        } else if head.starts_with(zstd::MAGIC) {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    pub fn reader<'a>(self, input: impl BufRead + 'a) -> Box<dyn Read + 'a> {
        match self {
            Self::Zstd => match ::zstd::Decoder::with_buffer(input) {
                Ok(decoder) => Box::new(decoder),
                // Where there is no room for one, an archive ends early.
                Err(_) => Box::new(io::empty()),
            },
            Self::Gzip => Box::new(MultiGzDecoder::new(input)),
            Self::Bzip2 => unpacked(Format::Bzip2, input),
            Self::Xz => unpacked(Format::Xz, input),
        }
    }

    /// # Errors
    /// Those of the encoder.
    pub fn writer<W: Write>(self, out: W) -> io::Result<Packed<W>> {
        Ok(match self {
            Self::Gzip => Packed::Gzip(GzEncoder::new(out, flate2::Compression::default())),
            Self::Bzip2 => Packed::Bzip2(BzEncoder::new(out, Compression::new(9))),
            Self::Xz => {
                let mut options = XzOptions::with_preset(6);
                options.lzma_options.dict_size = XZ_DICTIONARY;
                Packed::Xz(Box::new(XzWriter::new(out, options)?))
            }
            Self::Zstd => Packed::Zstd(::zstd::Encoder::new(out, 3)?),
        })
    }
}

/// Packs what is written.
pub enum Packed<W: Write> {
    Gzip(GzEncoder<W>),
    Bzip2(BzEncoder<W>),
    Xz(Box<XzWriter<W>>),
    Zstd(::zstd::Encoder<'static, W>),
}

impl<W: Write> Packed<W> {
    /// # Errors
    /// Those of what is written to.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Packed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Bzip2(encoder) => encoder.write(bytes),
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Bzip2(encoder) => encoder.flush(),
            Self::Xz(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
