//! `zip` and `unzip`, over the crate `zip`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};

use cordon_multicall::files::{finish, output};
use cordon_multicall::pattern::fits;
use cordon_multicall::{calendar, say};
use cordon_vm::byte_text::{self, ToText};
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use zip::read::ZipArchive;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::reason;

type Args = std::vec::IntoIter<OsString>;

/// Exit statuses of `zip`.
const ZIP_FORMAT: i32 = 3;
const ZIP_NOTHING: i32 = 12;
const ZIP_CREATE: i32 = 15;
const ZIP_USAGE: i32 = 16;
const ZIP_OPEN: i32 = 18;

const ZIP_HELP: &str = "\
Usage: zip [-options] [zipfile list] [-x list]
  The default action is to add or replace zipfile entries from list. The zipfile - is the standard output.
  -r   recurse into directories   -j   junk (don't record) directory names
  -0   store only                 -1 .. -9   compress faster .. better
  -u   update: only changed or new files      -f   freshen: only changed files
  -d   delete entries in zipfile  -m   move into zipfile (delete OS files)
  -q   quiet operation            -D   do not add directory entries
  -@   read names from stdin      -x   exclude the following names
  -i   include only the following names       -y   store symbolic links as the link
  -X   eXclude eXtra file attributes (as always)  -sf  show files";

#[derive(Default)]
struct Zip {
    recurses: bool,
    junks: bool,
    quiet: bool,
    updates: bool,
    freshens: bool,
    deletes: bool,
    moves: bool,
    no_directories: bool,
    keeps_links: bool,
    shows: bool,
    tests: bool,
    level: Option<i64>,
    excluded: Vec<String>,
    included: Vec<String>,
}

/// A file that goes into an archive.
struct Source {
    path: String,
    status: FileStatus,
}

pub fn zip(args: Args) -> i32 {
    let usage = |message: &str| {
        say(&mut io::stdout(), &format!("\nzip error: Invalid command arguments ({message})"));
        ZIP_USAGE
    };
    let mut job = Zip::default();
    let mut names: Vec<String> = vec![];
    let mut from_input = false;
    let mut words = args.skip(1).map(|word| word.to_text().into_owned()).peekable();
    let mut is_over = false;
    while let Some(word) = words.next() {
        if is_over || word == "-" || !word.starts_with('-') {
            names.push(word);
            continue;
        }
        if word == "--" {
            is_over = true;
            continue;
        }
        let letters: String = match word.as_str() {
            "--recurse-paths" => "r".into(),
            "--junk-paths" => "j".into(),
            "--quiet" => "q".into(),
            "--update" => "u".into(),
            "--freshen" => "f".into(),
            "--delete" => "d".into(),
            "--move" => "m".into(),
            "--no-dir-entries" => "D".into(),
            "--symlinks" => "y".into(),
            "--names-stdin" => "@".into(),
            "--exclude" => "x".into(),
            "--include" => "i".into(),
            "--test" => "T".into(),
            "-sf" | "--show-files" => {
                job.shows = true;
                continue;
            }
            "--help" => "h".into(),
            "--version" => "v".into(),
            long if long.starts_with("--") => {
                return usage(&format!("long option '{}' not supported", &long[2..]));
            }
            short => short[1..].into(),
        };
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            match letter {
                'r' => job.recurses = true,
                'j' => job.junks = true,
                'q' => job.quiet = true,
                'u' => job.updates = true,
                'f' => job.freshens = true,
                'd' => job.deletes = true,
                'm' => job.moves = true,
                'D' => job.no_directories = true,
                'y' => job.keeps_links = true,
                'T' => job.tests = true,
                'X' | 'v' | 'o' | 'S' => {}
                '0'..='9' => job.level = letter.to_digit(10).map(i64::from),
                '@' => from_input = true,
                'h' | '?' => {
                    say(&mut io::stdout(), ZIP_HELP);
                    return 0;
                }
                'x' | 'i' => {
                    let own: String = rest.by_ref().collect();
                    let list = if letter == 'x' { &mut job.excluded } else { &mut job.included };
                    if !own.is_empty() {
                        list.push(own.trim_start_matches('=').into());
                    }
                    // Up to the next option or an `@` alone.
                    while let Some(next) = words.next_if(|next| !next.starts_with('-')) {
                        if next == "@" {
                            break;
                        }
                        list.push(next);
                    }
                }
                'e' | 'P' => return usage("encryption is not supported here"),
                other => return usage(&format!("short option '{other}' not supported")),
            }
        }
    }
    if names.is_empty() {
        say(&mut io::stdout(), ZIP_HELP);
        return ZIP_USAGE;
    }
    let mut archive = names.remove(0);
    if archive != "-" && !archive.rsplit('/').next().unwrap_or_default().contains('.') {
        archive.push_str(".zip");
    }
    if from_input {
        names.extend(io::stdin().lock().lines().map_while(Result::ok));
    }
    match job.run(&archive, &names) {
        Ok(()) => 0,
        Err((status, message)) => {
            if !message.is_empty() {
                say(&mut io::stdout(), &format!("\nzip error: {message}"));
            }
            status
        }
    }
}

