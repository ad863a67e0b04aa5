//! `tar`: archives of files, over the crate `tar`, packed by those of gzip, bzip2, xz and zstd.
//!
//! What goes into an archive and comes out of it is told to and by the virtual machine: modes, times and links, which
//! WASI does not have. Nothing is written above the folder that is extracted into.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use cordon_multicall::quoting::escaped;
use cordon_multicall::users::{self, USER_ID};
use cordon_multicall::{calendar, facts, say};
use cordon_vm::byte_text::{ToText, decode, decoded, encode, encode_os};
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};
use tar::{Archive, Builder, EntryType, Header};

use crate::packer::Packing;
use crate::reason;
use crate::transform::Transform;

/// The exit status of every mistake.
const TROUBLE: i32 = 2;

const HELP: &str = "\
Usage: tar -c|-t|-x [-f ARCHIVE] [OPTION]... [FILE]...

  -c, --create             create a new archive
  -t, --list               list the contents of an archive
  -x, --extract, --get     extract files from an archive
  -f, --file=ARCHIVE       the archive; standard input or output otherwise
  -z, --gzip               compressed by gzip; reading finds that out by itself
  -j, --bzip2              compressed by bzip2
  -J, --xz                 compressed by xz
      --zstd               compressed by zstd
  -a, --auto-compress      by the archive's suffix
  -I, --use-compress-program=NAME
                           compressed by gzip, bzip2, xz or zstd
  -C, --directory=DIR      change to DIR
  -v, --verbose            list files processed
  -O, --to-stdout          extract to standard output
  -k, --keep-old-files     do not replace existing files
  -h, --dereference        follow symbolic links
  -T, --files-from=FILE    names of files are in FILE
  -X, --exclude-from=FILE  patterns of what is left out are in FILE
      --exclude=PATTERN    leave out what matches
      --overwrite          write into existing files
      --owner=NAME[:N], --group=NAME[:N], --mtime=TIME|FILE
                           what an archive says of the owner, the group and the time
      --strip-components=N strip N leading components when extracting
      --transform=EXPRESSION, --xform=EXPRESSION
                           change names by s/.../.../ of sed
      --show-transformed-names
                           list names as they are extracted";

#[derive(Default)]
struct Options {
    create: bool,
    list: bool,
    extract: bool,
    file: Option<String>,
    packing: Option<Packing>,
    by_suffix: bool,
    directory: Option<String>,
    verbose: bool,
    to_output: bool,
    keep_old: bool,
    overwrite: bool,
    follow: bool,
    /// Modes are those of the archive, whatever the umask.
    keeps_modes: bool,
    excluded: Vec<String>,
    transforms: Vec<Transform>,
    stripped: usize,
    /// Names are listed as they are extracted.
    shows_stripped: bool,
    owner: Owner,
    group: Owner,
    time: Option<u64>,
    /// Names, each with the folder that it is in.
    names: Vec<(Option<String>, String)>,
}

/// The number of a name, and the name of a number.
type Known = (fn(&str) -> Option<u32>, fn(u32) -> String);

/// An owner or a group. A number that nobody has has no name.
#[derive(Default)]
struct Owner {
    name: String,
    number: u64,
}

impl Owner {
    /// Whose everything is in the virtual machine.
    fn own(name: String) -> Owner {
        Owner { name, number: USER_ID.into() }
    }

    /// `NAME`, `NUMBER` or `NAME:NUMBER`.
    fn parse(text: &str, (number_of, name_of): Known) -> Owner {
        let (name, number) = match (text.split_once(':'), text.parse::<u32>()) {
            (Some((name, number)), _) => (name.to_owned(), number.parse().ok()),
            (None, Ok(number)) => {
                let name = Some(name_of(number)).filter(|name| name != text);
                (name.unwrap_or_default(), Some(number.into()))
            }
            (None, Err(_)) => (text.to_owned(), number_of(text).map(u64::from)),
        };
        Owner { name, number: number.unwrap_or(USER_ID.into()) }
    }
}

