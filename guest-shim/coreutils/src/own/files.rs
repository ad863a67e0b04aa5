//! `chmod` and `stat`: what the virtual machine knows of a file and WASI does not.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::iter::Peekable;
use std::str::Chars;

use cordon_multicall::facts::{BLOCK, UNIT, blocks, device_numbers, letters};
use cordon_multicall::{calendar, users};
use cordon_posix::umask;
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};
use uucore::display::Quotable;
use uucore::mode::parse_chmod;

use super::errno_text;

fn complain(name: &str, message: &str) {
    let _ = writeln!(io::stderr(), "{name}: {message}");
}

fn misused(name: &str, message: &str) -> i32 {
    complain(name, message);
    let _ = writeln!(io::stderr(), "Try '{name} --help' for more information.");
    1
}

fn status(path: &str, follow: bool) -> Result<FileStatus, String> {
    filesystem::status(path, if follow { Symlinks::Follow } else { Symlinks::NoFollow })
        .map_err(|errno| errno_text(errno).to_owned())
}

// ---- chmod ----------------------------------------------------------------------------------------------------------

const CHMOD_HELP: &str = "\
Usage: chmod [OPTION]... MODE[,MODE]... FILE...
  or:  chmod [OPTION]... --reference=FILE FILE...
Change the permissions of each FILE. MODE is octal, or [ugoa]*[-+=]([rwxXst]*|[ugo]).

  -R, --recursive       also change what is in directories
  -v, --verbose         say what is done to every file
  -c, --changes         say what is changed
  -f, --silent, --quiet no messages about files that cannot be changed";

#[derive(Default)]
struct Chmod {
    recursive: bool,
    verbose: bool,
    changes: bool,
    quiet: bool,
    mode: String,
    failed: bool,
}

pub fn chmod(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut chmod = Chmod::default();
    let mut reference = None;
    let mut operands = vec![];
    let mut only_operands = false;
    for arg in args.skip(1) {
        let arg = arg.to_text().into_owned();
        match arg.as_str() {
            operand if only_operands || !operand.starts_with('-') || operand == "-" => operands.push(arg),
            "--" => only_operands = true,
            "--help" => {
                let _ = writeln!(io::stdout(), "{CHMOD_HELP}");
                return 0;
            }
            "--recursive" => chmod.recursive = true,
            "--verbose" => chmod.verbose = true,
            "--changes" => chmod.changes = true,
            "--silent" | "--quiet" => chmod.quiet = true,
            "--preserve-root" | "--no-preserve-root" => {}
            long if long.starts_with("--") => match long.strip_prefix("--reference=") {
                Some(file) => reference = Some(file.to_owned()),
                None => return misused("chmod", &format!("unrecognized option '{arg}'")),
            },
            // `-w`, `-rx` are modes, `-R`, `-Rv` options.
            short if short[1..].chars().all(|flag| "Rvcf".contains(flag)) => {
                chmod.recursive |= short.contains('R');
                chmod.verbose |= short.contains('v');
                chmod.changes |= short.contains('c');
                chmod.quiet |= short.contains('f');
            }
            mode if mode[1..].chars().all(|letter| "rwxXstugo,+-=".contains(letter)) => operands.push(arg),
            _ => return misused("chmod", &format!("invalid option -- '{}'", &arg[1..])),
        }
    }
    chmod.mode = match reference {
        Some(file) => match status(&file, true) {
            Ok(status) => format!("{:o}", status.mode),
            Err(reason) => {
                return misused("chmod", &format!("failed to get attributes of {}: {reason}", file.quote()));
            }
        },
        None if operands.is_empty() => return misused("chmod", "missing operand"),
        None => operands.remove(0),
    };
    if operands.is_empty() {
        return misused("chmod", &format!("missing operand after {}", chmod.mode.quote()));
    }
    if parse_chmod(0, &chmod.mode, false, 0).is_err() {
        return misused("chmod", &format!("invalid mode: {}", chmod.mode.quote()));
    }
    let mask = umask();
    for path in &operands {
        chmod.change(path, mask, true);
    }
    i32::from(chmod.failed)
}