type Failure = (i32, String);

fn create_failure(name: &str, error: &dyn std::fmt::Display) -> Failure {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    (ZIP_CREATE, format!("Could not create output file ({name}): {text}"))
}

impl Zip {
    fn run(&self, archive: &str, names: &[String]) -> Result<(), Failure> {
        let to_output = archive == "-";
        let nothing = || (ZIP_NOTHING, format!("Nothing to do! ({archive})"));
        let mut old = match File::open(archive) {
            Ok(file) if !to_output => match ZipArchive::new(BufReader::new(file)) {
                Ok(old) => Some(old),
                Err(error) => {
                    return Err((ZIP_FORMAT, format!("Zip file structure invalid ({archive}): {error}")));
                }
            },
            _ => None,
        };
        if self.shows || (self.tests && names.is_empty()) {
            let old = old.as_mut().ok_or_else(nothing)?;
            return self.show(archive, old);
        }
        if self.deletes {
            let old = old.as_mut().ok_or_else(nothing)?;
            let mut gone = names_in(old);
            gone.retain(|name| names.iter().any(|pattern| fits(pattern, name, false)));
            if gone.is_empty() {
                for name in names {
                    say(&mut io::stdout(), &format!("\tzip warning: name not matched: {name}"));
                }
                return Err(nothing());
            }
            return self.write_file(archive, Some(old), BTreeMap::new(), &[], &gone);
        }
        let mut order = vec![];
        let mut sources = BTreeMap::new();
        for name in names {
            self.collect(name, true, archive, &mut order, &mut sources);
        }
        if self.freshens && names.is_empty() {
            for name in old.as_mut().map(names_in).unwrap_or_default() {
                self.collect(&name, false, archive, &mut order, &mut sources);
            }
        }
        if let Some(old) = &mut old
            && (self.updates || self.freshens)
        {
            let mut times = BTreeMap::new();
            for at in 0..old.len() {
                if let Ok(file) = old.by_index_raw(at) {
                    times.insert(name_of(&file), file.last_modified());
                }
            }
            sources.retain(|name, source| match times.get(name) {
                // Times in archives are those of two seconds.
                Some(Some(known)) => date_time(source.status.modified) > *known,
                Some(None) => true,
                None => !self.freshens,
            });
            order.retain(|name| sources.contains_key(name));
            if order.is_empty() {
                return Err((ZIP_NOTHING, String::new()));
            }
        }
        if order.is_empty() {
            return Err(nothing());
        }
        let paths: Vec<(String, bool)> = sources
            .values()
            .map(|source| (source.path.clone(), source.status.file_type == FileType::Directory))
            .collect();
        if to_output {
            let mut writer = ZipWriter::new_stream(BufWriter::new(io::stdout()));
            for name in &order {
                if let Some(source) = sources.get(name) {
                    self.add(&mut writer, name, source, "  adding", &mut io::stderr())?;
                }
            }
            let done = writer.finish().map_err(|error| create_failure("-", &error))?;
            done.into_inner().flush().map_err(|error| create_failure("-", &error))?;
        } else {
            self.write_file(archive, old.as_mut(), sources, &order, &[])?;
        }
        if self.moves {
            for (path, is_directory) in paths.iter().rev() {
                let _ = if *is_directory { fs::remove_dir(path) } else { fs::remove_file(path) };
            }
        }
        Ok(())
    }

    fn show(&self, archive: &str, old: &mut ZipArchive<BufReader<File>>) -> Result<(), Failure> {
        if self.tests {
            for at in 0..old.len() {
                let tested = old.by_index(at).map_err(io::Error::other);
                if tested.and_then(|mut file| io::copy(&mut file, &mut io::sink())).is_err() {
                    return Err((
                        8,
                        format!("Zip file invalid, could not spawn unzip, or wrong unzip ({archive})"),
                    ));
                }
            }
            say(&mut io::stdout(), &format!("test of {archive} OK"));
            return Ok(());
        }
        say(&mut io::stdout(), "Archive contains:");
        let mut bytes = 0u64;
        for at in 0..old.len() {
            if let Ok(file) = old.by_index_raw(at) {
                bytes = bytes.saturating_add(file.size());
                say(&mut io::stdout(), &format!("  {}", name_of(&file)));
            }
        }
        say(&mut io::stdout(), &format!("Total {} entries ({bytes} bytes)", old.len()));
        Ok(())
    }

