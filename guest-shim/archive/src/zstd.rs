//! `zstd` with its like, over the crate `zstd`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};

use cordon_multicall::{options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;

use crate::reason;

type Args = std::vec::IntoIter<OsString>;

/// What frames begin with.
pub const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

const HELP: &str = "\
Usage: zstd [OPTIONS...] [FILE...]
Compress or decompress FILEs; where there is none, or it is `-', the standard input.

  -o OUTPUT        write output to a single file, OUTPUT
  -d, --decompress decompress
  -z, --compress   compress
  -k, --keep       preserve input files (default)
  --rm             remove input files after they were processed
  -1 .. -19        compression level (default 3); --fast, --ultra -20 .. -22
  -f, --force      overwrite output; with -dc let through what is not compressed
  -c, --stdout     write to standard output
  -t, --test       test the integrity of compressed files
  -r               process the files of directories
  -q, -v           say less, say more";

const LONGS: &[&str] = &[
    "decompress=d",
    "uncompress=d",
    "compress=z",
    "keep=k",
    "rm=R",
    "force=f",
    "stdout=c",
    "to-stdout=c",
    "test=t",
    "quiet=q",
    "verbose=v",
    "fast::=F",
    "ultra=U",
    "long::=L",
    "threads:=T",
    "single-thread=s",
    "check=C",
    "no-check=s",
    "no-progress=s",
    "progress=s",
    "sparse=s",
    "no-sparse=s",
    "rsyncable=s",
    "adapt=s",
    "help=h",
    "version=V",
];

struct Job {
    unpacks: bool,
    tests: bool,
    to_output: bool,
    removes: bool,
    force: bool,
    quiet: bool,
    recursive: bool,
    level: i32,
    checks: bool,
    place: Option<String>,
}

pub fn zstd(args: Args) -> i32 {
    main("zstd", args, false, false)
}

pub fn unzstd(args: Args) -> i32 {
    main("unzstd", args, true, false)
}

pub fn zstdcat(args: Args) -> i32 {
    main("zstdcat", args, true, true)
}

fn main(name: &str, args: Args, unpacks: bool, to_output: bool) -> i32 {
    let parsed = match options::parse(args, "dzkfctqvrhHVo:T:M:D:l0123456789", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("{name}: {message}\nTry '{name} --help' for more information."));
            return 1;
        }
    };
    let mut job = Job {
        unpacks,
        tests: false,
        to_output,
        removes: false,
        force: to_output,
        quiet: false,
        recursive: false,
        level: 3,
        checks: true,
        place: None,
    };
    let mut digits = String::new();
    for (letter, value) in &parsed.options {
        match letter {
            'd' => job.unpacks = true,
            'z' => job.unpacks = false,
            'k' => job.removes = false,
            'R' => job.removes = true,
            'f' => job.force = true,
            'c' => job.to_output = true,
            't' => (job.unpacks, job.tests) = (true, true),
            'q' => job.quiet = true,
            'r' => job.recursive = true,
            'o' => job.place = Some(value.clone()),
            'F' => job.level = -value.parse().unwrap_or(1),
            'D' | 'l' => {
                say(&mut io::stderr(), &format!("{name}: -{letter} is not supported"));
                return 1;
            }
            'h' | 'H' => {
                say(&mut io::stdout(), HELP);
                return 0;
            }
            'V' => {
                say(&mut io::stdout(), "zstd (cordon)");
                return 0;
            }
            '0'..='9' => digits.push(*letter),
            _ => {}
        }
    }
    if let Ok(level) = digits.parse::<i32>() {
        job.level = level.clamp(1, 22);
    }
    let files = parsed.files();
    if let (Some(place), false, false) = (&job.place, job.tests, job.to_output) {
        return job.join(&files, &place.clone());
    }
    files.iter().fold(0, |status, file| status.max(job.file(file)))
}

impl Job {
    fn complain(&self, message: &str) -> i32 {
        say(&mut io::stderr(), &format!("zstd: {message}"));
        1
    }

    /// Writes all files into one.
    fn join(&self, files: &[String], place: &str) -> i32 {
        if !self.force && fs::symlink_metadata(place).is_ok() && place != "/dev/null" {
            return self.complain(&format!("{place} already exists; not overwritten  "));
        }
        let mut out = match File::create(place) {
            Ok(out) => out,
            Err(error) => return self.complain(&format!("{place}: {} ", reason(&error))),
        };
        files.iter().fold(0, |status, file| {
            let outcome = match self.open(file) {
                Ok(input) => self.pass(file, input, &mut out),
                Err(message) => Err(message),
            };
            status.max(outcome.map_or_else(|message| self.complain(&message), |()| 0))
        })
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read>, String> {
        if name == "-" {
            return Ok(Box::new(io::stdin().lock()));
        }
        let about = fs::metadata(name)
            .map_err(|error| format!("can't stat {name} : {} -- ignored ", reason(&error)))?;
        if about.is_dir() {
            return Err(format!("{name} is a directory -- ignored "));
        }
        File::open(name)
            .map(|file| Box::new(file) as Box<dyn Read>)
            .map_err(|error| format!("{name}: {} ", reason(&error)))
    }

    fn file(&self, name: &str) -> i32 {
        if self.recursive && fs::metadata(name).is_ok_and(|about| about.is_dir()) {
            let mut paths: Vec<_> =
                fs::read_dir(name).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            paths.sort();
            return paths.iter().fold(0, |status, path| status.max(self.file(&path.to_text())));
        }
        match self.file_alone(name) {
            Ok(()) => 0,
            Err(message) => self.complain(&message),
        }
    }

    fn file_alone(&self, name: &str) -> Result<(), String> {
        let input = self.open(name)?;
        if self.tests {
            self.pass(name, input, &mut io::sink())?;
            if !self.quiet {
                say(&mut io::stderr(), &format!("{name:<20}: ok"));
            }
            return Ok(());
        }
        if self.to_output || name == "-" {
            let mut out = io::stdout().lock();
            self.pass(name, input, &mut out)?;
            return out
                .flush()
                .map_err(|error| format!("error writing to standard output: {}", reason(&error)));
        }
        let target = if self.unpacks {
            let bare = name.strip_suffix(".zst").map(str::to_owned);
            let bare = bare.or_else(|| Some(format!("{}.tar", name.strip_suffix(".tzst")?)));
            bare.ok_or_else(|| format!("{name}: unknown suffix (.zst/.tzst expected). Can't derive the output file name. Specify it with -o dstFileName. Ignoring."))?
        } else {
            format!("{name}.zst")
        };
        if !self.force && fs::symlink_metadata(&target).is_ok() {
            return Err(format!("{target} already exists; not overwritten  "));
        }
        let mut out = File::create(&target).map_err(|error| format!("{target}: {} ", reason(&error)))?;
        if let Err(message) = self.pass(name, input, &mut out) {
            let _ = fs::remove_file(&target);
            return Err(message);
        }
        drop(out);
        if let Ok(status) = filesystem::status(name, Symlinks::Follow) {
            // What cannot be kept of the file is not worth losing its contents for.
            let _ = filesystem::set_mode(&target, status.mode & 0o7777);
            let _ = filesystem::set_times(&target, status.accessed, status.modified, Symlinks::Follow);
        }
        if !self.quiet {
            let size = |name: &str| fs::metadata(name).map_or(0, |about| about.len());
            let (from, to) = (size(name), size(&target));
            let line = if self.unpacks {
                format!("{name:<20}: {to} bytes ")
            } else {
                let share = if from == 0 { 0.0 } else { to as f64 / from as f64 * 100.0 };
                format!("{name:<20} :{share:6.2}%   ({from:>6} B => {to:>6} B, {target}) ")
            };
            say(&mut io::stderr(), &line);
        }
        if self.removes {
            fs::remove_file(name).map_err(|error| format!("{name}: {} ", reason(&error)))?;
        }
        Ok(())
    }

    fn pass(&self, name: &str, input: impl Read, out: &mut dyn Write) -> Result<(), String> {
        let broken = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("{name} : Read error (39) : premature end "),
            _ => format!("{name} : Decoding error (36) : {} ", reason(&error)),
        };
        let mut input = BufReader::with_capacity(128 * 1024, input);
        if !self.unpacks {
            let told = |error: io::Error| format!("{name}: {} ", reason(&error));
            let mut encoder = ::zstd::Encoder::new(out, self.level).map_err(told)?;
            encoder.include_checksum(self.checks).map_err(told)?;
            io::copy(&mut input, &mut encoder).map_err(told)?;
            return encoder.finish().map(drop).map_err(told);
        }
        let start = input.fill_buf().map_err(broken)?;
        if start.is_empty() {
            return Err(format!("{name}: unexpected end of file "));
        }
        // Frames that hold nothing for us begin with other numbers.
        let is_packed = start.starts_with(MAGIC)
            || start.len() >= 4 && start[0] & 0xf0 == 0x50 && start[1..4] == *b"\x2a\x4d\x18";
        if !is_packed {
            if self.force && self.to_output {
                return io::copy(&mut input, out).map(drop).map_err(broken);
            }
            return Err(format!("{name}: unsupported format "));
        }
        let mut decoder = ::zstd::Decoder::with_buffer(input).map_err(broken)?;
        io::copy(&mut decoder, out).map(drop).map_err(broken)
    }
}
