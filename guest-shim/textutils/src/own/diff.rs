//! `diff` and `cmp`: the programs around uutils' diffutils, whose own cannot be called.
//!
//! Directories are compared here, file by file; the crate knows no such thing. What differs is found and written in
//! [`lines`], but for columns, which are the crate's.

mod lines;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use cordon_multicall::files::{finish, output};
use cordon_multicall::quoting::quoted;
use cordon_multicall::{calendar, say};
use cordon_vm::byte_text::{ToText, encode};
use cordon_vm::filesystem;
use cordon_vm::types::{FileType, Symlinks};
use diffutilslib::params::{Format, Params, parse_params};
use diffutilslib::side_by_side_diff;
use lines::{Compared, Formats};

/// Exit statuses of both: no difference, some, trouble.
const SAME: i32 = 0;
const DIFFERENT: i32 = 1;
const TROUBLE: i32 = 2;

pub fn cmp(args: std::vec::IntoIter<OsString>) -> i32 {
    use diffutilslib::cmp;
    let args: Vec<OsString> = args.collect();
    let is_quiet = args.iter().any(|word| ["-s", "--quiet", "--silent"].iter().any(|quiet| word == quiet));
    if let Some(status) = plain_cmp(&args) {
        return status;
    }
    let params = match cmp::parse_params(args.into_iter().peekable()) {
        Ok(params) => params,
        Err(message) => {
            say(&mut io::stderr(), &message);
            return TROUBLE;
        }
    };
    match cmp::cmp(&params) {
        Ok(cmp::Cmp::Equal) => SAME,
        Ok(cmp::Cmp::Different) => DIFFERENT,
        Err(message) => {
            if !is_quiet {
                let message = message.strip_prefix("cmp: ").unwrap_or(&message);
                say(&mut io::stderr(), &format!("cmp: {message}"));
            }
            TROUBLE
        }
    }
}

/// Two files without more than `-s` or `-l`, where the crate has other words for the end of one. None for all else.
fn plain_cmp(args: &[OsString]) -> Option<i32> {
    let (mut is_quiet, mut is_list, mut names) = (false, false, vec![]);
    for word in args.iter().skip(1) {
        match &*word.to_text() {
            "-s" | "--quiet" | "--silent" => is_quiet = true,
            "-l" | "--verbose" => is_list = true,
            word if word.starts_with('-') => return None,
            name => names.push(name.to_owned()),
        }
    }
    let [one, other] = names.as_slice() else { return None };
    if is_quiet && is_list {
        return None;
    }
    let open = |name: &str| {
        let file = fs::File::open(name).ok()?;
        let about = file.metadata().ok()?;
        about.is_file().then(|| (io::BufReader::with_capacity(SIZE, file), about.len()))
    };
    let ((mut first, length), (mut second, other_length)) = (open(one)?, open(other)?);
    if is_quiet && length != other_length {
        return Some(DIFFERENT);
    }
    let width = length.min(other_length).to_string().len();
    let mut out = output();
    let (mut at, mut line, mut last, mut status) = (0u64, 1u64, 0u8, SAME);
    loop {
        let (left, right) = (first.fill_buf().ok()?, second.fill_buf().ok()?);
        let count = left.len().min(right.len());
        if count == 0 {
            if left.len() == right.len() || is_quiet {
                return Some(finish("cmp", out, if left.len() == right.len() { status } else { DIFFERENT }));
            }
            let name = if left.is_empty() { one } else { other };
            let place = match (at, last) {
                (0, _) => " which is empty".into(),
                _ if is_list => format!(" after byte {at}"),
                (_, b'\n') => format!(" after byte {at}, line {}", line - 1),
                _ => format!(" after byte {at}, in line {line}"),
            };
            let status = finish("cmp", out, DIFFERENT);
            say(&mut io::stderr(), &format!("cmp: EOF on {name}{place}"));
            return Some(status);
        }
        if left[..count] != right[..count] {
            for (before, (x, y)) in left[..count].iter().zip(&right[..count]).enumerate() {
                if x == y {
                    continue;
                }
                status = DIFFERENT;
                let place = at + before as u64 + 1;
                let written = if is_list {
                    writeln!(out, "{place:width$} {x:3o} {y:3o}")
                } else if is_quiet {
                    Ok(())
                } else {
                    let line = line + memchr::memchr_iter(b'\n', &left[..before]).count() as u64;
                    let told = format!("{one} {other} differ: byte {place}, line {line}\n");
                    out.write_all(&encode(&told))
                };
                if written.is_err() {
                    return Some(TROUBLE);
                }
                if !is_list {
                    return Some(finish("cmp", out, DIFFERENT));
                }
            }
        }
        line += memchr::memchr_iter(b'\n', &left[..count]).count() as u64;
        last = left[count - 1];
        at += count as u64;
        first.consume(count);
        second.consume(count);
    }
}