    /// The files that a name stands for, in the order in which they are added.
    fn collect(
        &self,
        path: &str,
        is_named: bool,
        archive: &str,
        order: &mut Vec<String>,
        sources: &mut BTreeMap<String, Source>,
    ) {
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        let links = if self.keeps_links { Symlinks::NoFollow } else { Symlinks::Follow };
        let Ok(status) = filesystem::status(path, links) else {
            if is_named {
                say(&mut io::stdout(), &format!("\tzip warning: name not matched: {path}"));
            }
            return;
        };
        let is_directory = status.file_type == FileType::Directory;
        if matches!(status.file_type, FileType::CharacterDevice | FileType::Fifo) || same(path, archive) {
            return;
        }
        let mut stored = path;
        while let Some(rest) = stored.strip_prefix('/').or(stored.strip_prefix("./")) {
            stored = rest;
        }
        let stored = if self.junks { stored.rsplit('/').next().unwrap_or(stored) } else { stored };
        let stored = if is_directory { format!("{stored}/") } else { stored.to_owned() };
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, &stored, false));
        let is_taken = !matches(&self.excluded) && (self.included.is_empty() || matches(&self.included));
        let is_itself = matches!(stored.as_str(), "./" | "../" | "/");
        if is_taken && !is_itself && !(is_directory && (self.no_directories || self.junks)) {
            let before = sources.insert(stored.clone(), Source { path: path.to_owned(), status });
            if before.is_none() {
                order.push(stored);
            }
        }
        if is_directory && self.recurses {
            for entry in filesystem::read_directory(path).unwrap_or_default() {
                let below = if path == "." {
                    entry.name
                } else {
                    format!("{}/{}", path.trim_end_matches('/'), entry.name)
                };
                self.collect(&below, false, archive, order, sources);
            }
        }
    }

    /// Writes the archive beside itself, and puts it into its place when it is whole.
    fn write_file(
        &self,
        archive: &str,
        old: Option<&mut ZipArchive<BufReader<File>>>,
        sources: BTreeMap<String, Source>,
        order: &[String],
        gone: &[String],
    ) -> Result<(), Failure> {
        let made = format!("{archive}.new-{}", cordon_vm::process::id());
        let file = File::create(&made).map_err(|error| create_failure(archive, &error))?;
        let written = self.write(BufWriter::new(file), old, sources, order, gone);
        let done = written.and_then(|count| match count {
            // An archive without anything is no archive.
            0 => {
                let _ = fs::remove_file(archive);
                fs::remove_file(&made).map_err(|error| create_failure(archive, &error))
            }
            _ => fs::rename(&made, archive).map_err(|error| create_failure(archive, &error)),
        });
        if done.is_err() {
            let _ = fs::remove_file(&made);
        }
        done
    }

    fn write(
        &self,
        out: BufWriter<File>,
        old: Option<&mut ZipArchive<BufReader<File>>>,
        mut sources: BTreeMap<String, Source>,
        order: &[String],
        gone: &[String],
    ) -> Result<usize, Failure> {
        let mut writer = ZipWriter::new(out);
        let mut count = 0;
        let failed = |error: ZipError| create_failure("archive", &error);
        if let Some(old) = old {
            for at in 0..old.len() {
                let entry = old.by_index_raw(at).map_err(failed)?;
                let name = name_of(&entry);
                if gone.contains(&name) {
                    if !self.quiet {
                        say(&mut io::stdout(), &format!("deleting: {name}"));
                    }
                    continue;
                }
                count += 1;
                match sources.remove(&name) {
                    Some(source) => {
                        drop(entry);
                        let verb = if self.freshens { "freshening" } else { "updating" };
                        self.add(&mut writer, &name, &source, verb, &mut io::stdout())?;
                    }
                    None => writer.raw_copy_file(entry).map_err(failed)?,
                }
            }
        }
        for name in order {
            if let Some(source) = sources.remove(name) {
                count += 1;
                self.add(&mut writer, name, &source, "  adding", &mut io::stdout())?;
            }
        }
        writer.finish().map_err(failed)?.flush().map_err(|error| create_failure("archive", &error))?;
        Ok(count)
    }

    fn add<W: Write + Seek>(
        &self,
        writer: &mut ZipWriter<W>,
        name: &str,
        source: &Source,
        verb: &str,
        told: &mut dyn Write,
    ) -> Result<(), Failure> {
        let failed = |error: ZipError| create_failure("archive", &error);
        let unreadable = |error: io::Error| {
            (ZIP_OPEN, format!("could not open for reading: {} ({})", source.path, reason(&error)))
        };
        let time = date_time(source.status.modified);
        let options = SimpleFileOptions::default()
            .unix_permissions(source.status.mode & 0o7777)
            .last_modified_time(time);
        let mut saved = 0;
        let mut is_stored = true;
        match source.status.file_type {
            FileType::Directory => {
                writer
                    .add_directory(name, options.compression_method(CompressionMethod::Stored))
                    .map_err(failed)?;
            }
            FileType::SymbolicLink => {
                let target = filesystem::read_symlink(&source.path).unwrap_or_default();
                writer.add_symlink(name, target, options).map_err(failed)?;
            }
            _ => {
                // Packed once to know whether that is worth it, as the message tells before the file is written.
                let level = self.level.unwrap_or(6);
                let mut size = 0;
                let mut packed = 0;
                if level > 0 {
                    let mut input = File::open(&source.path).map_err(unreadable)?;
                    let mut encoder =
                        DeflateEncoder::new(Counter(0), Compression::new(u32::try_from(level).unwrap_or(6)));
                    size = io::copy(&mut input, &mut encoder).map_err(unreadable)?;
                    packed = encoder.finish().map_err(unreadable)?.0;
                }
                is_stored = packed >= size;
                let options = if is_stored {
                    options.compression_method(CompressionMethod::Stored)
                } else {
                    saved = percent(size - packed, size);
                    options.compression_method(CompressionMethod::Deflated).compression_level(Some(level))
                };
                let options = options.large_file(size > u64::from(u32::MAX / 2));
                writer.start_file(name, options).map_err(failed)?;
                let mut input = File::open(&source.path).map_err(unreadable)?;
                io::copy(&mut input, writer).map_err(|error| create_failure("archive", &error))?;
            }
        }
        if !self.quiet {
            let method = if is_stored { "stored" } else { "deflated" };
            say(told, &format!("{verb}: {name} ({method} {saved}%)"));
        }
        Ok(())
    }
}

