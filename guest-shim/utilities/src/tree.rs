//! `tree`, in the form of its version 2.

use std::ffi::OsString;
use std::io::{self, Write};

use cordon_multicall::files::{finish, output};
use cordon_multicall::pattern::fits;
use cordon_multicall::quoting::octal;
use cordon_multicall::{calendar, options, say};
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, FileType, Symlinks};

use crate::column::json_text;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
usage: tree [-adfghilnprstxCDFJLPINSU] [-L level] [-P pattern] [-I pattern] [-o filename] [--] [directory ...]
  -a            All files are listed.
  -d            List directories only.
  -l            Follow symbolic links like directories.
  -f            Print the full path prefix for each file.
  -L level      Descend only level directories deep.
  -P pattern    List only those files that match the pattern given.
  -I pattern    Do not list files that match the given pattern.
  --ignore-case Ignore case when pattern matching.
  --matchdirs   Include directory names in -P pattern matching.
  --prune       Prune empty directories from the output.
  --filelimit # Do not descend dirs with more than # files in them.
  --noreport    Turn off file/directory count at end of tree listing.
  -o filename   Output to file instead of stdout.
  -p            Print the protections for each file.
  -s            Print the size in bytes of each file.
  -h            Print the size in a more human readable way.
  -D            Print the date of last modification.
  -F            Appends '/', '=', '*', '@', '|' as per ls -F.
  -Q            Quote filenames with double quotes.
  -t            Sort files by last modification time.
  -U            Leave files unsorted.
  -r            Reverse the order of the sort.
  --dirsfirst   List directories before files.
  --sort X      Select sort: name, size, mtime, none.
  -i            Don't print indentation lines.
  -J            Prints out a JSON representation of the tree.
  --charset X   Use charset X for the indentation lines.
  -n, -C        Accepted: nothing is colored.";

const LONGS: &[&str] = &[
    "help=?",
    "version=V",
    "noreport=1",
    "dirsfirst=2",
    "prune=3",
    "filelimit:=4",
    "ignore-case=5",
    "matchdirs=6",
    "sort:=7",
    "charset:=8",
    "nolinks=n",
];

struct Options {
    parsed: options::Parsed,
    level: usize,
    wanted: Vec<String>,
    unwanted: Vec<String>,
    is_utf8: bool,
    limit: usize,
}

struct Entry {
    name: String,
    path: String,
    link: Option<String>,
    status: Option<FileStatus>,
    /// What is behind a link.
    target: Option<FileStatus>,
}

/// What was counted.
#[derive(Default)]
struct Report {
    directories: usize,
    files: usize,
    failed: bool,
}

impl Entry {
    fn kind(&self) -> Option<FileType> {
        self.status.map(|status| status.file_type)
    }

    fn is_directory(&self) -> bool {
        self.kind() == Some(FileType::Directory)
    }

    fn leads_to_directory(&self) -> bool {
        self.is_directory() || self.target.is_some_and(|target| target.file_type == FileType::Directory)
    }
}