const SIZE: usize = 64 * 1024;

/// What the crate does not know of the options.
#[derive(Default)]
struct Options {
    recursive: bool,
    /// A file that is only on one side is compared with an empty one.
    new_files: bool,
    /// What heads the two files in the place of their names and times.
    labels: Vec<String>,
    /// All of them, as they are shown before each of two files of directories.
    shown: Vec<String>,
    ignored: Ignored,
    /// Symbolic links are compared, not what they lead to.
    links: bool,
    formats: Formats,
    /// The expression of lines that are shown with hunks.
    shown_line: Option<String>,
}

/// What makes no difference. Files that differ in nothing else are the same; of others all differences are shown.
#[derive(Default)]
struct Ignored {
    case: bool,
    /// All blanks, their number, those at the end of a line.
    blanks: bool,
    number_of_blanks: bool,
    last_blanks: bool,
    blank_lines: bool,
}

impl Ignored {
    fn is_any(&self) -> bool {
        self.case || self.blanks || self.number_of_blanks || self.last_blanks || self.blank_lines
    }

    /// Whether the letter is such an option.
    fn set(&mut self, letter: char) -> bool {
        match letter {
            'i' => self.case = true,
            'w' => self.blanks = true,
            'b' => self.number_of_blanks = true,
            'Z' => self.last_blanks = true,
            'B' => self.blank_lines = true,
            _ => return false,
        }
        true
    }

    /// What of a line makes a difference. Without options, whether it has an end does too.
    fn left(&self, line: &[u8]) -> Vec<u8> {
        if !self.is_any() {
            return line.to_vec();
        }
        let blanks = self.blanks || self.number_of_blanks || self.last_blanks;
        let ends = line.ends_with(b"\n") || blanks;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut line = if self.case { line.to_ascii_lowercase() } else { line.to_vec() };
        if self.blanks {
            line.retain(|byte| !byte.is_ascii_whitespace());
        } else if self.number_of_blanks || self.last_blanks {
            line.truncate(line.trim_ascii_end().len());
        }
        if self.number_of_blanks {
            let words: Vec<&[u8]> = line
                .split(u8::is_ascii_whitespace)
                .enumerate()
                .filter(|(at, word)| *at == 0 || !word.is_empty())
                .map(|(_, word)| word)
                .collect();
            line = words.join(&b' ');
        }
        if ends {
            line.push(b'\n');
        }
        line
    }
}

