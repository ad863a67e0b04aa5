//! `gzip`, `gunzip` and `zcat`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use cordon_multicall::say;
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::reason;

type Args = std::vec::IntoIter<OsString>;

/// What packed files begin with.
const MAGIC: &[u8] = b"\x1f\x8b";

/// Exit statuses: something failed, and something was left alone.
const FAILED: i32 = 1;
const WARNED: i32 = 2;

const HELP: &str = "\
Usage: gzip [OPTION]... [FILE]...
Compress or uncompress FILEs (by default, compress FILES in-place).

  -c, --stdout      write on standard output, keep original files unchanged
  -d, --decompress  decompress
  -f, --force       force overwrite of output file
  -k, --keep        keep (don't delete) input files
  -n, --no-name     accepted; names are never saved
  -q, --quiet       suppress all warnings
  -r, --recursive   operate recursively on directories
  -t, --test        test compressed file integrity
  -v, --verbose     verbose mode
  -1 .. -9          compress faster .. better";

#[derive(Default)]
struct Options {
    decompress: bool,
    to_output: bool,
    force: bool,
    keep: bool,
    quiet: bool,
    recursive: bool,
    test: bool,
    verbose: bool,
    level: Option<u32>,
}

pub fn gzip(args: Args) -> i32 {
    main(args, Options::default())
}

pub fn gunzip(args: Args) -> i32 {
    main(args, Options { decompress: true, ..Options::default() })
}

pub fn zcat(args: Args) -> i32 {
    main(args, Options { decompress: true, to_output: true, ..Options::default() })
}

fn main(args: Args, mut options: Options) -> i32 {
    let mut files: Vec<String> = vec![];
    let mut only_operands = false;
    for arg in args.skip(1) {
        let word = arg.to_text().into_owned();
        if only_operands || word == "-" || !word.starts_with('-') {
            files.push(word);
            continue;
        }
        let letters: Vec<char> = match word.as_str() {
            "--" => {
                only_operands = true;
                continue;
            }
            "--help" => {
                say(&mut io::stdout(), HELP);
                return 0;
            }
            "--stdout" | "--to-stdout" => vec!['c'],
            "--decompress" | "--uncompress" => vec!['d'],
            "--force" => vec!['f'],
            "--keep" => vec!['k'],
            "--no-name" | "--name" => vec!['n'],
            "--quiet" => vec!['q'],
            "--recursive" => vec!['r'],
            "--test" => vec!['t'],
            "--verbose" => vec!['v'],
            "--fast" => vec!['1'],
            "--best" => vec!['9'],
            long if long.starts_with("--") => {
                say(&mut io::stderr(), &format!("gzip: unrecognized option '{word}'"));
                return FAILED;
            }
            short => short[1..].chars().collect(),
        };
        for letter in letters {
            match letter {
                'c' => options.to_output = true,
                'd' => options.decompress = true,
                'f' => options.force = true,
                'k' => options.keep = true,
                'n' | 'N' => {}
                'q' => options.quiet = true,
                'r' => options.recursive = true,
                't' => (options.test, options.decompress) = (true, true),
                'v' => options.verbose = true,
                '1'..='9' => options.level = letter.to_digit(10),
                other => {
                    say(&mut io::stderr(), &format!("gzip: invalid option -- '{other}'"));
                    return FAILED;
                }
            }
        }
    }
    if files.is_empty() {
        files.push("-".into());
    }
    let mut status = 0;
    for file in files {
        match options.file(&file) {
            Ok(()) => {}
            Err((WARNED, message)) => {
                if !options.quiet {
                    say(&mut io::stderr(), &format!("gzip: {message}"));
                }
                status = status.max(WARNED);
            }
            Err((_, message)) => {
                say(&mut io::stderr(), &format!("gzip: {message}"));
                // A failure counts more than a warning.
                status = FAILED;
            }
        }
    }
    status
}

impl Options {
    fn file(&self, name: &str) -> Result<(), (i32, String)> {
        if name == "-" {
            let out = BufWriter::new(io::stdout().lock());
            return self.pass("stdin", io::stdin().lock(), out).map(drop);
        }
        let failed = |error: io::Error| (FAILED, format!("{name}: {}", reason(&error)));
        // A compressed file may be named without its ending.
        let found = match self.decompress && !name.ends_with(".gz") && fs::metadata(name).is_err() {
            true => format!("{name}.gz"),
            false => name.into(),
        };
        let kind = fs::metadata(&found).map_err(|error| (FAILED, format!("{found}: {}", reason(&error))))?;
        if kind.is_dir() {
            if !self.recursive {
                return Err((WARNED, format!("{name} is a directory -- ignored")));
            }
            let entries = fs::read_dir(name).map_err(failed)?;
            let mut names: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            names.sort();
            return names.iter().try_for_each(|path| self.file(&path.to_text()));
        }
        let target = if self.decompress { unpacked_name(&found) } else { packed_name(&found) };
        let input = BufReader::new(File::open(&found).map_err(failed)?);
        if self.to_output || self.test {
            return self.pass(&found, input, BufWriter::new(io::stdout().lock())).map(drop);
        }
        let target = target?;
        if !self.force && Path::new(&target).exists() {
            return Err((WARNED, format!("{target} already exists;\tnot overwritten")));
        }
        // One of its names would be left with what was there before.
        let others =
            filesystem::status(&found, Symlinks::Follow).map_or(0, |known| known.links.saturating_sub(1));
        if others > 0 && !self.force {
            let links = if others == 1 { "link" } else { "links" };
            return Err((WARNED, format!("{found} has {others} other {links} -- file ignored")));
        }
        let out = File::create(&target).map_err(|error| (FAILED, format!("{target}: {}", reason(&error))))?;
        if let Err(failure) = self.pass(&found, input, BufWriter::new(out)) {
            let _ = fs::remove_file(&target);
            return Err(failure);
        }
        if let Ok(status) = filesystem::status(&found, Symlinks::Follow) {
            // What cannot be kept of the file is not worth losing its contents for.
            let _ = filesystem::set_mode(&target, status.mode & 0o7777);
            let _ = filesystem::set_times(&target, status.accessed, status.modified, Symlinks::Follow);
        }
        if self.verbose {
            let verb = if self.keep { "created" } else { "replaced with" };
            say(&mut io::stderr(), &format!("{found}:\t{verb} {target}"));
        }
        if self.keep { Ok(()) } else { fs::remove_file(&found).map_err(failed) }
    }

    fn pass(&self, name: &str, mut input: impl BufRead, mut out: impl Write) -> Result<u64, (i32, String)> {
        let broken = |error: io::Error| {
            let text = match error.kind() {
                io::ErrorKind::InvalidInput => "not in gzip format".into(),
                io::ErrorKind::UnexpectedEof => "unexpected end of file".into(),
                io::ErrorKind::InvalidData => "invalid compressed data--format violated".into(),
                _ => reason(&error),
            };
            (FAILED, format!("{name}: {text}"))
        };
        let is_packed = |start: &[u8]| start.starts_with(MAGIC);
        let lets_through = self.decompress && self.to_output && self.force && !self.test;
        let count = if lets_through && !is_packed(input.fill_buf().map_err(broken)?) {
            io::copy(&mut input, &mut out)
        } else if self.test {
            io::copy(&mut MultiGzDecoder::new(input), &mut io::sink())
        } else if self.decompress {
            io::copy(&mut MultiGzDecoder::new(input), &mut out)
        } else {
            let mut encoder = GzEncoder::new(&mut out, Compression::new(self.level.unwrap_or(6)));
            io::copy(&mut input, &mut encoder).and_then(|count| encoder.finish().map(|_| count))
        };
        let count = count.map_err(broken)?;
        out.flush().map_err(broken)?;
        Ok(count)
    }
}

fn packed_name(name: &str) -> Result<String, (i32, String)> {
    if name.ends_with(".gz") || name.ends_with(".tgz") {
        return Err((WARNED, format!("{name} already has .gz suffix -- unchanged")));
    }
    Ok(format!("{name}.gz"))
}

fn unpacked_name(name: &str) -> Result<String, (i32, String)> {
    if let Some(bare) = name.strip_suffix(".gz") {
        return Ok(bare.into());
    }
    match name.strip_suffix(".tgz") {
        Some(bare) => Ok(format!("{bare}.tar")),
        None => Err((WARNED, format!("{name}: unknown suffix -- ignored"))),
    }
}
