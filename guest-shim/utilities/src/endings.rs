//! `dos2unix` and `unix2dos`: the ends of lines of DOS and Unix.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};

use cordon_multicall::files::reason;
use cordon_multicall::{options, say};
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;

type Args = std::vec::IntoIter<OsString>;

/// What the system says of a file that is not there.
const NOT_FOUND: i32 = 2;

const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, PartialEq)]
enum Target {
    Unix,
    Dos,
}

impl Target {
    const fn name(self) -> &'static str {
        if matches!(self, Self::Unix) { "dos2unix" } else { "unix2dos" }
    }

    const fn format(self) -> &'static str {
        if matches!(self, Self::Unix) { "Unix" } else { "DOS" }
    }
}

struct Job {
    target: Target,
    quiet: bool,
    force: bool,
    keeps_date: bool,
    follows: bool,
    /// What becomes of the mark at the beginning: none of these is the target's own way.
    mark: Option<bool>,
    adds_mark: bool,
    doubles: bool,
}

pub fn dos2unix(args: Args) -> i32 {
    main(args, Target::Unix)
}

pub fn unix2dos(args: Args) -> i32 {
    main(args, Target::Dos)
}

const LONGS: &[&str] = &[
    "ascii=a",
    "keep-bom=b",
    "convmode:=c",
    "force=f",
    "help=h",
    "keepdate=k",
    "newline=l",
    "add-bom=m",
    "newfile=n",
    "oldfile=o",
    "quiet=q",
    "remove-bom=r",
    "safe=s",
    "verbose=v",
    "follow-symlink=F",
    "replace-symlink=R",
    "skip-symlink=S",
    "info=i",
    "version=V",
];

fn main(args: Args, target: Target) -> i32 {
    let name = target.name();
    let usage = format!(
        "Usage: {name} [options] [file ...] [-n infile outfile ...]\n -b, --keep-bom        keep Byte Order Mark\n \
         -c, --convmode        conversion mode: ascii\n -f, --force           force conversion of binary files\n \
         -i, --info            display file information\n -k, --keepdate        keep output file date\n \
         -l, --newline         add additional newline\n -m, --add-bom         add Byte Order Mark\n \
         -n, --newfile         write to new file\n -o, --oldfile         write to old file (default)\n \
         -q, --quiet           quiet mode\n -r, --remove-bom      remove Byte Order Mark (default)\n \
         -s, --safe            skip binary files (default)\n -F, --follow-symlink  convert the targets of symbolic links\n \
         -S, --skip-symlink    keep symbolic links and targets unchanged (default)"
    );
    // Like long ones, some words begin with one hyphen.
    let args = args.map(|word| if word == "-ascii" { "--ascii".into() } else { word });
    let parsed = match options::begin(name, &usage, args, "bc:fhiklmnoqrsvFRSV", LONGS) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    if let Some(mode) = parsed.value('c').filter(|mode| *mode != "ascii") {
        say(&mut io::stderr(), &format!("{name}: conversion mode {mode} is not there"));
        return 1;
    }
    let job = Job {
        target,
        quiet: parsed.has('q'),
        force: parsed.has('f'),
        keeps_date: parsed.has('k'),
        follows: parsed.has('F') || parsed.has('R'),
        mark: parsed.has('b').then_some(true).or(parsed.has('r').then_some(false)),
        adds_mark: parsed.has('m'),
        doubles: parsed.has('l'),
    };
    let files = parsed.words();
    if parsed.has('i') {
        return files.iter().fold(0, |status, file| status.max(info(name, file)));
    }
    if files.is_empty() {
        let mut bytes = vec![];
        if let Err(error) = io::stdin().read_to_end(&mut bytes) {
            say(&mut io::stderr(), &format!("{name}: {}", reason(&error)));
            return 1;
        }
        let mut out = io::stdout();
        return i32::from(out.write_all(&job.convert(&bytes)).and_then(|()| out.flush()).is_err());
    }
    let mut status = 0;
    if parsed.has('n') {
        if !files.len().is_multiple_of(2) {
            say(
                &mut io::stderr(),
                &format!("{name}: target of file {} not specified in new-file mode", files[files.len() - 1]),
            );
            return 1;
        }
        for pair in files.chunks(2) {
            status = status.max(job.file(&pair[0], Some(&pair[1])));
        }
    } else {
        for file in &files {
            status = status.max(job.file(file, None));
        }
    }
    status
}