/// Long names of options.
const LONG: &[&str] = &[
    "auto-compress",
    "bzip2",
    "create",
    "dereference",
    "directory",
    "exclude",
    "exclude-from",
    "extract",
    "file",
    "files-from",
    "format",
    "get",
    "group",
    "gunzip",
    "gzip",
    "help",
    "keep-old-files",
    "list",
    "mtime",
    "no-same-owner",
    "no-same-permissions",
    "numeric-owner",
    "overwrite",
    "owner",
    "preserve-permissions",
    "same-owner",
    "same-permissions",
    "show-transformed-names",
    "skip-old-files",
    "sort",
    "strip-components",
    "to-stdout",
    "totals",
    "touch",
    "transform",
    "ungzip",
    "use-compress-program",
    "verbose",
    "warning",
    "xform",
    "xz",
    "zstd",
];

/// The option that a long name, which may be cut short, stands for.
fn whole(name: &str) -> Result<&'static str, String> {
    let near: Vec<&'static str> = LONG.iter().copied().filter(|known| known.starts_with(name)).collect();
    match near.as_slice() {
        _ if near.contains(&name) => Ok(near[0]),
        [one] => Ok(one),
        [] => Err(format!("unrecognized option '--{name}'")),
        several => {
            let names: String = several.iter().map(|known| format!(" '--{known}'")).collect();
            Err(format!("option '--{name}' is ambiguous; possibilities:{names}"))
        }
    }
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let words = cordon_multicall::words(args);
    let done = read_options(words).and_then(|options| match options {
        Some(options) => options.run(),
        None => {
            say(&mut io::stdout(), HELP);
            Ok(true)
        }
    });
    match done {
        Ok(true) => 0,
        Ok(false) => {
            complain("Exiting with failure status due to previous errors");
            TROUBLE
        }
        Err(message) => {
            complain(&message);
            TROUBLE
        }
    }
}

fn complain(message: &str) {
    say(&mut io::stderr(), &format!("tar: {message}"));
}

/// None if only help was asked for.
fn read_options(words: Vec<String>) -> Result<Option<Options>, String> {
    let mut options =
        Options { owner: Owner::own(users::user()), group: Owner::own(users::group()), ..Options::default() };
    let mut words = std::collections::VecDeque::from(words);
    let mut is_first = true;
    let mut only_operands = false;
    while let Some(word) = words.pop_front() {
        let is_old = is_first && !word.starts_with('-');
        is_first = false;
        if only_operands || word == "-" || (!word.starts_with('-') && !is_old) {
            options.names.push((options.directory.clone(), word));
            continue;
        }
        if word == "--" {
            only_operands = true;
            continue;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let mut value = || {
                attached
                    .clone()
                    .or_else(|| words.pop_front())
                    .ok_or(format!("option '{word}' requires an argument"))
            };
            match whole(name)? {
                "help" => return Ok(None),
                "create" => options.create = true,
                "list" => options.list = true,
                "extract" | "get" => options.extract = true,
                "file" => options.file = Some(value()?),
                "gzip" | "gunzip" | "ungzip" => options.packing = Some(Packing::Gzip),
                "bzip2" => options.packing = Some(Packing::Bzip2),
                "xz" => options.packing = Some(Packing::Xz),
                "zstd" => options.packing = Some(Packing::Zstd),
                "auto-compress" => options.by_suffix = true,
                "directory" => options.directory = Some(within(options.directory.as_deref(), value()?)),
                "verbose" => options.verbose = true,
                "to-stdout" => options.to_output = true,
                "keep-old-files" | "skip-old-files" => options.keep_old = true,
                "overwrite" => options.overwrite = true,
                "show-transformed-names" => options.shows_stripped = true,
                "use-compress-program" => options.packing = Some(packing_of(&value()?)?),
                "owner" => options.owner = Owner::parse(&value()?, (users::user_number, users::user_name)),
                "group" => options.group = Owner::parse(&value()?, (users::group_number, users::group_name)),
                "mtime" => options.time = Some(time_of(&value()?)?),
                "exclude-from" => options.excluded_from(&value()?)?,
                "dereference" => options.follow = true,
                "exclude" => options.excluded.push(value()?),
                "strip-components" => {
                    options.stripped =
                        value()?.parse().map_err(|_| "invalid number of elements".to_owned())?;
                }
                "transform" | "xform" => options.transforms.extend(Transform::parse(&value()?)?),
                "files-from" => options.names_from(&value()?)?,
                "warning" | "sort" | "format" => drop(value()?),
                "preserve-permissions" | "same-permissions" => options.keeps_modes = true,
                "no-same-permissions" => options.keeps_modes = false,
                "no-same-owner" | "same-owner" | "numeric-owner" | "touch" | "totals" => {}
                _ => return Err(format!("unrecognized option '{word}'")),
            }
            continue;
        }
        let mut letters: std::collections::VecDeque<char> = word.trim_start_matches('-').chars().collect();
        while let Some(letter) = letters.pop_front() {
            // In the old form values follow one after another; in the other a value is what is left of the word.
            let mut value = || {
                let attached: String = if is_old { String::new() } else { letters.drain(..).collect() };
                Some(attached)
                    .filter(|attached| !attached.is_empty())
                    .or_else(|| words.pop_front())
                    .ok_or(format!("option requires an argument -- '{letter}'"))
            };
            match letter {
                'c' => options.create = true,
                't' => options.list = true,
                'x' => options.extract = true,
                'f' => options.file = Some(value()?),
                'z' => options.packing = Some(Packing::Gzip),
                'j' => options.packing = Some(Packing::Bzip2),
                'J' => options.packing = Some(Packing::Xz),
                'a' => options.by_suffix = true,
                'C' => options.directory = Some(within(options.directory.as_deref(), value()?)),
                'v' => options.verbose = true,
                'O' => options.to_output = true,
                'k' => options.keep_old = true,
                'h' => options.follow = true,
                'I' => options.packing = Some(packing_of(&value()?)?),
                'X' => {
                    let file = value()?;
                    options.excluded_from(&file)?;
                }
                'T' => {
                    let file = value()?;
                    options.names_from(&file)?;
                }
                'p' => options.keeps_modes = true,
                'm' | 'o' | 'S' | 'P' | 'U' => {}
                'Z' => return Err(format!("-{letter}: this compression is not supported here")),
                other => return Err(format!("invalid option -- '{other}'")),
            }
        }
    }
    match [options.create, options.list, options.extract].iter().filter(|mode| **mode).count() {
        1 => Ok(Some(options)),
        0 => Err(
            "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\nTry 'tar --help' \
                  or 'tar --usage' for more information."
                .into(),
        ),
        _ => Err(
            "You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option\nTry 'tar \
                  --help' or 'tar --usage' for more information."
                .into(),
        ),
    }
}