fn name_of<R: io::Read + ?Sized>(file: &zip::read::ZipFile<'_, R>) -> String {
    byte_text::decoded(file.name_raw()).into_owned()
}

fn names_in(archive: &mut ZipArchive<BufReader<File>>) -> Vec<String> {
    (0..archive.len()).filter_map(|at| archive.by_index_raw(at).ok().map(|file| name_of(&file))).collect()
}

/// A part in hundredths, rounded.
fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        0
    } else {
        (u128::from(part) * 200 / u128::from(whole)).div_ceil(2).try_into().unwrap_or(100)
    }
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn same(one: &str, other: &str) -> bool {
    match (filesystem::status(one, Symlinks::Follow), filesystem::status(other, Symlinks::Follow)) {
        (Ok(one), Ok(other)) => (one.device, one.inode) == (other.device, other.inode),
        _ => false,
    }
}

fn date_time(nanoseconds: u64) -> DateTime {
    let seconds = nanoseconds / 1_000_000_000;
    let (year, month, day) = calendar::date(seconds / 86400);
    let part = |value: u64| u8::try_from(value).unwrap_or(0);
    DateTime::from_date_and_time(
        u16::try_from(year).unwrap_or(1980),
        part(month),
        part(day),
        part(seconds / 3600 % 24),
        part(seconds / 60 % 60),
        part(seconds % 60),
    )
    .unwrap_or_default()
}

/// Nanoseconds since 1970 of a time in an archive: days are looked for from the year's first.
fn nanoseconds(time: DateTime) -> u64 {
    let year = u64::from(time.year());
    let before = year - 1;
    let mut days = 365 * before + before / 4 - before / 100 + before / 400 - 719_162;
    let wanted = (year, u64::from(time.month()), u64::from(time.day()));
    for _ in 0..366 {
        if calendar::date(days) >= wanted {
            break;
        }
        days += 1;
    }
    let seconds = days * 86400
        + u64::from(time.hour()) * 3600
        + u64::from(time.minute()) * 60
        + u64::from(time.second());
    seconds * 1_000_000_000
}

/// Exit statuses of `unzip`.
const WARNED: i32 = 1;
const BROKEN: i32 = 2;
const NO_ARCHIVE: i32 = 9;
const USAGE: i32 = 10;
const NOT_MATCHED: i32 = 11;
const UNSUPPORTED: i32 = 81;