pub fn main(args: Args) -> i32 {
    // `--sort=name` and `--sort name` are both known; so is `-L2`.
    let parsed = match options::parse(args, "adfilnprstxhuvcqgCDFJL:P:I:o:NQSU", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            let message = match message.strip_prefix("invalid option -- ") {
                Some(letter) => {
                    format!("Invalid argument -`{}'.", letter.trim_matches('\''))
                }
                None => message,
            };
            say(&mut io::stderr(), &format!("tree: {message}\n{}", HELP.lines().next().unwrap_or_default()));
            return 1;
        }
    };
    if parsed.has('?') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "tree (cordon), in the form of v2.1.0");
        return 0;
    }
    if let Some((letter, _)) = parsed.options.iter().find(|(letter, _)| "xugcvqS".contains(*letter)) {
        say(&mut io::stderr(), &format!("tree: option -{letter} is not supported"));
        return 1;
    }
    let mut level = usize::MAX;
    if let Some(text) = parsed.value('L') {
        match text.parse() {
            Ok(number) if number > 0 => level = number,
            _ => {
                say(&mut io::stderr(), "tree: Invalid level, must be greater than 0.");
                return 1;
            }
        }
    }
    let patterns = |letter: char| -> Vec<String> {
        let given = parsed.options.iter().filter(|(known, _)| *known == letter);
        given.flat_map(|(_, value)| value.split('|').map(str::to_owned)).collect()
    };
    let (wanted, unwanted) = (patterns('P'), patterns('I'));
    let charset = match parsed.value('8') {
        Some(given) => given.to_owned(),
        None => ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .unwrap_or_default(),
    };
    let is_utf8 = charset.to_uppercase().replace('-', "").contains("UTF8");
    let limit = parsed.value('4').and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let mut starts = parsed.words();
    if starts.is_empty() {
        starts.push(".".into());
    }
    let target = parsed.value('o').map(str::to_owned);
    let options = Options { parsed, level, wanted, unwanted, is_utf8, limit };
    let mut out: Box<dyn Write> = match &target {
        None => Box::new(output()),
        Some(name) => match std::fs::File::create(name) {
            Ok(file) => Box::new(io::BufWriter::new(file)),
            Err(_) => {
                say(&mut io::stderr(), &format!("tree: invalid filename '{name}'"));
                return 1;
            }
        },
    };
    let mut report = Report::default();
    let shown = if options.parsed.has('J') {
        options.json(&starts, &mut report, &mut out)
    } else {
        options.text(&starts, &mut report, &mut out)
    };
    let status = if report.failed { 2 } else { 0 };
    match shown {
        Ok(()) => finish("tree", out, status),
        Err(_) => 1,
    }
}

impl Options {
    fn has(&self, letter: char) -> bool {
        self.parsed.has(letter)
    }

    fn text(&self, starts: &[String], report: &mut Report, out: &mut dyn Write) -> io::Result<()> {
        for start in starts {
            let bare = start.trim_end_matches('/');
            let start = if bare.is_empty() { start } else { bare };
            let status = filesystem::status(start, Symlinks::Follow).ok();
            let entry = Entry { name: start.into(), path: start.into(), link: None, status, target: None };
            if !entry.is_directory() {
                report.failed |= status.is_none();
                report.files += usize::from(status.is_some());
                self.begin(&entry, out)?;
                writeln!(out, "  [error opening dir]")?;
                continue;
            }
            self.line(&entry, out)?;
            let before = (report.directories, report.files);
            self.below(start, 1, "", report, out)?;
            // The start counts too, as far as there is something in it.
            report.directories += usize::from(before != (report.directories, report.files));
        }
        if !self.has('1') {
            let plural = |count: usize, one: &str, many: &str| {
                format!("{count} {}", if count == 1 { one } else { many })
            };
            let directories = plural(report.directories, "directory", "directories");
            if self.has('d') {
                write!(out, "\n{directories}\n")?;
            } else {
                write!(out, "\n{directories}, {}\n", plural(report.files, "file", "files"))?;
            }
        }
        Ok(())
    }

    fn below(
        &self,
        path: &str,
        depth: usize,
        indent: &str,
        report: &mut Report,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if depth > self.level {
            return Ok(());
        }
        let entries = self.entries(path, depth);
        let count = entries.len();
        if count > self.limit {
            return Ok(());
        }
        let (branch, corner, bar) = if self.is_utf8 {
            ("├── ", "└── ", "│\u{a0}\u{a0} ")
        } else {
            ("|-- ", "`-- ", "|   ")
        };
        for (at, entry) in entries.iter().enumerate() {
            let is_last = at + 1 == count;
            if !self.has('i') {
                write!(out, "{indent}{}", if is_last { corner } else { branch })?;
            }
            self.line(entry, out)?;
            if entry.leads_to_directory() {
                report.directories += 1;
            } else {
                report.files += 1;
            }
            if self.descends(entry) {
                let indent = format!("{indent}{}", if is_last { "    " } else { bar });
                self.below(&entry.path, depth + 1, &indent, report, out)?;
            }
        }
        Ok(())
    }