fn within(directory: Option<&str>, next: String) -> String {
    directory.map_or(next.clone(), |directory| Path::new(directory).join(next).to_text().into_owned())
}

/// The packing that the program of this name does.
fn packing_of(program: &str) -> Result<Packing, String> {
    let name = program.split_whitespace().next().unwrap_or_default();
    match name.rsplit('/').next().unwrap_or_default() {
        "gzip" | "pigz" => Ok(Packing::Gzip),
        "bzip2" => Ok(Packing::Bzip2),
        "xz" => Ok(Packing::Xz),
        "zstd" => Ok(Packing::Zstd),
        _ => Err(format!("{program}: this compression is not supported here")),
    }
}

/// The time that `--mtime` names: `@` and seconds, a date with or without a time, in UTC, or a file's.
fn time_of(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text}: invalid date");
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.split('.').next().unwrap_or_default().parse().map_err(|_| wrong());
    }
    if text.starts_with(['/', '.']) {
        return match filesystem::status(text, Symlinks::Follow) {
            Ok(status) => Ok(status.modified / 1_000_000_000),
            Err(errno) => {
                Err(format!("{text}: Cannot stat: {}", cordon_multicall::launch::errno_text(errno)))
            }
        };
    }
    let text = text.trim_end_matches('Z').trim_end_matches(" UTC");
    let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "0:0:0"));
    let numbers = |text: &str, separator: char| -> Option<Vec<u64>> {
        text.split(separator).map(|part| part.parse().ok()).collect()
    };
    let (Some(day), Some(clock)) = (numbers(day, '-'), numbers(clock, ':')) else { return Err(wrong()) };
    let [year, month, day] = day[..] else { return Err(wrong()) };
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(wrong()),
    };
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return Err(wrong());
    }
    // Years begin with March, so that a leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leaps + (month * 153 + 2) / 5 + day - 1;
    // From the first of March of the year 0 to the first of January 1970.
    let days = days.checked_sub(719_468).ok_or_else(wrong)?;
    Ok(days * 86400 + hour * 3600 + minute * 60 + second)
}

impl Options {
    fn excluded_from(&mut self, file: &str) -> Result<(), String> {
        let text = if file == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
        let text = text.map_err(|error| format!("{file}: Cannot open: {}", reason(&error)))?;
        self.excluded.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
        Ok(())
    }