pub fn diff(args: std::vec::IntoIter<OsString>) -> i32 {
    let mut options = Options::default();
    let mut kept: Vec<OsString> = vec![];
    let mut words = args;
    kept.extend(words.next().map(|_| OsString::from("diff")));
    while let Some(word) = words.next() {
        options
            .shown
            .extend(word.to_str().filter(|word| word.len() > 1 && word.starts_with('-')).map(str::to_owned));
        match word.to_str() {
            Some("--") => {
                kept.push(word);
                kept.extend(words.by_ref());
            }
            Some("--recursive") => options.recursive = true,
            Some("--new-file") => options.new_files = true,
            Some("--ignore-case") => options.ignored.case = true,
            Some("--ignore-all-space") => options.ignored.blanks = true,
            Some("--ignore-space-change") => options.ignored.number_of_blanks = true,
            Some("--ignore-trailing-space" | "--strip-trailing-cr") => options.ignored.last_blanks = true,
            Some("--ignore-blank-lines") => options.ignored.blank_lines = true,
            Some("-W") => {
                let width = words.next().unwrap_or_default();
                kept.push(format!("--width={}", width.to_text()).into());
            }
            Some("--color" | "--color=never" | "--color=auto" | "-a" | "--text" | "-d" | "--minimal") => {}
            Some("--no-dereference") => options.links = true,
            Some("--show-c-function") => options.shown_line = Some(C_FUNCTION.into()),
            Some("-F" | "--show-function-line") => {
                options.shown_line = words.next().map(|line| line.to_text().into_owned());
            }
            Some(text) if text.starts_with("--show-function-line=") => {
                options.shown_line = Some(text["--show-function-line=".len()..].to_owned());
            }
            Some(text) if options.formats.set(text) => {}
            Some("-L" | "--label") => {
                options.labels.extend(words.next().map(|label| label.to_text().into_owned()))
            }
            Some("-U" | "-C") => {
                kept.push(word);
                kept.extend(words.next());
            }
            Some(text) if text.starts_with("--label=") => {
                options.labels.push(text["--label=".len()..].to_owned())
            }
            // Letters that stand together, which the crate only knows alone.
            Some(text) if is_cluster(text) => {
                for letter in text[1..].chars() {
                    match letter {
                        'r' => options.recursive = true,
                        'N' => options.new_files = true,
                        'a' | 'd' => {}
                        'p' => options.shown_line = Some(C_FUNCTION.into()),
                        ignored if options.ignored.set(ignored) => {}
                        other => kept.push(format!("-{other}").into()),
                    }
                }
            }
            _ => kept.push(word),
        }
    }
    let operands = operands(&kept);
    // The same input is the same; it is not even read.
    if operands.len() == 2 && operands.iter().all(|operand| operand == "-") {
        return SAME;
    }
    if let [from, to] = operands.as_slice()
        && Path::new(from).is_dir()
        && Path::new(to).is_dir()
    {
        let settings: Vec<OsString> =
            kept.iter().skip(1).filter(|word| !operands.contains(word)).cloned().collect();
        return directories(&options, &settings, Path::new(from), Path::new(to));
    }
    match parse_params(kept.into_iter().peekable()) {
        Ok(params) => files(&options, &params),
        Err(message) => {
            say(&mut io::stderr(), &format!("diff: {message}"));
            say(&mut io::stderr(), "diff: Try 'diff --help' for more information.");
            TROUBLE
        }
    }
}

/// Lines that begin functions of C, as `-p` shows them.
const C_FUNCTION: &str = "^[[:alpha:]$_]";

fn is_cluster(text: &str) -> bool {
    text.len() > 1
        && text.starts_with('-')
        && text[1..].chars().all(|letter| letter.is_ascii_alphabetic())
        && !text[1..].is_empty()
}

fn operands(kept: &[OsString]) -> Vec<OsString> {
    let mut found = vec![];
    let mut words = kept.iter().skip(1);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--") => found.extend(words.by_ref().cloned()),
            Some("-U" | "-C") => {
                words.next();
            }
            Some(text) if text.len() > 1 && text.starts_with('-') => {}
            _ => found.push(word.clone()),
        }
    }
    found
}