const UNZIP_HELP: &str = "\
Usage: unzip [-opts[modifiers]] file[.zip] [list] [-x xlist] [-d exdir]
  Default action is to extract files in list, except those in xlist, to exdir.

  -p  extract files to pipe, no messages     -l  list files (short format)
  -f  freshen existing files, create none    -t  test compressed archive data
  -u  update files, create if necessary      -v  list verbosely
  -x  exclude files that follow (in xlist)   -d  extract files into exdir
  -n  never overwrite existing files         -q  quiet mode
  -o  overwrite files WITHOUT prompting      -j  junk paths (do not make directories)
  -C  match filenames case-insensitively     -c  extract to standard output, with names
  -Z1 list names, one a line";

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Extract,
    List,
    Verbose,
    Names,
    Test,
    Pipe,
    Print,
}

struct Unzip {
    action: Action,
    quiet: usize,
    overwrites: Option<bool>,
    junks: bool,
    folds: bool,
    freshens: bool,
    updates: bool,
    folder: Option<String>,
    wanted: Vec<String>,
    excluded: Vec<String>,
}

pub fn unzip(args: Args) -> i32 {
    let mut job = Unzip {
        action: Action::Extract,
        quiet: 0,
        overwrites: None,
        junks: false,
        folds: false,
        freshens: false,
        updates: false,
        folder: None,
        wanted: vec![],
        excluded: vec![],
    };
    let mut archive = None;
    let mut words = args.skip(1).map(|word| word.to_text().into_owned()).peekable();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            match archive {
                None => archive = Some(word),
                Some(_) => job.wanted.push(word),
            }
            continue;
        }
        if word == "-Z1" {
            job.action = Action::Names;
            continue;
        }
        if word == "--help" || word == "-h" {
            say(&mut io::stdout(), UNZIP_HELP);
            return 0;
        }
        let mut rest = word[1..].chars();
        while let Some(letter) = rest.next() {
            match letter {
                'l' => job.action = Action::List,
                'v' => job.action = Action::Verbose,
                't' => job.action = Action::Test,
                'p' => job.action = Action::Pipe,
                'c' => job.action = Action::Print,
                'o' => job.overwrites = Some(true),
                'n' => job.overwrites = Some(false),
                'q' => job.quiet += 1,
                'j' => job.junks = true,
                'C' => job.folds = true,
                'f' => job.freshens = true,
                'u' => job.updates = true,
                'X' | 'K' | 'D' => {}
                'd' => {
                    let own: String = rest.by_ref().collect();
                    job.folder = if own.is_empty() { words.next() } else { Some(own) };
                    if job.folder.is_none() {
                        say(
                            &mut io::stderr(),
                            "error:  must specify directory to which to extract with -d option",
                        );
                        return USAGE;
                    }
                }
                'x' => {
                    let own: String = rest.by_ref().collect();
                    job.excluded.extend((!own.is_empty()).then_some(own));
                    while let Some(next) = words.next_if(|next| !next.starts_with('-')) {
                        job.excluded.push(next);
                    }
                }
                _ => {
                    say(&mut io::stderr(), UNZIP_HELP);
                    return USAGE;
                }
            }
        }
    }
    let Some(named) = archive else {
        say(&mut io::stdout(), UNZIP_HELP);
        return 0;
    };
    let found = [named.clone(), format!("{named}.zip"), format!("{named}.ZIP")]
        .into_iter()
        .find_map(|name| File::open(&name).ok().map(|file| (name, file)));
    let Some((name, file)) = found else {
        say(&mut io::stderr(), &format!("unzip:  cannot find or open {named}, {named}.zip or {named}.ZIP."));
        return NO_ARCHIVE;
    };
    let is_talking = !matches!(job.action, Action::Pipe | Action::Names) && job.quiet == 0;
    if is_talking {
        say(&mut io::stdout(), &format!("Archive:  {name}"));
    }
    let mut zip = match ZipArchive::new(BufReader::new(file)) {
        Ok(zip) => zip,
        Err(_) => {
            say(
                &mut io::stderr(),
                &format!(
                    "  End-of-central-directory signature not found.  Either this file is not\n  a zipfile, or it \
                     constitutes one disk of a multi-part archive.\nunzip:  cannot find zipfile directory in one of \
                     {named} or\n        {named}.zip, and cannot find {named}.ZIP, period."
                ),
            );
            return NO_ARCHIVE;
        }
    };
    job.run(&name, &mut zip)
}

/// What is known of an entry.
struct Entry {
    at: usize,
    name: String,
    size: u64,
    packed: u64,
    check: u32,
    is_deflated: bool,
    is_link: bool,
    mode: Option<u32>,
    time: Option<DateTime>,
}