    fn names_from(&mut self, file: &str) -> Result<(), String> {
        let text = if file == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
        let text = text.map_err(|error| format!("{file}: Cannot open: {}", reason(&error)))?;
        self.names.extend(text.lines().map(|line| (self.directory.clone(), line.to_owned())));
        Ok(())
    }

    /// Whether all went well.
    fn run(&self) -> Result<bool, String> {
        if self.create { self.pack() } else { self.unpack() }
    }

    fn is_excluded(&self, path: &Path) -> bool {
        let whole = path.to_text();
        self.excluded.iter().any(|pattern| {
            let pattern = pattern.trim_end_matches('/');
            // It may begin at each component.
            let starts = std::iter::once(0).chain(whole.match_indices('/').map(|(at, _)| at + 1));
            let mut parts = starts.map(|at| &whole[at..]);
            parts.any(|part| matches(pattern.as_bytes(), part.trim_end_matches('/').as_bytes()))
        })
    }

    fn pack(&self) -> Result<bool, String> {
        if self.names.is_empty() {
            return Err(
                "Cowardly refusing to create an empty archive\nTry 'tar --help' or 'tar --usage' for more \
                        information."
                    .into(),
            );
        }
        let file = self.file.as_deref().filter(|file| *file != "-");
        let out: Box<dyn Write> = match file {
            Some(file) => Box::new(
                File::create(file).map_err(|error| format!("{file}: Cannot open: {}", reason(&error)))?,
            ),
            None => Box::new(io::stdout()),
        };
        let by_suffix = file.filter(|_| self.by_suffix).and_then(Packing::of_name);
        let written = |error: io::Error| format!("{}: Cannot write: {}", file.unwrap_or("-"), reason(&error));
        if let Some(packing) = self.packing.or(by_suffix) {
            let mut builder = Builder::new(packing.writer(BufWriter::new(out)).map_err(written)?);
            let is_whole = self.pack_all(&mut builder)?;
            let encoder = builder.into_inner().map_err(written)?;
            encoder.finish().and_then(|mut out| out.flush()).map_err(written)?;
            return Ok(is_whole);
        }
        let mut builder = Builder::new(BufWriter::new(out));
        let is_whole = self.pack_all(&mut builder)?;
        builder.into_inner().and_then(|mut out| out.flush()).map_err(written)?;
        Ok(is_whole)
    }

    fn pack_all<W: Write>(&self, builder: &mut Builder<W>) -> Result<bool, String> {
        let mut is_whole = true;
        let packed = Packed::default();
        for (directory, name) in &self.names {
            let from = directory.as_ref().map_or_else(PathBuf::new, PathBuf::from);
            if name.starts_with('/') {
                complain("Removing leading `/' from member names");
            }
            is_whole &= self.pack_one(builder, &packed, &from, Path::new(name))?;
        }
        Ok(is_whole)
    }