    fn descends(&self, entry: &Entry) -> bool {
        // Links that lead in a circle come to an end where the system finds too many of them.
        entry.is_directory() || (self.has('l') && entry.leads_to_directory() && entry.path.len() < 1024)
    }

    fn entries(&self, path: &str, depth: usize) -> Vec<Entry> {
        let listed = filesystem::read_directory(path).unwrap_or_default();
        let base = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
        let mut entries: Vec<Entry> = listed
            .into_iter()
            .filter(|entry| self.has('a') || !entry.name.starts_with('.'))
            .map(|entry| {
                let path = format!("{base}{}", entry.name);
                let status = filesystem::status(&path, Symlinks::NoFollow).ok();
                let is_link = entry.file_type == FileType::SymbolicLink;
                let link = is_link.then(|| filesystem::read_symlink(&path).unwrap_or_default());
                let target = is_link.then(|| filesystem::status(&path, Symlinks::Follow).ok()).flatten();
                Entry { name: entry.name, path, link, status, target }
            })
            .filter(|entry| self.is_shown(entry))
            .collect();
        let sort = match self.parsed.value('7') {
            Some(sort) => sort,
            None if self.has('t') => "mtime",
            None if self.has('U') => "none",
            None => "name",
        };
        let key =
            |entry: &Entry| entry.status.map(|status| (status.modified, status.size)).unwrap_or_default();
        match sort {
            "mtime" => entries.sort_by_key(|entry| key(entry).0),
            "size" => entries.sort_by_key(|entry| std::cmp::Reverse(key(entry).1)),
            "none" => {}
            _ => entries.sort_by(|one, other| one.name.cmp(&other.name)),
        }
        if self.has('r') {
            entries.reverse();
        }
        if self.has('2') {
            entries.sort_by_key(|entry| !entry.leads_to_directory());
        }
        if self.has('3') {
            // What is behind the last level is not looked at.
            entries.retain(|entry| {
                !entry.is_directory() || (depth < self.level && self.has_files(&entry.path, depth + 1))
            });
        }
        entries
    }

    fn has_files(&self, path: &str, depth: usize) -> bool {
        self.entries(path, depth).iter().any(|entry| !entry.is_directory() || depth <= self.level)
    }

    fn is_shown(&self, entry: &Entry) -> bool {
        let folds = self.has('5');
        let matches = |patterns: &[String]| {
            patterns.iter().any(|pattern| {
                // A directory's may end in a slash.
                fits(pattern.strip_suffix('/').unwrap_or(pattern), &entry.name, folds)
            })
        };
        if self.has('d') && !entry.leads_to_directory() {
            return false;
        }
        if matches(&self.unwanted) {
            return false;
        }
        self.wanted.is_empty() || entry.is_directory() || matches(&self.wanted)
    }

    /// What a line says of an entry, without its end.
    fn begin(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        let mut facts = vec![];
        if let Some(status) = &entry.status {
            if self.has('p') {
                facts.push(mode_text(status));
            }
            if self.has('h') {
                facts.push(human(status.size));
            } else if self.has('s') {
                facts.push(format!("{:>11}", status.size));
            }
            if self.has('D') {
                facts.push(calendar::listed(status.modified));
            }
        }
        if !facts.is_empty() {
            write!(out, "[{}]  ", facts.join(" "))?;
        }
        let name = if self.has('f') { &entry.path } else { &entry.name };
        let name = &octal(&name.replace('\\', "\\\\")).into_owned();
        if self.has('Q') {
            write!(out, "\"{}\"", name.replace('"', "\\\""))?;
        } else {
            write!(out, "{name}")?;
        }
        if let Some(link) = &entry.link {
            let quote = if self.has('Q') { "\"" } else { "" };
            write!(out, " -> {quote}{link}{quote}")?;
        }
        let shown = entry.target.as_ref().or(entry.status.as_ref());
        if self.has('F')
            && let Some(status) = shown
        {
            let mark = match status.file_type {
                FileType::Directory => "/",
                FileType::Fifo => "|",
                FileType::SymbolicLink => "@",
                FileType::RegularFile if status.mode & 0o111 != 0 => "*",
                _ => "",
            };
            if !(mark == "/" && name.ends_with('/')) {
                write!(out, "{mark}")?;
            }
        }
        Ok(())
    }