impl Entry {
    fn time(&self) -> DateTime {
        self.time.unwrap_or_default()
    }

    fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }
}

impl Unzip {
    fn run(&self, archive: &str, zip: &mut ZipArchive<BufReader<File>>) -> i32 {
        let mut matched = vec![false; self.wanted.len()];
        let mut entries = vec![];
        for at in 0..zip.len() {
            let Ok(file) = zip.by_index_raw(at) else {
                say(&mut io::stderr(), &format!("{archive}: an entry cannot be read"));
                return BROKEN;
            };
            let name = name_of(&file);
            let mut is_wanted = self.wanted.is_empty();
            for (pattern, found) in self.wanted.iter().zip(&mut matched) {
                if fits(pattern, &name, self.folds) {
                    (*found, is_wanted) = (true, true);
                }
            }
            if !is_wanted || self.excluded.iter().any(|pattern| fits(pattern, &name, self.folds)) {
                continue;
            }
            entries.push(Entry {
                at,
                name,
                size: file.size(),
                packed: file.compressed_size(),
                check: file.crc32(),
                is_deflated: file.compression() != CompressionMethod::Stored,
                is_link: file.unix_mode().is_some_and(|mode| mode & 0o170_000 == 0o120_000),
                mode: file.unix_mode(),
                time: file.last_modified(),
            });
        }
        let mut out = output();
        let status = match self.action {
            Action::List => list(&entries, self.quiet, &mut out),
            Action::Verbose => list_verbose(&entries, &mut out),
            Action::Names => {
                entries.iter().for_each(|entry| say(&mut out, &entry.name));
                0
            }
            Action::Test => self.test(archive, zip, &entries, &mut out),
            Action::Pipe | Action::Print => self.print(zip, &entries, &mut out),
            Action::Extract => {
                drop(out);
                let status = self.extract(zip, &entries);
                out = output();
                status
            }
        };
        let status = finish("unzip", out, status);
        let missing: Vec<_> =
            self.wanted.iter().zip(&matched).filter(|(_, found)| !**found).map(|(name, _)| name).collect();
        for name in &missing {
            if self.action != Action::List && self.action != Action::Verbose {
                say(&mut io::stderr(), &format!("caution: filename not matched:  {name}"));
            }
        }
        if missing.is_empty() || status != 0 { status } else { NOT_MATCHED }
    }

    fn test(
        &self,
        archive: &str,
        zip: &mut ZipArchive<BufReader<File>>,
        entries: &[Entry],
        out: &mut impl Write,
    ) -> i32 {
        let mut failed = 0;
        for entry in entries {
            let tested = passed(zip, entry, &mut io::sink());
            failed += usize::from(tested.is_err());
            let result = match &tested {
                Ok(()) => "OK".to_owned(),
                Err(message) => message.clone(),
            };
            if self.quiet == 0 || tested.is_err() {
                say(out, &format!("    testing: {:<22}   {result}", entry.name));
            }
        }
        let line = match (failed, self.wanted.is_empty() && self.excluded.is_empty()) {
            (0, true) => format!("No errors detected in compressed data of {archive}."),
            (0, false) => {
                let (count, plural) = (entries.len(), if entries.len() == 1 { "" } else { "s" });
                format!("No errors detected in {archive} for the {count} file{plural} tested.")
            }
            _ => format!("At least one error was detected in {archive}."),
        };
        if self.quiet < 2 || failed > 0 {
            say(out, &line);
        }
        if failed > 0 { BROKEN } else { 0 }
    }

    fn print(&self, zip: &mut ZipArchive<BufReader<File>>, entries: &[Entry], out: &mut impl Write) -> i32 {
        let mut status = 0;
        for entry in entries.iter().filter(|entry| !entry.is_directory()) {
            if self.action == Action::Print && self.quiet == 0 {
                let verb = if entry.is_deflated { "  inflating" } else { " extracting" };
                say(out, &format!("{verb}: {:<22}  ", entry.name));
            }
            if let Err(message) = passed(zip, entry, out) {
                say(&mut io::stderr(), &format!("{:<22}  {message}", entry.name));
                status = BROKEN;
            }
            if self.action == Action::Print && self.quiet == 0 {
                say(out, "");
            }
        }
        status
    }