    fn pack_one<W: Write>(
        &self,
        builder: &mut Builder<W>,
        packed: &Packed,
        from: &Path,
        name: &Path,
    ) -> Result<bool, String> {
        if self.is_excluded(name) {
            return Ok(true);
        }
        let place = from.join(name);
        let shown = name.to_text();
        let links = if self.follow { Symlinks::Follow } else { Symlinks::NoFollow };
        let status = match filesystem::status(&place.to_text(), links) {
            Ok(status) => status,
            Err(errno) => {
                let text = cordon_multicall::launch::errno_text(errno);
                complain(&format!("{shown}: Cannot stat: {text}"));
                return Ok(false);
            }
        };
        let member = name.strip_prefix("/").unwrap_or(name);
        let mut header = self.header(&status);
        let failed = |error: io::Error| format!("{shown}: Cannot write: {}", reason(&error));
        let told = |name: &str| {
            if self.verbose {
                let name = &if self.shows_stripped { self.renamed(name) } else { name.to_owned() };
                let is_taken = self.file.as_deref().is_none_or(|file| file == "-");
                let name = escaped(name);
                if is_taken { say(&mut io::stderr(), &name) } else { say(&mut io::stdout(), &name) }
            }
        };
        match status.file_type {
            FileType::Directory => {
                let mut path = member.to_text().trim_end_matches('/').to_owned();
                path.push('/');
                told(&path);
                header.set_entry_type(EntryType::Directory);
                append(builder, &mut header, &self.renamed(&path), None, io::empty()).map_err(failed)?;
                let entries = match fs::read_dir(&place) {
                    Ok(entries) => entries,
                    Err(error) => {
                        complain(&format!("{shown}: Cannot open: {}", reason(&error)));
                        return Ok(false);
                    }
                };
                let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
                names.sort();
                names.iter().try_fold(true, |is_whole, entry| {
                    Ok(is_whole & self.pack_one(builder, packed, from, &name.join(entry))?)
                })
            }
            FileType::SymbolicLink => {
                told(&member.to_text());
                header.set_entry_type(EntryType::Symlink);
                let target = fs::read_link(&place).map_err(failed)?;
                let (member, target) = (self.renamed(&member.to_text()), self.renamed(&target.to_text()));
                append(builder, &mut header, &member, Some(&target), io::empty()).map_err(failed)?;
                Ok(true)
            }
            FileType::RegularFile => {
                told(&member.to_text());
                let member = self.renamed(&member.to_text());
                // The second name of a file is a link to the first.
                let known = packed.borrow().get(&(status.device, status.inode)).cloned();
                if let Some(first) = known {
                    header.set_entry_type(EntryType::Link);
                    append(builder, &mut header, &member, Some(&first), io::empty()).map_err(failed)?;
                    return Ok(true);
                }
                if status.links > 1 {
                    packed.borrow_mut().insert((status.device, status.inode), member.clone());
                }
                let file = match File::open(&place) {
                    Ok(file) => file,
                    Err(error) => {
                        complain(&format!("{shown}: Cannot open: {}", reason(&error)));
                        return Ok(false);
                    }
                };
                header.set_size(status.size);
                // A file that changes meanwhile must not be longer than its header says.
                append(builder, &mut header, &member, None, file.take(status.size)).map_err(failed)?;
                Ok(true)
            }
            FileType::Fifo => {
                told(&member.to_text());
                let member = self.renamed(&member.to_text());
                header.set_entry_type(EntryType::Fifo);
                append(builder, &mut header, &member, None, io::empty()).map_err(failed)?;
                Ok(true)
            }
            FileType::CharacterDevice => {
                complain(&format!("{shown}: file is unknown type; file ignored"));
                Ok(true)
            }
        }
    }