impl Chmod {
    /// Changes a file, and with `-R` what is below it, where symbolic links are left alone.
    fn change(&mut self, path: &str, mask: u32, named: bool) {
        let known = match status(path, named) {
            Ok(known) => known,
            Err(reason) => return self.fail(&format!("cannot access {}: {reason}", path.quote())),
        };
        if known.file_type == FileType::SymbolicLink {
            return;
        }
        let is_directory = known.file_type == FileType::Directory;
        let before = known.mode & 0o7777;
        // The text has been parsed before, for another mode.
        let after = parse_chmod(before, &self.mode, is_directory, mask).unwrap_or(before);
        if let Err(errno) = filesystem::set_mode(path, after) {
            return self.fail(&format!("changing permissions of {}: {}", path.quote(), errno_text(errno)));
        }
        if self.verbose || (self.changes && before != after) {
            let (from, to) = (letters(known.file_type, before), letters(known.file_type, after));
            let line = if before == after {
                format!("mode of {} retained as {before:04o} ({})", path.quote(), &from[1..])
            } else {
                format!(
                    "mode of {} changed from {before:04o} ({}) to {after:04o} ({})",
                    path.quote(),
                    &from[1..],
                    &to[1..]
                )
            };
            let _ = writeln!(io::stdout(), "{line}");
        }
        if self.recursive && is_directory {
            match filesystem::read_directory(path) {
                Ok(entries) => {
                    for entry in entries {
                        self.change(&format!("{}/{}", path.trim_end_matches('/'), entry.name), mask, false);
                    }
                }
                Err(errno) => {
                    self.fail(&format!("cannot read directory {}: {}", path.quote(), errno_text(errno)));
                }
            }
        }
    }

    fn fail(&mut self, message: &str) {
        self.failed = true;
        if !self.quiet {
            complain("chmod", message);
        }
    }
}

// ---- stat -----------------------------------------------------------------------------------------------------------

const STAT_HELP: &str = "\
Usage: stat [OPTION]... FILE...
Show what is known of each FILE.

  -L, --dereference    follow symbolic links
  -c, --format=FORMAT  use FORMAT, and a newline after each
      --printf=FORMAT  use FORMAT, in which backslashes mean something, and no newline
  -t, --terse          one line of numbers

FORMAT: %a %A permissions, %b blocks of %B bytes, %d device, %f raw mode, %F kind, %g %G %u %U owner, %h links,
%i inode, %n name, %N name and target, %o block size, %s size, %w %x %y %z and %W %X %Y %Z times, %%.";

const DEFAULT_FORMAT: &str = "  File: %P
  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F
Device: %Hd,%Ld\tInode: %-10i  Links: %h
Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)
Access: %x
Modify: %y
Change: %z
 Birth: %w";
const TERSE_FORMAT: &str = "%n %s %b %f %u %g %D %i %h 0 0 %X %Y %Z %W %o";

/// The widest field.
const MOST_WIDTH: usize = 4096;

pub fn stat(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut follow = false;
    let mut format = (DEFAULT_FORMAT.to_owned(), false);
    let mut paths = vec![];
    let mut args = args.skip(1).map(|arg| arg.to_text().into_owned());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--" => paths.extend(args.by_ref()),
            "--help" => {
                let _ = writeln!(io::stdout(), "{STAT_HELP}");
                return 0;
            }
            "-L" | "--dereference" => follow = true,
            "-Lt" | "-tL" => (follow, format) = (true, (TERSE_FORMAT.to_owned(), false)),
            "-t" | "--terse" => format = (TERSE_FORMAT.to_owned(), false),
            "-c" | "--format" | "--printf" => match args.next() {
                Some(text) if arg == "--printf" => format = (text, true),
                Some(text) => format = (text, false),
                None => return misused("stat", &format!("option '{arg}' requires an argument")),
            },
            _ => {
                if let Some(text) = arg.strip_prefix("--format=").or_else(|| arg.strip_prefix("-c")) {
                    format = (text.to_owned(), false);
                } else if let Some(text) = arg.strip_prefix("--printf=") {
                    format = (text.to_owned(), true);
                } else if arg.starts_with('-') && arg.len() > 1 {
                    return misused("stat", &format!("unrecognized option '{arg}'"));
                } else {
                    paths.push(arg);
                }
            }
        }
    }
    if paths.is_empty() {
        return misused("stat", "missing operand");
    }
    let mut code = 0;
    for path in paths {
        match status(&path, follow) {
            Ok(known) => {
                let _ = io::stdout().write_all(&render(&format.0, format.1, &path, &known));
            }
            Err(reason) => {
                complain("stat", &format!("cannot statx {}: {reason}", path.quote()));
                code = 1;
            }
        }
    }
    code
}