    fn line(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        self.begin(entry, out)?;
        writeln!(out)
    }

    fn json(&self, starts: &[String], report: &mut Report, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "[")?;
        for (at, start) in starts.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let is_directory = filesystem::status(start, Symlinks::Follow)
                .is_ok_and(|about| about.file_type == FileType::Directory);
            write!(out, "{comma}\n  {{\"type\":\"directory\",\"name\":{}", json_text(start))?;
            if is_directory {
                let before = (report.directories, report.files);
                self.json_below(start, 1, "    ", report, out)?;
                write!(out, "}}")?;
                report.directories += usize::from(before != (report.directories, report.files));
            } else {
                write!(out, ",\"error\":\"opening dir\"}}")?;
                report.failed = true;
            }
        }
        if !self.has('1') {
            write!(out, "\n,\n  {{\"type\":\"report\",\"directories\":{}", report.directories)?;
            if !self.has('d') {
                write!(out, ",\"files\":{}", report.files)?;
            }
            write!(out, "}}")?;
        } else {
            writeln!(out)?;
        }
        write!(out, "\n]\n")
    }

    fn json_below(
        &self,
        path: &str,
        depth: usize,
        indent: &str,
        report: &mut Report,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if depth > self.level {
            return Ok(());
        }
        let entries = self.entries(path, depth);
        if entries.is_empty() {
            return Ok(());
        }
        write!(out, ",\"contents\":[")?;
        for (at, entry) in entries.iter().enumerate() {
            let kind = match entry.kind() {
                Some(FileType::Directory) => "directory",
                Some(FileType::SymbolicLink) => "link",
                Some(FileType::CharacterDevice) => "char",
                Some(FileType::Fifo) => "fifo",
                _ => "file",
            };
            let name = if self.has('f') { &entry.path } else { &entry.name };
            write!(
                out,
                "{}\n{indent}{{\"type\":\"{kind}\",\"name\":{}",
                if at > 0 { "," } else { "" },
                json_text(name)
            )?;
            if let Some(link) = &entry.link {
                write!(out, ",\"target\":{}", json_text(link))?;
            }
            if let Some(status) = &entry.status {
                if self.has('p') {
                    write!(
                        out,
                        ",\"mode\":\"{:04o}\",\"prot\":\"{}\"",
                        status.mode & 0o7777,
                        mode_text(status)
                    )?;
                }
                if self.has('s') || self.has('h') {
                    write!(out, ",\"size\":{}", status.size)?;
                }
            }
            if entry.leads_to_directory() {
                report.directories += 1;
            } else {
                report.files += 1;
            }
            if self.descends(entry) {
                self.json_below(&entry.path, depth + 1, &format!("{indent}  "), report, out)?;
            }
            write!(out, "}}")?;
        }
        write!(out, "\n{}]", &indent[2.min(indent.len())..])
    }
}

fn mode_text(status: &FileStatus) -> String {
    let kind = match status.file_type {
        FileType::Directory => 'd',
        FileType::SymbolicLink => 'l',
        FileType::CharacterDevice => 'c',
        FileType::Fifo => 'p',
        FileType::RegularFile => '-',
    };
    let mode = status.mode;
    let bits = (0..9).map(|at| if mode >> (8 - at) & 1 == 1 { ['r', 'w', 'x'][at % 3] } else { '-' });
    std::iter::once(kind).chain(bits).collect()
}

/// A size in at most four letters.
fn human(size: u64) -> String {
    if size < 1024 {
        return format!("{size:>4}");
    }
    let mut value = size as f64;
    let mut unit = ' ';
    for next in "KMGTPE".chars() {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if value < 10.0 { format!("{value:>3.1}{unit}") } else { format!("{value:>3.0}{unit}") }
}