fn directories(options: &Options, settings: &[OsString], from: &Path, to: &Path) -> i32 {
    let (ours, theirs) = match (names(from), names(to)) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(error), _) => return trouble(from.as_os_str(), &error),
        (_, Err(error)) => return trouble(to.as_os_str(), &error),
    };
    let mut status = SAME;
    for name in ours.union(&theirs) {
        let (one, other) = (from.join(name), to.join(name));
        let (here, there) = (ours.contains(name), theirs.contains(name));
        let found = match (one.is_dir(), other.is_dir()) {
            _ if !options.new_files && here != there => {
                let place = if here { from } else { to };
                let line = format!("Only in {}: {}", place.to_text(), name.to_text());
                say(&mut io::stdout(), &line);
                DIFFERENT
            }
            (true, true) if options.recursive => directories(options, settings, &one, &other),
            (true, true) => {
                let line = format!("Common subdirectories: {} and {}", one.to_text(), other.to_text());
                say(&mut io::stdout(), &line);
                SAME
            }
            (true, false) if !there && options.recursive => directories(options, settings, &one, &other),
            (false, true) if !here && options.recursive => directories(options, settings, &one, &other),
            (one_is, other_is) if one_is || other_is || is_special(&one) || is_special(&other) => {
                let line = format!(
                    "File {} is a {} while file {} is a {}",
                    one.to_text(),
                    kind(&one),
                    other.to_text(),
                    kind(&other)
                );
                say(&mut io::stdout(), &line);
                DIFFERENT
            }
            _ => {
                let mut words = vec![OsString::from("diff")];
                words.extend(settings.iter().cloned());
                words.extend([one.into_os_string(), other.into_os_string()]);
                match parse_params(words.into_iter().peekable()) {
                    Ok(params) => compared(options, &params, true),
                    Err(message) => {
                        say(&mut io::stderr(), &format!("diff: {message}"));
                        return TROUBLE;
                    }
                }
            }
        };
        status = status.max(found);
    }
    status
}

/// A folder that is not there has none.
fn names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn files(options: &Options, params: &Params) -> i32 {
    compared(options, params, false)
}

/// Compares two files; as part of directories, what was compared is named first.
fn compared(options: &Options, params: &Params, named: bool) -> i32 {
    if options.links
        && let Some(status) = links(&params.from, &params.to)
    {
        return status;
    }
    let shown_line = match options.shown_line.as_deref().map(lines::function_expression).transpose() {
        Ok(shown_line) => shown_line,
        Err(message) => {
            say(&mut io::stderr(), &format!("diff: {message}"));
            return TROUBLE;
        }
    };
    let mut is_cut = false;
    let (ours, theirs) = match (contents(options, &params.from), contents(options, &params.to)) {
        (Ok(mut ours), Ok(mut theirs)) => {
            if params.format == Format::Ed && ours != theirs {
                // A script cannot tell that a file has no newline at its end.
                for (file, text) in [(&params.from, &mut ours), (&params.to, &mut theirs)] {
                    if text.last().is_some_and(|last| *last != b'\n') {
                        let file = file.to_text();
                        say(&mut io::stderr(), &format!("diff: {file}: No newline at end of file"));
                        text.push(b'\n');
                        is_cut = true;
                    }
                }
            }
            (ours, theirs)
        }
        (ours, theirs) => {
            for (file, read) in [(&params.from, ours), (&params.to, theirs)] {
                if let Err(error) = read {
                    trouble(file, &error);
                }
            }
            return TROUBLE;
        }
    };
    let (from, to) = (params.from.to_text(), params.to.to_text());
    let ignored = &options.ignored;
    let by_lines = (ours != theirs)
        .then(|| Compared::new(&ours, &theirs, |line| ignored.left(line), ignored.blank_lines));
    let by_lines = by_lines.filter(|found| !found.is_same());
    let Some(by_lines) = by_lines else {
        if options.formats.is_any() && !params.brief && !params.report_identical_files {
            let same = Compared::new(&ours, &ours, <[u8]>::to_vec, false);
            let _ = same.formatted(&mut io::stdout().lock(), &options.formats);
        }
        if params.report_identical_files {
            say(&mut io::stdout(), &format!("Files {from} and {to} are identical"));
        }
        return SAME;
    };
    if params.brief {
        say(&mut io::stdout(), &format!("Files {from} and {to} differ"));
        return DIFFERENT;
    }
    let found = if is_binary(&ours) || is_binary(&theirs) {
        format!("Binary files {from} and {to} differ\n").into_bytes()
    } else {
        let mut found = vec![];
        let written = match params.format {
            _ if options.formats.is_any() => by_lines.formatted(&mut found, &options.formats),
            Format::Normal => by_lines.normal(&mut found),
            Format::Unified => {
                found.extend(heads(["---", "+++"], params, options).into_bytes());
                by_lines.unified(&mut found, params.context_count, shown_line.as_ref())
            }
            Format::Context => {
                found.extend(heads(["***", "---"], params, options).into_bytes());
                by_lines.context(&mut found, params.context_count, shown_line.as_ref())
            }
            Format::SideBySide => {
                side_by_side_diff(&ours, &theirs, &mut found, params);
                Ok(())
            }
            Format::Ed => by_lines.script(&mut found),
        };
        // Memory takes everything.
        let _ = written;
        found
    };
    let mut out = io::stdout().lock();
    if named {
        let _ = writeln!(out, "diff {}{from} {to}", words(&options.shown));
    }
    match out.write_all(&found) {
        Ok(()) if is_cut => TROUBLE,
        Ok(()) => DIFFERENT,
        Err(_) => TROUBLE,
    }
}