    fn extract(&self, zip: &mut ZipArchive<BufReader<File>>, entries: &[Entry]) -> i32 {
        let mut status = 0;
        let mut overwrites = self.overwrites;
        // Links are made when nothing can be written through them any more; so are the modes of folders.
        let (mut links, mut folders) = (vec![], vec![]);
        let told = |line: &str| {
            if self.quiet == 0 {
                say(&mut io::stdout(), line);
            }
        };
        for entry in entries {
            let (relative, warning) = safe(&entry.name);
            if let Some(warning) = warning {
                let line = format!("warning:  {warning}{}", entry.name);
                if warning.starts_with("stripped") {
                    say(&mut io::stderr(), &line)
                } else {
                    told(&line)
                }
                status = WARNED;
            }
            let relative = if self.junks {
                if entry.is_directory() {
                    continue;
                }
                relative.rsplit('/').next().unwrap_or_default().to_owned()
            } else {
                relative
            };
            if relative.is_empty() {
                continue;
            }
            let target = match &self.folder {
                Some(folder) => format!("{}/{relative}", folder.trim_end_matches('/')),
                None => relative,
            };
            if entry.is_directory() {
                if fs::metadata(&target).is_ok_and(|about| about.is_dir()) {
                    continue;
                }
                told(&format!("   creating: {target}/"));
                if let Err(error) = fs::create_dir_all(&target) {
                    say(
                        &mut io::stderr(),
                        &format!(
                            "checkdir error:  cannot create {target}\n                 {}",
                            reason(&error)
                        ),
                    );
                    status = BROKEN;
                }
                folders.push((target, entry.mode));
                continue;
            }
            let there = filesystem::status(&target, Symlinks::NoFollow).ok();
            if (self.freshens && there.is_none())
                || ((self.freshens || self.updates)
                    && there.is_some_and(|there| there.modified >= nanoseconds(entry.time())))
            {
                continue;
            }
            if there.is_some_and(|there| there.file_type == FileType::Directory) {
                say(&mut io::stderr(), &format!("error:  cannot create {target}\n        Is a directory"));
                status = BROKEN;
                continue;
            }
            let mut target = target;
            if there.is_some() {
                match overwrites {
                    Some(true) => {}
                    Some(false) => continue,
                    None => match ask(&target) {
                        Answer::Yes => {}
                        Answer::No => continue,
                        Answer::All => overwrites = Some(true),
                        Answer::None => {
                            overwrites = Some(false);
                            continue;
                        }
                        Answer::End => {
                            overwrites = Some(false);
                            status = status.max(WARNED);
                            continue;
                        }
                        Answer::Rename(name) => target = name,
                    },
                }
                // Not written into, wherever a link leads.
                let _ = fs::remove_file(&target);
            }
            if let Some((parent, _)) = target.rsplit_once('/')
                && !parent.is_empty()
                && let Err(error) = fs::create_dir_all(parent)
            {
                say(
                    &mut io::stderr(),
                    &format!("checkdir error:  cannot create {parent}\n                 {}", reason(&error)),
                );
                status = BROKEN;
                continue;
            }
            if entry.is_link {
                let mut text = vec![];
                match passed(zip, entry, &mut text) {
                    Ok(()) => {
                        let text = byte_text::decoded(&text).into_owned();
                        told(&format!("    linking: {target:<22}  -> {text} "));
                        links.push((target, text));
                    }
                    Err(message) => {
                        say(&mut io::stderr(), &format!("{target}: {message}"));
                        status = BROKEN;
                    }
                }
                continue;
            }
            let verb = if entry.is_deflated { "  inflating" } else { " extracting" };
            let file = match File::create(&target) {
                Ok(file) => file,
                Err(error) => {
                    say(
                        &mut io::stderr(),
                        &format!("error:  cannot create {target}\n        {}", reason(&error)),
                    );
                    status = BROKEN;
                    continue;
                }
            };
            let mut file = BufWriter::with_capacity(64 * 1024, file);
            match passed(zip, entry, &mut file) {
                Ok(()) => told(&format!("{verb}: {target:<22}  ")),
                Err(message) => {
                    told(&format!("{verb}: {target:<22} "));
                    say(&mut io::stderr(), &format!(" {message}"));
                    status = if message.contains("unsupported") { UNSUPPORTED } else { BROKEN };
                }
            }
            if let Err(error) = file.flush() {
                say(&mut io::stderr(), &format!("{target}: {}", reason(&error)));
                status = BROKEN;
            }
            drop(file);
            // What cannot be kept of the file is not worth losing its contents for.
            if let Some(mode) = entry.mode {
                let _ = filesystem::set_mode(&target, mode & 0o777);
            }
            let time = nanoseconds(entry.time());
            let _ = filesystem::set_times(&target, time, time, Symlinks::Follow);
        }
        if !links.is_empty() {
            told("finishing deferred symbolic links:");
        }
        for (target, text) in links {
            told(&format!("  {target:<22} -> {text}"));
            if let Err(error) = filesystem::create_symlink(&text, &target) {
                say(&mut io::stderr(), &format!("error:  cannot link {target}: {}", error.name()));
                status = BROKEN;
            }
        }
        for (folder, mode) in folders {
            if let Some(mode) = mode {
                let _ = filesystem::set_mode(&folder, mode & 0o777);
            }
        }
        status
    }
}