impl Job {
    fn tell(&self, text: &str) {
        if !self.quiet {
            say(&mut io::stderr(), &format!("{}: {text}", self.target.name()));
        }
    }

    fn file(&self, name: &str, other: Option<&str>) -> i32 {
        let is_link = fs::symlink_metadata(name).is_ok_and(|about| about.is_symlink());
        if is_link && !self.follows {
            self.tell(&format!("Skipping symbolic link {name}."));
            return 0;
        }
        let about = match fs::metadata(name) {
            Ok(about) => about,
            Err(error) => {
                self.tell(&format!("{name}: {}", reason(&error)));
                self.tell(&format!("Skipping {name}, not a regular file."));
                // Who wants to hear nothing hears nothing.
                return if self.quiet { 0 } else { NOT_FOUND };
            }
        };
        if !about.is_file() {
            self.tell(&format!("Skipping {name}, not a regular file."));
            return 0;
        }
        let bytes = match fs::read(name) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.tell(&format!("{name}: {}", reason(&error)));
                return 1;
            }
        };
        if !self.force
            && let Some((line, symbol)) = binary(&bytes)
        {
            self.tell(&format!("Binary symbol 0x{symbol:02X} found at line {line}"));
            self.tell(&format!("Skipping binary file {name}"));
            return 0;
        }
        let format = self.target.format();
        match other {
            Some(other) => {
                self.tell(&format!("converting file {name} to file {other} in {format} format..."))
            }
            None => self.tell(&format!("converting file {name} to {format} format...")),
        }
        let target = other.unwrap_or(name);
        if let Err(error) = fs::write(target, self.convert(&bytes)) {
            self.tell(&format!("{target}: {}", reason(&error)));
            return 1;
        }
        if self.keeps_date
            && let (Ok(accessed), Ok(modified)) = (about.accessed(), about.modified())
        {
            let nanoseconds = |time: std::time::SystemTime| {
                let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            };
            let _ =
                filesystem::set_times(target, nanoseconds(accessed), nanoseconds(modified), Symlinks::Follow);
        }
        0
    }

    fn convert(&self, bytes: &[u8]) -> Vec<u8> {
        let has_mark = bytes.starts_with(MARK);
        let text = if has_mark { &bytes[MARK.len()..] } else { bytes };
        // To Unix a mark goes, to DOS it stays.
        let keeps = self.mark.unwrap_or(self.target == Target::Dos);
        let mut made = Vec::with_capacity(bytes.len() + bytes.len() / 8);
        if self.adds_mark || has_mark && keeps {
            made.extend_from_slice(MARK);
        }
        let mut before = 0;
        for (at, &byte) in text.iter().enumerate() {
            match (self.target, byte) {
                (Target::Unix, b'\r') if text.get(at + 1) == Some(&b'\n') => continue,
                (Target::Unix, b'\n') => {
                    made.push(b'\n');
                    if self.doubles {
                        made.push(b'\n');
                    }
                }
                (Target::Dos, b'\n') => {
                    let end: &[u8] = if before == b'\r' { b"\n" } else { b"\r\n" };
                    made.extend_from_slice(end);
                    if self.doubles {
                        made.extend_from_slice(b"\r\n");
                    }
                }
                _ => made.push(byte),
            }
            before = byte;
        }
        made
    }
}

/// The line of the first byte that texts do not have, and that byte.
fn binary(bytes: &[u8]) -> Option<(usize, u8)> {
    let is_odd = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let at = bytes.iter().position(is_odd)?;
    Some((1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count(), bytes[at]))
}

/// Tells how many ends of lines of which kind a file has.
fn info(name: &str, file: &str) -> i32 {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            say(&mut io::stderr(), &format!("{name}: {file}: {}", reason(&error)));
            return NOT_FOUND;
        }
    };
    let (mut dos, mut unix, mut mac) = (0, 0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && bytes[at - 1] == b'\r' => dos += 1,
            b'\n' => unix += 1,
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => mac += 1,
            _ => {}
        }
    }
    let mark = if bytes.starts_with(MARK) { "UTF-8" } else { "no_bom" };
    let kind = if binary(&bytes).is_some() { "binary" } else { "text" };
    say(&mut io::stdout(), &format!("{dos:>8}{unix:>8}{mac:>8}  {mark:<8}  {kind:<6}  {file}"));
    0
}