fn words(shown: &[String]) -> String {
    shown.iter().map(|word| format!("{word} ")).collect()
}

fn contents(options: &Options, file: &OsStr) -> io::Result<Vec<u8>> {
    if file == "-" {
        let mut read = vec![];
        return io::stdin().read_to_end(&mut read).map(|_| read);
    }
    match fs::read(file) {
        Err(error) if options.new_files && error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        read => read,
    }
}

/// As GNU's does: what has a NUL near its beginning.
fn is_binary(contents: &[u8]) -> bool {
    contents.iter().take(4096).any(|&byte| byte == 0)
}

/// The first two lines: names and times of the files, or the labels that are given.
fn heads(marks: [&str; 2], params: &Params, options: &Options) -> String {
    let files = [&params.from, &params.to];
    let mut text = String::new();
    for (at, (mark, file)) in marks.into_iter().zip(files).enumerate() {
        match options.labels.get(at) {
            Some(label) => text.push_str(&format!("{mark} {label}\n")),
            None => {
                let file = file.to_text();
                text.push_str(&format!("{mark} {}\t{}\n", quoted(&file), time(&file)));
            }
        }
    }
    text
}

/// When a file was changed, which in a VM is told in UTC; of one that is not there the beginning of all time.
fn time(file: &str) -> String {
    let nanoseconds = match file {
        "-" => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
        file => filesystem::status(file, Symlinks::Follow).map_or(0, |status| status.modified),
    };
    let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (year, month, day) = calendar::date(seconds / 86400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{rest:09} +0000")
}

/// Whether a file is none that is compared where directories are.
fn is_special(path: &Path) -> bool {
    !matches!(kind(path), "regular file" | "directory")
}

/// What a file is, links followed.
fn kind(path: &Path) -> &'static str {
    let known = path.to_str().and_then(|path| filesystem::status(path, Symlinks::Follow).ok());
    match known.map(|known| known.file_type) {
        Some(FileType::Directory) => "directory",
        Some(FileType::Fifo) => "fifo",
        Some(FileType::CharacterDevice) => "character special file",
        _ => "regular file",
    }
}

/// The status where at least one of two files is a symbolic link that is not followed.
fn links(from: &OsStr, to: &OsStr) -> Option<i32> {
    let target = |file: &OsStr| fs::read_link(file).ok();
    let (ours, theirs) = (target(from), target(to));
    let (one, other) = (from.to_text(), to.to_text());
    let line = match (ours, theirs) {
        (None, None) => return None,
        (Some(ours), Some(theirs)) if ours == theirs => return Some(SAME),
        (Some(_), Some(_)) => format!("Symbolic links {one} and {other} differ"),
        (ours, theirs) => {
            let kind = |link: &Option<_>, file: &OsStr| match link {
                Some(_) => "symbolic link",
                None => kind(Path::new(file)),
            };
            let (one_kind, other_kind) = (kind(&ours, from), kind(&theirs, to));
            format!("File {one} is a {one_kind} while file {other} is a {other_kind}")
        }
    };
    say(&mut io::stdout(), &line);
    Some(DIFFERENT)
}

fn trouble(file: &OsStr, error: &io::Error) -> i32 {
    let line = format!("diff: {}: {}", file.to_text(), uucore::error::strip_errno(error));
    say(&mut io::stderr(), &line);
    TROUBLE
}
