//! `fd`: finds files by expressions over their names.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cordon_multicall::files::finish;
use cordon_multicall::options::{self, Parsed};
use cordon_multicall::{launch, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::process;
use cordon_vm::types::{FileType, Symlinks};
use globset::GlobBuilder;
use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use regex::bytes::{Regex, RegexBuilder};

use crate::told;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
A program to find entries in your filesystem

Usage: fd [OPTIONS] [pattern] [path]...

Options:
  -H, --hidden                     Search hidden files and directories
  -I, --no-ignore                  Do not respect .(git|fd)ignore files
  -u, --unrestricted               Both
  -s, --case-sensitive             Case-sensitive search (default: smart case)
  -i, --ignore-case                Case-insensitive search (default: smart case)
  -g, --glob                       Glob-based search (default: regular expression)
  -F, --fixed-strings              Treat pattern as literal string
  -a, --absolute-path              Show absolute instead of relative paths
  -p, --full-path                  Search full abs. path (default: filename only)
  -d, --max-depth <depth>          Set maximum search depth
      --min-depth, --exact-depth <depth>
  -E, --exclude <pattern>          Exclude entries that match the given glob pattern
  -t, --type <filetype>            f(ile), d(irectory), l (symlink), x (executable), e(mpty), p(ipe)
  -e, --extension <ext>            Filter by file extension
  -S, --size <size>                Limit results based on the size of files
      --changed-within, --changed-before <duration>
  -x, --exec <cmd>...              Execute a command for each search result
  -X, --exec-batch <cmd>...        Execute a command with all search results at once
  -l, --list-details               Use a detailed listing format like 'ls -l'
  -1                               Show the first result only
      --max-results <count>        Limit the number of results
  -q, --quiet                      Print nothing, exit with 0 if there is a result
  -0, --print0                     Separate results by the null character
      --strip-cwd-prefix, --prune, --base-directory <path>, --and <pattern>";

#[rustfmt::skip]
const LONGS: &[&str] = &[
    "hidden=H", "no-ignore=I", "unrestricted=u", "case-sensitive=s", "ignore-case=i", "glob=g", "fixed-strings=F",
    "absolute-path=a", "full-path=p", "max-depth:=d", "min-depth:=α", "exact-depth:=β", "exclude:=E", "type:=t",
    "extension:=e", "size:=S", "changed-within:=γ", "changed-before:=δ", "list-details=l", "max-results:=ε",
    "quiet=q", "print0=0", "strip-cwd-prefix=ζ", "prune=η", "base-directory:=θ", "and:=ι", "color:=c",
    "threads:=j", "no-ignore-vcs=κ", "no-ignore-parent=λ", "follow=L", "help=h", "version=V", "show-errors=μ",
    "regex=ν", "newer:=γ", "older:=δ", "change-newer-than:=γ", "change-older-than:=δ", "no-hidden=ξ",
    "relative-path=ο", "one-file-system=π", "no-require-git=ρ", "has-results=q", "literal=F", "search-path:=σ",
];

fn fail(message: &str) -> i32 {
    say(&mut io::stderr(), &format!("[fd error]: {message}"));
    1
}

pub fn main(args: Args) -> i32 {
    let mut words: Vec<OsString> = args.collect();
    // A command goes up to a semicolon, or is all the rest.
    let mut command = None;
    let at =
        words.iter().position(|word| matches!(word.to_str(), Some("-x" | "-X" | "--exec" | "--exec-batch")));
    if let Some(at) = at {
        let is_batch = matches!(words[at].to_str(), Some("-X" | "--exec-batch"));
        let mut rest = words.split_off(at);
        rest.remove(0);
        let end = rest.iter().position(|word| word == ";");
        if let Some(end) = end {
            words.extend(rest.split_off(end).into_iter().skip(1));
        }
        let list: Vec<String> = rest.iter().map(|word| word.to_text().into_owned()).collect();
        if list.is_empty() {
            say(&mut io::stderr(), "error: a value is required for '--exec <cmd>...' but none was supplied");
            return 2;
        }
        command = Some((list, is_batch));
    }
    let parsed = match options::parse(words, "HIusigFapd:E:t:e:S:l1q0c:j:LhV", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("error: {message}\n\nFor more information, try '--help'."));
            return 2;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "fd (cordon)");
        return 0;
    }
    if parsed.has('L') {
        return fail("following links is not supported here");
    }
    if parsed.has('l') {
        command = Some((["ls", "-l", "-d", "--color=never"].map(str::to_owned).into(), true));
    }
    if let Some(directory) = parsed.value('θ')
        && let Err(error) = std::env::set_current_dir(directory)
    {
        return fail(&format!("Could not set '{directory}' as the current working directory: {error}"));
    }
    match Fd::new(parsed, command) {
        Ok(fd) => fd.run(),
        Err(message) => {
            fail(&message);
            // What is wrong with an option's value is wrong usage.
            if message.contains("invalid value") || message.contains("not a valid") { 2 } else { 1 }
        }
    }
}