    fn unpack(&self) -> Result<bool, String> {
        let file = self.file.as_deref().filter(|file| *file != "-");
        let source: Box<dyn Read> = match file {
            Some(file) => Box::new(
                File::open(file).map_err(|error| format!("{file}: Cannot open: {}", reason(&error)))?,
            ),
            None => Box::new(io::stdin()),
        };
        let mut source = BufReader::new(source);
        let head = io::BufRead::fill_buf(&mut source).map_err(|error| reason(&error))?;
        let found = Packing::of_head(head);
        if let Some(packing) = self.packing.filter(|packing| found != Some(*packing)) {
            let name = packing.name();
            return Err(format!("{name}: stdin: not in {name} format\ntar: Child returned status 1"));
        }
        let source: Box<dyn Read> = match found {
            Some(packing) => packing.reader(source),
            None => Box::new(source),
        };
        let broken = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "Unexpected EOF in archive".to_owned(),
            _ => format!("This does not look like a tar archive: {}", reason(&error)),
        };
        let mut archive = Archive::new(source);
        let path_of_name = |(_, name): &(_, String)| encode_os(name.trim_end_matches('/').to_owned());
        let wanted: Vec<OsString> = self.names.iter().map(path_of_name).collect();
        let mut found = vec![false; self.names.len()];
        let mut is_whole = true;
        // Directories get their modes and times when nothing is written into them any more.
        let mut directories = vec![];
        let mask = cordon_posix::umask();
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            let path = path_of(&entry.path_bytes());
            let is_wanted = wanted.is_empty() || {
                let mut any = false;
                for (at, name) in wanted.iter().enumerate() {
                    if path.starts_with(name) {
                        found[at] = true;
                        any = true;
                    }
                }
                any
            };
            if !is_wanted || self.is_excluded(&path) {
                continue;
            }
            let mut shown = path.to_text().into_owned();
            if entry.header().entry_type() == EntryType::Directory && !shown.ends_with('/') {
                shown.push('/');
            }
            if self.shows_stripped {
                shown = self.renamed(&shown);
            }
            if self.shows_stripped && self.stripped > 0 {
                let parts: Vec<&str> = shown.split_inclusive('/').skip(self.stripped).collect();
                if parts.is_empty() {
                    continue;
                }
                shown = parts.concat();
            }
            if self.list {
                let shown = escaped(&shown);
                let line =
                    if self.verbose { described(entry.header(), &entry, &shown).into() } else { shown };
                say(&mut io::stdout(), &line);
                continue;
            }
            if self.verbose {
                let shown = escaped(&shown);
                if self.to_output { say(&mut io::stderr(), &shown) } else { say(&mut io::stdout(), &shown) }
            }
            if self.to_output {
                io::copy(&mut entry, &mut io::stdout()).map_err(broken)?;
                continue;
            }
            let renamed = self.renamed(&path.to_text());
            let Some(target) = self.place(Path::new(&renamed)) else { continue };
            let kind = entry.header().entry_type();
            let mode = entry.header().mode().unwrap_or(0o644);
            let mode = if self.keeps_modes { mode & 0o7777 } else { mode & 0o777 & !mask };
            let time = entry.header().mtime().unwrap_or(0).saturating_mul(1_000_000_000);
            if let Err(error) = self.put(&mut entry, &target) {
                complain(&format!("{shown}: Cannot open: {}", reason(&error)));
                is_whole = false;
                continue;
            }
            let place = target.to_text().into_owned();
            match kind {
                EntryType::Directory => directories.push((place, mode, time)),
                EntryType::Symlink | EntryType::Link => {}
                _ => settle(&place, mode, time),
            }
        }
        for (place, mode, time) in directories.into_iter().rev() {
            settle(&place, mode, time);
        }
        for ((_, name), _) in self.names.iter().zip(&found).filter(|(_, found)| !**found) {
            complain(&format!("{name}: Not found in archive"));
            is_whole = false;
        }
        Ok(is_whole)
    }

    /// A name as `--transform` changes it.
    fn renamed(&self, name: &str) -> String {
        // The slash behind a folder is not seen.
        let (bare, slash) = name.strip_suffix('/').map_or((name, ""), |bare| (bare, "/"));
        let made = self.transforms.iter().fold(bare.to_owned(), |name, transform| transform.apply(&name));
        made + slash
    }

    /// Where a member goes; none for what nothing is left of.
    fn place(&self, path: &Path) -> Option<PathBuf> {
        if path.components().any(|part| part == Component::ParentDir) {
            complain(&format!("{}: Member name contains '..'", path.to_text()));
            return None;
        }
        let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
        let inner: PathBuf = parts.skip(self.stripped).collect();
        let base = self.directory.as_ref().map_or_else(|| PathBuf::from("."), PathBuf::from);
        (!inner.as_os_str().is_empty()).then(|| base.join(inner))
    }

    fn put<R: Read>(&self, entry: &mut tar::Entry<R>, target: &Path) -> io::Result<()> {
        let kind = entry.header().entry_type();
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if kind == EntryType::Directory {
            return fs::create_dir_all(target);
        }
        if fs::symlink_metadata(target).is_ok() {
            if self.keep_old {
                return Ok(());
            }
            let is_file = fs::symlink_metadata(target).is_ok_and(|about| about.is_file());
            // A link in its place must not be written through.
            if !(self.overwrite && is_file && kind != EntryType::Link && kind != EntryType::Symlink) {
                fs::remove_file(target).or_else(|error| fs::remove_dir(target).map_err(|_| error))?;
            }
        }
        let failed = |errno| io::Error::other(cordon_multicall::launch::errno_text(errno));
        match kind {
            EntryType::Symlink => {
                let link = entry.link_name_bytes().unwrap_or_default().into_owned();
                filesystem::create_symlink(&decode(link), &target.to_text()).map_err(failed)
            }
            EntryType::Link => {
                let link = path_of(&entry.link_name_bytes().unwrap_or_default());
                let Some(existing) = self.place(&link) else { return Ok(()) };
                filesystem::create_link(&existing.to_text(), &target.to_text()).map_err(failed)
            }
            EntryType::Fifo => filesystem::create_fifo(&target.to_text(), 0o666).map_err(failed),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut file = BufWriter::new(File::create(target)?);
                io::copy(entry, &mut file)?;
                file.flush()
            }
            _ => Ok(()),
        }
    }
}

/// Gives a file its mode and time, as far as that is allowed where it lies.
fn settle(place: &str, mode: u32, time: u64) {
    let _ = filesystem::set_mode(place, mode);
    let _ = filesystem::set_times(place, time, time, Symlinks::NoFollow);
}