/// What a format says of a file: as for `printf`, in which backslashes mean something, or as a line.
fn render(format: &str, is_printf: bool, path: &str, known: &FileStatus) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = format.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' if is_printf => escape(&mut rest, &mut text),
            '%' => {
                let field = Field::read(&mut rest);
                text.extend_from_slice(field.fill(path, known).as_bytes());
            }
            letter => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if !is_printf {
        text.push(b'\n');
    }
    text
}

type Letters<'a> = Peekable<Chars<'a>>;

/// What stands behind a backslash.
fn escape(rest: &mut Letters<'_>, text: &mut Vec<u8>) {
    let Some(letter) = rest.next() else { return text.push(b'\\') };
    let mut number = |first: u32, radix: u32, most: usize| {
        let mut value = first;
        for _ in 0..most {
            let Some(digit) = rest.peek().and_then(|letter| letter.to_digit(radix)) else { break };
            value = value * radix + digit;
            rest.next();
        }
        value.to_le_bytes()[0]
    };
    text.push(match letter {
        'a' => 7,
        'b' => 8,
        'e' => 27,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        'x' => number(0, 16, 2),
        digit @ '0'..='7' => number(digit.to_digit(8).unwrap_or(0), 8, 2),
        other => return text.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    });
}

/// A directive with what stands between it and its percent sign.
struct Field {
    flags: String,
    width: usize,
    precision: Option<usize>,
    /// `H` and `L` take the upper and lower half of a device.
    half: Option<char>,
    directive: Option<char>,
}

impl Field {
    fn read(rest: &mut Letters<'_>) -> Field {
        let mut flags = String::new();
        while let Some(flag) = rest.next_if(|flag| "-0 +#'".contains(*flag)) {
            flags.push(flag);
        }
        let width = number(rest).unwrap_or(0);
        let precision = rest.next_if_eq(&'.').map(|_| number(rest).unwrap_or(0));
        let half = rest.next_if(|letter| matches!(letter, 'H' | 'L'));
        Field { flags, width, precision, half, directive: rest.next() }
    }

    fn fill(&self, path: &str, known: &FileStatus) -> String {
        let Some(directive) = self.directive else { return "%".to_owned() };
        let has = |flag| self.flags.contains(flag);
        let mut field = match (self.half, directive) {
            (Some(half), 'd') => half_of(half, known.device).to_string(),
            (Some(half), 'r') => half_of(half, device_of(path, known)).to_string(),
            _ => directive_text(directive, path, known),
        };
        let mut is_number = "abBdfghiosuXYZW".contains(directive);
        match (directive, self.precision) {
            ('X' | 'Y' | 'Z', Some(digits)) => {
                let time = match directive {
                    'X' => known.accessed,
                    'Y' => known.modified,
                    _ => known.changed,
                };
                let fraction = format!("{:09}", time % 1_000_000_000);
                // None asked for is all of them.
                let digits = if digits == 0 { 9 } else { digits };
                field = format!("{field}.{fraction:0<digits$.digits$}");
            }
            (_, Some(most)) if !is_number => field = field.chars().take(most).collect(),
            _ => {}
        }
        if has('#') {
            let prefix = match directive {
                'a' => "0",
                'f' | 'D' | 't' | 'T' => "0x",
                _ => "",
            };
            field.insert_str(0, prefix);
        } else if has('+') && is_number {
            field.insert(0, '+');
        }
        let width = self.width;
        is_number |= matches!(directive, 'D' | 't' | 'T');
        if has('-') {
            format!("{field:<width$}")
        } else if has('0') && is_number {
            format!("{field:0>width$}")
        } else {
            format!("{field:>width$}")
        }
    }
}