struct Fd {
    parsed: Parsed,
    patterns: Vec<Regex>,
    paths: Vec<String>,
    are_named: bool,
    command: Option<(Vec<String>, bool)>,
    sizes: Vec<(char, u64)>,
    extensions: Vec<String>,
    within: Option<SystemTime>,
    before: Option<SystemTime>,
}

impl Fd {
    fn new(parsed: Parsed, command: Option<(Vec<String>, bool)>) -> Result<Self, String> {
        let mut operands = parsed.words();
        let pattern = if operands.is_empty() { String::new() } else { operands.remove(0) };
        let values = |letter: char| {
            parsed.options.iter().filter(move |(known, _)| *known == letter).map(|(_, value)| value.clone())
        };
        operands.extend(values('σ'));
        let mut patterns = vec![];
        for pattern in std::iter::once(pattern).chain(values('ι')) {
            let text = if parsed.has('g') && !pattern.is_empty() {
                let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
                glob.map_err(|error| error.to_string())?.regex().to_owned()
            } else if parsed.has('F') {
                regex::escape(&pattern)
            } else {
                pattern.clone()
            };
            let is_smart = !pattern.chars().any(char::is_uppercase);
            let folds = parsed.has('i') || (is_smart && !parsed.has('s'));
            let regex = RegexBuilder::new(&text).case_insensitive(folds).dot_matches_new_line(true).build();
            patterns.push(regex.map_err(|error| {
                format!("{error}\n\nNote: You can use the '--fixed-strings' option to search for a literal string instead of a regular expression. Alternatively, you can also use the '--glob' option to match on a glob pattern.")
            })?);
        }
        let mut sizes = vec![];
        for text in values('S') {
            let bad = || format!("'{text}' is not a valid size constraint. See 'fd --help'.");
            let (sign, rest) = match text.chars().next() {
                Some(sign @ ('+' | '-')) => (sign, &text[1..]),
                _ => ('=', text.as_str()),
            };
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            let number: u64 = rest[..end].parse().map_err(|_| bad())?;
            let factor: u64 = match rest[end..].to_lowercase().as_str() {
                "" | "b" => 1,
                "k" | "kb" => 1000,
                "m" | "mb" => 1_000_000,
                "g" | "gb" => 1_000_000_000,
                "ki" | "kib" => 1 << 10,
                "mi" | "mib" => 1 << 20,
                "gi" | "gib" => 1 << 30,
                _ => return Err(bad()),
            };
            sizes.push((sign, number.checked_mul(factor).ok_or_else(bad)?));
        }
        for kind in values('t') {
            let known = [
                "f",
                "file",
                "d",
                "dir",
                "directory",
                "l",
                "symlink",
                "x",
                "executable",
                "e",
                "empty",
                "p",
                "pipe",
                "s",
                "socket",
            ];
            if !known.contains(&kind.as_str()) {
                return Err(format!("invalid value '{kind}' for '--type <filetype>'"));
            }
        }
        let moment = |letter: char| -> Result<Option<SystemTime>, String> {
            let Some(text) = parsed.value(letter) else { return Ok(None) };
            let bad = || format!("'{text}' is not a valid date or duration. See 'fd --help'.");
            let span = duration(text).ok_or_else(bad)?;
            Ok(Some(SystemTime::now().checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH)))
        };
        let (within, before) = (moment('γ')?, moment('δ')?);
        let extensions = values('e').map(|text| text.trim_start_matches('.').to_lowercase()).collect();
        let are_named = !operands.is_empty();
        if !are_named {
            operands.push("./".into());
        }
        Ok(Self { patterns, paths: operands, are_named, command, sizes, extensions, within, before, parsed })
    }

    fn has(&self, letter: char) -> bool {
        self.parsed.has(letter)
    }

    fn number(&self, letter: char) -> Option<usize> {
        self.parsed.value(letter).and_then(|text| text.parse().ok())
    }

    fn run(&self) -> i32 {
        let mut builder: Option<WalkBuilder> = None;
        let mut status = 0;
        for path in &self.paths {
            if !fs::metadata(path).is_ok_and(|about| about.is_dir()) {
                status = fail(&format!("Search path '{path}' is not a directory."));
                continue;
            }
            match &mut builder {
                Some(builder) => drop(builder.add(path)),
                None => builder = Some(WalkBuilder::new(path)),
            }
        }
        let Some(mut builder) = builder else { return fail("No valid search paths given.") };
        let ignores = !self.has('I') && !self.has('u');
        let mut overrides = OverrideBuilder::new("./");
        for (_, glob) in self.parsed.options.iter().filter(|(letter, _)| *letter == 'E') {
            if let Err(error) = overrides.add(&format!("!{glob}")) {
                return fail(&format!("Malformed exclude pattern: {error}"));
            }
        }
        let overrides = match overrides.build() {
            Ok(overrides) => overrides,
            Err(error) => return fail(&format!("Mismatch in exclude patterns: {error}")),
        };
        let depth = self.number('β');
        builder
            .hidden(!self.has('H') && !self.has('u'))
            .ignore(ignores)
            .parents(ignores && !self.has('λ'))
            .git_ignore(ignores && !self.has('κ'))
            .git_exclude(ignores && !self.has('κ'))
            .git_global(false)
            .require_git(!self.has('ρ'))
            .overrides(overrides)
            .max_depth(depth.or_else(|| self.number('d')))
            .sort_by_file_name(|one, other| one.cmp(other));
        if ignores {
            builder.add_custom_ignore_filename(".fdignore");
        }
        let least = depth.or_else(|| self.number('α')).unwrap_or(1).max(1);
        let most =
            if self.has('1') { 1 } else { self.number('ε').filter(|most| *most > 0).unwrap_or(usize::MAX) };
        let mut out = BufWriter::with_capacity(64 * 1024, io::stdout());
        let mut batch = vec![];
        let mut count = 0;
        // What is below it is left out.
        let mut pruned: Option<PathBuf> = None;
        for entry in builder.build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    if self.has('μ') {
                        fail(&told(&error));
                    }
                    continue;
                }
            };
            let is_below = pruned.as_ref().is_some_and(|folder| entry.path().starts_with(folder));
            if is_below || entry.depth() < least || !self.is_found(entry.path()) {
                continue;
            }
            if self.has('η') && entry.file_type().is_some_and(|kind| kind.is_dir()) {
                pruned = Some(entry.path().to_owned());
            }
            count += 1;
            if self.has('q') {
                return 0;
            }
            let path = self.shown(entry.path());
            match &self.command {
                Some((_, true)) => batch.push(path),
                Some((command, false)) => {
                    let _ = out.flush();
                    status = status.max(execute(command, &[path]));
                }
                None => {
                    let slash = if entry.file_type().is_some_and(|kind| kind.is_dir()) { "/" } else { "" };
                    let end = if self.has('0') { '\0' } else { '\n' };
                    if write!(out, "{path}{slash}{end}").is_err() {
                        return 1;
                    }
                }
            }
            if count >= most {
                break;
            }
        }
        if let Some((command, true)) = &self.command
            && !batch.is_empty()
        {
            status = status.max(execute(command, &batch));
        }
        let status = if self.has('q') { 1 } else { status };
        finish("fd", out, status)
    }

    fn shown(&self, path: &Path) -> String {
        let text = path.to_text();
        if self.has('a') {
            return filesystem::canonical_path(&text).unwrap_or_else(|_| text.into_owned());
        }
        // Programs and their like get names that are never options.
        let keeps = self.are_named || ((self.has('0') || self.command.is_some()) && !self.has('ζ'));
        if keeps { text.into_owned() } else { text.strip_prefix("./").unwrap_or(&text).to_owned() }
    }

    fn is_found(&self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_text().into_owned()).unwrap_or_default();
        let searched = if self.has('p') {
            let bare = path.strip_prefix("./").unwrap_or(path);
            std::env::current_dir()
                .map_or_else(|_| bare.to_owned(), |at| at.join(bare))
                .to_text()
                .into_owned()
        } else {
            name.clone()
        };
        if !self.patterns.iter().all(|pattern| pattern.is_match(searched.as_bytes())) {
            return false;
        }
        if !self.extensions.is_empty() {
            let lower = name.to_lowercase();
            let ends = |extension: &String| {
                lower
                    .strip_suffix(extension.as_str())
                    .is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
            };
            if !self.extensions.iter().any(ends) {
                return false;
            }
        }
        let Ok(status) = filesystem::status(&path.to_text(), Symlinks::NoFollow) else {
            return false;
        };
        let is_directory = status.file_type == FileType::Directory;
        let mut kinds = self.parsed.options.iter().filter(|(letter, _)| *letter == 't').peekable();
        if kinds.peek().is_some() {
            let is_empty = || {
                if is_directory {
                    filesystem::read_directory(&path.to_text()).is_ok_and(|entries| entries.is_empty())
                } else {
                    status.file_type == FileType::RegularFile && status.size == 0
                }
            };
            // Being empty or executable is asked in addition to what kind it is.
            let (mut any, mut has_kind, mut is_kind) = (true, false, false);
            for (_, kind) in kinds {
                match kind.as_str() {
                    "e" | "empty" => any &= is_empty(),
                    "x" | "executable" => {
                        any &= status.file_type == FileType::RegularFile && status.mode & 0o111 != 0;
                    }
                    kind => {
                        has_kind = true;
                        is_kind |= match kind {
                            "f" | "file" => status.file_type == FileType::RegularFile,
                            "d" | "dir" | "directory" => is_directory,
                            "l" | "symlink" => status.file_type == FileType::SymbolicLink,
                            "p" | "pipe" => status.file_type == FileType::Fifo,
                            _ => false,
                        };
                    }
                }
            }
            if !any || (has_kind && !is_kind) {
                return false;
            }
        }
        let fits = |(sign, size): &(char, u64)| match sign {
            '+' => status.size >= *size,
            '-' => status.size <= *size,
            _ => status.size == *size,
        };
        if !self.sizes.is_empty()
            && (status.file_type != FileType::RegularFile || !self.sizes.iter().all(fits))
        {
            return false;
        }
        let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(status.modified);
        self.within.is_none_or(|since| modified >= since) && self.before.is_none_or(|until| modified <= until)
    }
}

