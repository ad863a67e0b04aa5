//! `diff` and `cmp`: the programs around uutils' diffutils, whose own cannot be called.
//!
//! Directories are compared here, file by file; the crate knows no such thing.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use cordon_multicall::say;
use diffutilslib::params::{Format, Params, parse_params};
use diffutilslib::{context_diff, ed_diff, normal_diff, side_by_side_diff, unified_diff};

/// Exit statuses of both: no difference, some, trouble.
const SAME: i32 = 0;
const DIFFERENT: i32 = 1;
const TROUBLE: i32 = 2;

pub fn cmp(args: std::vec::IntoIter<OsString>) -> i32 {
    use diffutilslib::cmp;
    let args: Vec<OsString> = args.collect();
    let is_quiet = args.iter().any(|word| ["-s", "--quiet", "--silent"].iter().any(|quiet| word == quiet));
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

    /// What is left of a text.
    fn left(&self, text: &[u8]) -> Vec<Vec<u8>> {
        let lines = text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n');
        let kept = lines.map(|line| {
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
            line
        });
        kept.filter(|line| !(self.blank_lines && line.is_empty())).collect()
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
                kept.push(format!("--width={}", width.to_string_lossy()).into());
            }
            Some("--color" | "--color=never" | "--color=auto" | "-a" | "--text" | "-d" | "--minimal") => {}
            Some("-L" | "--label") => {
                options.labels.extend(words.next().map(|label| label.to_string_lossy().into_owned()))
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
                        ignored if options.ignored.set(ignored) => {}
                        other => kept.push(format!("-{other}").into()),
                    }
                }
            }
            _ => kept.push(word),
        }
    }
    let operands = operands(&kept);
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
                let line = format!("Only in {}: {}", place.display(), name.to_string_lossy());
                say(&mut io::stdout(), &line);
                DIFFERENT
            }
            (true, true) if options.recursive => directories(options, settings, &one, &other),
            (true, true) => {
                let line = format!("Common subdirectories: {} and {}", one.display(), other.display());
                say(&mut io::stdout(), &line);
                SAME
            }
            (true, false) if !there && options.recursive => directories(options, settings, &one, &other),
            (false, true) if !here && options.recursive => directories(options, settings, &one, &other),
            (true, _) | (_, true) => {
                let kind = |path: &Path| if path.is_dir() { "directory" } else { "regular file" };
                let line = format!(
                    "File {} is a {} while file {} is a {}",
                    one.display(),
                    kind(&one),
                    other.display(),
                    kind(&other)
                );
                say(&mut io::stdout(), &line);
                DIFFERENT
            }
            (false, false) => {
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
    let (ours, theirs) = match (contents(options, &params.from), contents(options, &params.to)) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => {
            for (file, read) in [(&params.from, ours), (&params.to, theirs)] {
                if let Err(error) = read {
                    trouble(file, &error);
                }
            }
            return TROUBLE;
        }
    };
    let (from, to) = (params.from.to_string_lossy(), params.to.to_string_lossy());
    let ignored = &options.ignored;
    if ours == theirs || (ignored.is_any() && ignored.left(&ours) == ignored.left(&theirs)) {
        if params.report_identical_files {
            say(&mut io::stdout(), &format!("Files {from} and {to} are identical"));
        }
        return SAME;
    }
    if params.brief {
        say(&mut io::stdout(), &format!("Files {from} and {to} differ"));
        return DIFFERENT;
    }
    let found = if is_binary(&ours) || is_binary(&theirs) {
        format!("Binary files {from} and {to} differ\n").into_bytes()
    } else {
        let found = match params.format {
            Format::Normal => shortened(&normal_diff(&ours, &theirs, params)),
            Format::Unified => unified_diff(&ours, &theirs, params),
            Format::Context => context_diff(&ours, &theirs, params),
            Format::SideBySide => {
                let mut found = vec![];
                side_by_side_diff(&ours, &theirs, &mut found, params);
                found
            }
            Format::Ed => match ed_diff(&ours, &theirs, params) {
                Ok(found) => found,
                Err(error) => {
                    say(&mut io::stderr(), &format!("diff: {error}"));
                    return TROUBLE;
                }
            },
        };
        labelled(found, options, params.format)
    };
    let mut out = io::stdout().lock();
    if named {
        let _ = writeln!(out, "diff {}{from} {to}", words(&options.shown));
    }
    match out.write_all(&found) {
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

/// The crate writes a range of one line with both of its ends.
fn shortened(found: &[u8]) -> Vec<u8> {
    let range = |text: &str| match text.split_once(',') {
        Some((first, last)) if first == last => first.to_owned(),
        _ => text.to_owned(),
    };
    let mut out = Vec::with_capacity(found.len());
    for line in found.split_inclusive(|&byte| byte == b'\n') {
        let text = std::str::from_utf8(line)
            .ok()
            .filter(|text| text.starts_with(|letter: char| letter.is_ascii_digit()));
        match text.and_then(|text| Some((text, text.find(['a', 'c', 'd'])?))) {
            Some((text, at)) => {
                let (from, to) = (range(&text[..at]), range(text[at + 1..].trim_end()));
                out.extend(format!("{from}{}{to}\n", &text[at..=at]).into_bytes());
            }
            None => out.extend(line),
        }
    }
    out
}

/// Puts the labels in the place of the first two lines.
fn labelled(found: Vec<u8>, options: &Options, format: Format) -> Vec<u8> {
    let heads = match format {
        Format::Unified => ["---", "+++"],
        Format::Context => ["***", "---"],
        _ => return found,
    };
    if options.labels.is_empty() {
        return found;
    }
    let mut lines = found.split_inclusive(|&byte| byte == b'\n');
    let mut out = vec![];
    for (head, label) in heads.iter().zip(options.labels.iter().map(Some).chain([None, None])) {
        let own = lines.next().unwrap_or_default();
        match label {
            Some(label) => out.extend(format!("{head} {label}\n").into_bytes()),
            None => out.extend(own),
        }
    }
    lines.for_each(|line| out.extend(line));
    out
}

fn trouble(file: &OsStr, error: &io::Error) -> i32 {
    let line = format!("diff: {}: {}", file.to_string_lossy(), uucore::error::strip_errno(error));
    say(&mut io::stderr(), &line);
    TROUBLE
}