/// Files with several names by device and inode, and the first name of each.
type Packed = RefCell<HashMap<(u64, u64), String>>;

impl Options {
    fn header(&self, status: &FileStatus) -> Header {
        let mut header = Header::new_gnu();
        header.set_mode(status.mode & 0o7777);
        header.set_mtime(self.time.unwrap_or(status.modified / 1_000_000_000));
        header.set_uid(self.owner.number);
        header.set_gid(self.group.number);
        // What does not fit is left out, as it is where a name is not known.
        let _ = header.set_username(&self.owner.name);
        let _ = header.set_groupname(&self.group.name);
        header.set_size(0);
        header
    }
}

/// Bytes of a name that a header holds.
const NAME_BYTES: usize = 100;

/// Adds a member under its name as it stands: the crate would take `./` away.
fn append<W: Write>(
    builder: &mut Builder<W>,
    header: &mut Header,
    name: &str,
    link: Option<&str>,
    data: impl Read,
) -> io::Result<()> {
    if let Some(link) = link {
        let field = &mut header.as_old_mut().linkname;
        put_name(builder, field, link, b'K')?;
    }
    let field = &mut header.as_old_mut().name;
    put_name(builder, field, name, b'L')?;
    header.set_cksum();
    builder.append(header, data)
}

/// Puts a name into its field; a longer one goes ahead, into a member of its own.
fn put_name<W: Write>(
    builder: &mut Builder<W>,
    field: &mut [u8; NAME_BYTES],
    name: &str,
    kind: u8,
) -> io::Result<()> {
    let bytes = &*encode(name);
    if bytes.len() > NAME_BYTES {
        let mut ahead = Header::new_gnu();
        let place = b"././@LongLink";
        ahead.as_old_mut().name[..place.len()].copy_from_slice(place);
        ahead.set_mode(0o644);
        ahead.set_uid(0);
        ahead.set_gid(0);
        ahead.set_mtime(0);
        ahead.set_size(bytes.len() as u64 + 1);
        ahead.set_entry_type(EntryType::new(kind));
        ahead.set_cksum();
        builder.append(&ahead, bytes.chain(&[0][..]))?;
    }
    let count = bytes.len().min(NAME_BYTES);
    field[..count].copy_from_slice(&bytes[..count]);
    Ok(())
}

/// A name in an archive as a path.
fn path_of(name: &[u8]) -> PathBuf {
    encode_os(decoded(name).into_owned()).into()
}

/// A line of `tar -tv`.
fn described<R: Read>(header: &Header, entry: &tar::Entry<R>, name: &str) -> String {
    let kind = match header.entry_type() {
        EntryType::Directory => 'd',
        EntryType::Symlink => 'l',
        EntryType::Link => 'h',
        EntryType::Fifo => 'p',
        _ => '-',
    };
    let letters = facts::letters(FileType::RegularFile, header.mode().unwrap_or(0));
    let permissions = &letters[1..];
    // Who has no name has a number.
    let named = |name: Option<&str>, number: u64| match name {
        None | Some("") => number.to_string(),
        Some(name) => name.to_owned(),
    };
    let user = named(header.username().ok().flatten(), header.uid().unwrap_or(0));
    let group = named(header.groupname().ok().flatten(), header.gid().unwrap_or(0));
    let owner = format!("{user}/{group}");
    let size = header.size().unwrap_or(0).to_string();
    let width = 19usize.saturating_sub(owner.len() + 1).max(size.len());
    let link = match (kind, entry.link_name_bytes()) {
        ('l', Some(target)) => format!(" -> {}", escaped(&decoded(&target))),
        ('h', Some(target)) => format!(" link to {}", escaped(&decoded(&target))),
        _ => String::new(),
    };
    format!("{kind}{permissions} {owner} {size:>width$} {} {name}{link}", date(header.mtime().unwrap_or(0)))
}

/// Date and minute of a time, which in a VM is UTC.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400, seconds % 86400);
    let (year, month, day) = calendar::date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", rest / 3600, rest / 60 % 60)
}

/// Whether a pattern of `*`, `?` and letters matches; `*` goes over `/` too, as tar's does.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(b'?') => (at, from) = (at + 1, from + 1),
            Some(letter) if *letter == text[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((starred, taken)) => {
                    star = Some((starred, taken + 1));
                    (at, from) = (starred + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}