/// Unpacks an entry; its checksum is compared at its end.
fn passed(zip: &mut ZipArchive<BufReader<File>>, entry: &Entry, out: &mut impl Write) -> Result<(), String> {
    match zip.by_index(entry.at) {
        Ok(mut file) => match io::copy(&mut file, out) {
            Ok(_) => Ok(()),
            Err(error) if error.to_string().to_lowercase().contains("checksum") => {
                Err(format!("bad CRC (should be {:08x})", entry.check))
            }
            Err(error) => Err(format!("invalid compressed data ({})", reason(&error))),
        },
        Err(ZipError::UnsupportedArchive(text)) => Err(format!("unsupported: {text}")),
        Err(error) => Err(error.to_string()),
    }
}

/// A name without what would lead out of the folder, and the warning that goes with that.
fn safe(name: &str) -> (String, Option<&'static str>) {
    let name = name.replace('\\', "/");
    let mut warning = name.starts_with('/').then_some("stripped absolute path spec from ");
    let mut parts = vec![];
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => warning = Some("skipped \"../\" path component(s) in "),
            part => parts.push(part),
        }
    }
    (parts.join("/"), warning)
}

enum Answer {
    Yes,
    No,
    All,
    None,
    Rename(String),
    /// There was none.
    End,
}

fn ask(target: &str) -> Answer {
    let read = || {
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(count) if count > 0 => Some(line.trim().to_owned()),
            _ => None,
        }
    };
    loop {
        let mut out = io::stderr();
        let _ = write!(out, "replace {target}? [y]es, [n]o, [A]ll, [N]one, [r]ename: ");
        match read().as_deref() {
            None => {
                say(&mut out, " NULL\n(EOF or read error, treating as \"[N]one\" ...)");
                return Answer::End;
            }
            Some("y") => return Answer::Yes,
            Some("n") => return Answer::No,
            Some("A") => return Answer::All,
            Some("N") => return Answer::None,
            Some("r") => {
                let _ = write!(out, "new name: ");
                match read() {
                    Some(name) if !name.is_empty() => return Answer::Rename(name),
                    Some(_) => {}
                    None => return Answer::End,
                }
            }
            Some(other) => {
                let letter = other.chars().next().map_or("{ENTER}".to_owned(), String::from);
                say(&mut out, &format!("error:  invalid response [{letter}]"));
            }
        }
    }
}

fn stamp(time: DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute()
    )
}

fn list(entries: &[Entry], quiet: usize, out: &mut impl Write) -> i32 {
    if quiet < 1 {
        say(out, "  Length      Date    Time    Name\n---------  ---------- -----   ----");
    }
    let mut total = 0u64;
    for entry in entries {
        total = total.saturating_add(entry.size);
        say(out, &format!("{:>9}  {}   {}", entry.size, stamp(entry.time()), entry.name));
    }
    if quiet < 1 {
        let plural = if entries.len() == 1 { "" } else { "s" };
        say(
            out,
            &format!(
                "---------                     -------\n{total:>9}                     {} file{plural}",
                entries.len()
            ),
        );
    }
    0
}

fn list_verbose(entries: &[Entry], out: &mut impl Write) -> i32 {
    say(
        out,
        " Length   Method    Size  Cmpr    Date    Time   CRC-32   Name\n\
         --------  ------  ------- ---- ---------- ----- --------  ----",
    );
    let (mut size, mut packed) = (0u64, 0u64);
    let ratio = |size: u64, packed: u64| if packed >= size { 0 } else { percent(size - packed, size) };
    for entry in entries {
        (size, packed) = (size.saturating_add(entry.size), packed.saturating_add(entry.packed));
        let method = if entry.is_deflated { "Defl:N" } else { "Stored" };
        say(
            out,
            &format!(
                "{:>8}  {method} {:>8} {:>3}% {} {:08x}  {}",
                entry.size,
                entry.packed,
                ratio(entry.size, entry.packed),
                stamp(entry.time()),
                entry.check,
                entry.name
            ),
        );
    }
    let plural = if entries.len() == 1 { "" } else { "s" };
    say(
        out,
        &format!(
            "--------          -------  ---                            -------\n\
             {size:>8}         {packed:>8} {:>3}%                            {} file{plural}",
            ratio(size, packed),
            entries.len()
        ),
    );
    0
}