fn number(rest: &mut Letters<'_>) -> Option<usize> {
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    // More than fits is no width that anyone wants.
    digits.parse::<usize>().ok().map(|number| number.min(MOST_WIDTH))
}

fn half_of(half: char, device: u64) -> u64 {
    if half == 'H' { device >> 8 } else { device & 0xff }
}

/// The number of a device, as Linux has it; 0 for what is none.
fn device_of(path: &str, known: &FileStatus) -> u64 {
    let (major, minor) = device_numbers(path, known).unwrap_or((0, 0));
    (major << 8) | minor
}

fn directive_text(directive: char, path: &str, known: &FileStatus) -> String {
    let seconds = |nanoseconds: u64| (nanoseconds / 1_000_000_000).to_string();
    let linked = |quote: &dyn Fn(&str) -> String| match fs::read_link(path) {
        Ok(target) if known.file_type == FileType::SymbolicLink => {
            format!("{} -> {}", quote(path), quote(&target.to_text()))
        }
        _ => quote(path),
    };
    match directive {
        'a' => format!("{:o}", known.mode & 0o7777),
        'A' => letters(known.file_type, known.mode),
        'b' => blocks(known).to_string(),
        'B' => UNIT.to_string(),
        'C' => "?".to_owned(),
        'd' => known.device.to_string(),
        'D' => format!("{:x}", known.device),
        'f' => format!("{:x}", kind_bits(known.file_type) | known.mode & 0o7777),
        'F' => kind(known).to_owned(),
        'g' | 'u' => users::USER_ID.to_string(),
        'G' => users::group(),
        'U' => users::user(),
        'h' => known.links.to_string(),
        'i' => known.inode.to_string(),
        'm' => "/".to_owned(),
        'n' => path.to_owned(),
        'N' => linked(&|text| text.quote().to_string()),
        // Not a directive of the user's: the name as the default format has it.
        'P' => linked(&str::to_owned),
        'o' => BLOCK.to_string(),
        'r' => device_of(path, known).to_string(),
        's' => known.size.to_string(),
        't' => format!("{:x}", device_of(path, known) >> 8),
        'T' => format!("{:x}", device_of(path, known) & 0xff),
        'w' => "-".to_owned(),
        'W' => "0".to_owned(),
        'x' => time(known.accessed),
        'X' => seconds(known.accessed),
        'y' => time(known.modified),
        'Y' => seconds(known.modified),
        'z' => time(known.changed),
        'Z' => seconds(known.changed),
        '%' => "%".to_owned(),
        _ => "?".to_owned(),
    }
}

fn kind(known: &FileStatus) -> &'static str {
    match known.file_type {
        FileType::RegularFile if known.size == 0 => "regular empty file",
        FileType::RegularFile => "regular file",
        FileType::Directory => "directory",
        FileType::SymbolicLink => "symbolic link",
        FileType::CharacterDevice => "character special file",
        FileType::Fifo => "fifo",
    }
}

/// The bits of `st_mode` that tell what a file is.
fn kind_bits(kind: FileType) -> u32 {
    match kind {
        FileType::RegularFile => 0o100_000,
        FileType::Directory => 0o040_000,
        FileType::SymbolicLink => 0o120_000,
        FileType::CharacterDevice => 0o020_000,
        FileType::Fifo => 0o010_000,
    }
}

/// A time in UTC, `2026-11-22 16:00:00.000000000 +0000`.
fn time(nanoseconds: u64) -> String {
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (days, second) = (seconds / 86400, seconds % 86400);
    let (year, month, day) = calendar::date(days);
    let (hours, minutes) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{:02}.{fraction:09} +0000", second % 60)
}