/// A span like `2h` or `10d`.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit: u64 = match &rest[..end] {
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86400,
            "w" | "week" | "weeks" => 7 * 86400,
            "M" | "month" | "months" => 2_630_016,
            "y" | "year" | "years" => 31_557_600,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = rest[end..].trim_start();
    }
    (!text.trim().is_empty()).then(|| Duration::from_secs(seconds))
}

/// Runs a command with names in the places of its braces, or at its end where it has none.
fn execute(command: &[String], paths: &[String]) -> i32 {
    const MARKS: [&str; 5] = ["{/.}", "{//}", "{/}", "{.}", "{}"];
    let filled = |word: &str, path: &str| {
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        let stem = |name: &str| match name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() && !stem.ends_with('/') => stem.to_owned(),
            _ => name.to_owned(),
        };
        let bare = path.strip_prefix("./").unwrap_or(path);
        let values = [stem(name), parent.to_owned(), name.to_owned(), stem(bare), path.to_owned()];
        let mut text = String::new();
        let mut rest = word;
        'words: while !rest.is_empty() {
            for (mark, value) in MARKS.iter().zip(&values) {
                if let Some(behind) = rest.strip_prefix(mark) {
                    text.push_str(value);
                    rest = behind;
                    continue 'words;
                }
            }
            let length = rest.chars().next().map_or(1, char::len_utf8);
            text.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        text
    };
    let is_marked = |word: &String| MARKS.iter().any(|mark| word.contains(mark));
    let mut words = command.to_vec();
    if !words.iter().any(is_marked) {
        words.push("{}".into());
    }
    let words: Vec<String> = words
        .iter()
        .flat_map(|word| {
            if is_marked(word) {
                paths.iter().map(|path| filled(word, path)).collect()
            } else {
                vec![word.clone()]
            }
        })
        .collect();
    let directory = std::env::current_dir().ok().map(|at| at.to_text().into_owned());
    match launch::start(&words, process::environment(), directory).and_then(|child| child.wait()) {
        Ok(status) => i32::from(launch::code_of(status) != 0),
        Err(errno) => {
            fail(&format!("Problem while executing command: {}: {}", words[0], launch::errno_text(errno)))
        }
    }
}
