//! `find`: uutils' walk and expressions, with `-exec` and its like done here, and before them a walk of our own for what is
//! asked for most ([`walk`](super::walk)).
//!
//! The crate starts programs by itself, which WASI cannot. But it asks its [`Dependencies`] two things while it evaluates
//! an expression: whether the user agrees (`-ok`), and what time it is. So each `-exec` becomes an `-ok` whose command is a
//! number. Asked whether to run it for a path, we run what the number stands for, and say no, so that the crate runs
//! nothing. What the command came to is told as the time: a test for files that are older than any follows, and the next
//! question for the time is answered with a day on which they are, if the command succeeded.
//!
//! Tests of what only the virtual machine knows of a file (`-perm`, `-links`, `-inum`, `-executable`, `-xdev`) take the
//! same way, and those of a name where starting points end in slashes, which the crate counts to the name.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cordon_multicall::launch::{self, errno_text};
use cordon_multicall::users::{self, USER_ID};
use cordon_multicall::{calendar, facts, pattern, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::process::{self, ExitStatus};
use cordon_vm::types::{FileStatus, FileType, Symlinks};
use findutils::find::{Dependencies, find_main};
use uucore::mode::parse_chmod;

use super::walk::Plan;

/// A time at which every file is [`OLD`] days old, some thousand years from now; at no real time is one.
const AFTER_ALL: Duration = Duration::from_secs(3000 * 365 * 86400);
const OLD: &str = "+700000";

/// Bytes of arguments that a command gets at most in one go.
const BATCH_BYTES: usize = 128 * 1024;

/// Bytes of output that are kept before they are written.
const OUTPUT_BYTES: usize = 32 * 1024;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let words: Vec<String> = args.map(|arg| arg.to_text().into_owned()).collect();
    if let Some(plan) = Plan::parse(&words) {
        let work = Work::new(vec![], false);
        plan.run(&work);
        work.flush();
        return i32::from(work.failed.get());
    }
    let (words, is_missing) = without_missing(words);
    let Some(words) = words else { return 1 };
    let (words, asked) = match put_off(words) {
        Ok(done) => done,
        Err(message) => {
            say(&mut io::stderr(), &format!("find: {message}"));
            return 1;
        }
    };
    let work = Work::new(asked, is_missing);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let status = find_main(&words, &work);
    for asked in &work.asked {
        if let Asked::Command(command) = asked {
            work.run_batch(command);
        }
    }
    let _ = work.output.borrow_mut().flush();
    if work.failed.get() { status.max(1) } else { status }
}

/// What a number stands for that the crate asks about.
enum Asked {
    Command(Command),
    Test(Test),
    /// `-ls`.
    List,
    /// A directive of `-printf` with its flags and width, and its letter.
    Print(String, char),
}

/// A test of what the virtual machine knows of a file.
pub(crate) enum Test {
    /// Its permissions are these.
    Mode(u32),
    /// They include these.
    AllOf(u32),
    /// They include one of these, unless there are none.
    AnyOf(u32),
    Links(Wanted),
    Inode(Wanted),
    /// Its name fits a pattern, the case of letters aside if so.
    Name(String, bool),
    /// It is of one of these types, which the crate does not tell apart.
    Types(Vec<FileType>),
    /// It belongs to the user of the virtual machine, as all files do, or to somebody else.
    Owned(bool),
    /// It lies on none of these devices.
    Elsewhere(Vec<u64>),
}

/// A number, at least or at most.
pub(crate) enum Wanted {
    More(u64),
    Less(u64),
    Equal(u64),
}

impl Wanted {
    fn parse(text: &str) -> Option<Wanted> {
        match text.split_at_checked(1)? {
            ("+", number) => number.parse().ok().map(Wanted::More),
            ("-", number) => number.parse().ok().map(Wanted::Less),
            _ => text.parse().ok().map(Wanted::Equal),
        }
    }

    fn is(&self, number: u64) -> bool {
        match *self {
            Wanted::More(least) => number > least,
            Wanted::Less(most) => number < most,
            Wanted::Equal(equal) => number == equal,
        }
    }
}

impl Test {
    /// None where the word is no such test; what it takes besides is whether it has an argument.
    pub(crate) fn parse(
        name: &str,
        argument: Option<&str>,
        starts: &[String],
    ) -> Result<Option<(Test, usize)>, String> {
        let needed = || argument.ok_or_else(|| format!("missing argument to `{name}'"));
        let wrong = |text: &str| format!("invalid argument `{text}' to `{name}'");
        let owned = |who: &str, number_of: fn(&str) -> Option<u32>| {
            let number = number_of(who).or_else(|| who.parse().ok());
            let number = number.ok_or_else(|| match name {
                "-user" => format!("'{who}' is not the name of a known user"),
                _ => format!("'{who}' is not the name of an existing group"),
            })?;
            Ok::<Test, String>(Test::Owned(number == USER_ID))
        };
        let test = match name {
            "-executable" => return Ok(Some((Test::AnyOf(0o111), 0))),
            "-links" => Test::Links(Wanted::parse(needed()?).ok_or_else(|| wrong(needed().unwrap_or("")))?),
            "-inum" => Test::Inode(Wanted::parse(needed()?).ok_or_else(|| wrong(needed().unwrap_or("")))?),
            "-name" | "-iname" if starts.iter().any(|start| start.ends_with('/')) => {
                Test::Name(needed()?.to_owned(), name == "-iname")
            }
            "-user" => owned(needed()?, users::user_number)?,
            "-group" => owned(needed()?, users::group_number)?,
            "-type" if needed()?.contains(['c', 'p']) => Test::Types(types(needed()?)?),
            "-uid" | "-gid" => {
                let wanted = Wanted::parse(needed()?).ok_or_else(|| wrong(needed().unwrap_or("")))?;
                Test::Owned(wanted.is(USER_ID.into()))
            }
            "-nouser" | "-nogroup" => return Ok(Some((Test::Owned(false), 0))),
            "-perm" => {
                let text = needed()?;
                let (kind, mode) = match text.split_at_checked(1) {
                    Some((kind @ ("-" | "/"), mode)) => (kind, mode),
                    _ => ("", text),
                };
                let mode = parse_chmod(0, mode, false, 0).map_err(|_| format!("invalid mode '{text}'"))?;
                match kind {
                    "-" => Test::AllOf(mode),
                    "/" => Test::AnyOf(mode),
                    _ => Test::Mode(mode),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some((test, 1)))
    }

    pub(crate) fn holds(&self, path: &str, file: &FileStatus) -> bool {
        let mode = file.mode & 0o7777;
        match self {
            Test::Mode(wanted) => mode == *wanted,
            Test::AllOf(wanted) => mode & wanted == *wanted,
            Test::AnyOf(wanted) => *wanted == 0 || mode & wanted != 0,
            Test::Links(wanted) => wanted.is(file.links),
            Test::Inode(wanted) => wanted.is(file.inode),
            Test::Name(wanted, folds) => pattern::fits(wanted, base_name(path), *folds),
            Test::Types(types) => types.contains(&file.file_type),
            Test::Owned(is_own) => *is_own,
            Test::Elsewhere(devices) => !devices.contains(&file.device),
        }
    }
}

/// A part of a format of `-printf`.
#[derive(Debug, PartialEq)]
enum Part {
    /// What the crate prints.
    Text(String),
    /// What only the virtual machine knows: flags and width, and the letter.
    Directive(String, char),
}

/// Takes a format apart; there is always a part.
fn parts(format: &str) -> Vec<Part> {
    let mut parts = vec![];
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(sign) = rest.next() {
        if sign == '%' {
            let ahead = rest.as_str();
            let form = ahead.len()
                - ahead
                    .trim_start_matches(|sign: char| "-+ #.".contains(sign) || sign.is_ascii_digit())
                    .len();
            if let Some(letter) =
                ahead[form..].chars().next().filter(|letter| "bDgGikmMnuU".contains(*letter))
            {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Directive(ahead[..form].to_owned(), letter));
                rest = ahead[form + 1..].chars();
                continue;
            }
        }
        text.push(sign);
        // What follows these says no more than with them, and the name of a time is none of ours.
        let takes = match (sign, rest.as_str().chars().next()) {
            ('\\', _) | ('%', Some('%')) => 1,
            ('%', Some('A' | 'B' | 'C' | 'T')) => 2,
            _ => 0,
        };
        text.extend(rest.by_ref().take(takes));
    }
    if parts.is_empty() || !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// Letters of `-type`, with commas between them.
pub(crate) fn types(letters: &str) -> Result<Vec<FileType>, String> {
    let mut types = vec![];
    for letter in letters.split(',') {
        types.extend(match letter {
            "c" => Some(FileType::CharacterDevice),
            "d" => Some(FileType::Directory),
            "f" => Some(FileType::RegularFile),
            "l" => Some(FileType::SymbolicLink),
            "p" => Some(FileType::Fifo),
            // There are none.
            "b" | "s" => None,
            _ => return Err(format!("Unknown argument to -type: {letter}")),
        });
    }
    Ok(types)
}

/// What an `-exec` or one of its like stands for.
pub(crate) struct Command {
    words: Vec<String>,
    /// Runs where the file is.
    in_directory: bool,
    /// Asks before.
    asks: bool,
    /// Paths that wait for the rest, with the directory that they are in if that matters; none if each has its own run.
    batch: Option<RefCell<Batch>>,
}

impl Command {
    /// The command of the action that stands at `at`, and where it ends; none if it does not.
    pub(crate) fn parse(words: &[String], at: usize) -> Option<(Command, usize)> {
        let action = words[at].as_str();
        let end = (at + 2..words.len()).find(|&end| {
            words[end] == ";" || (words[end] == "+" && words[end - 1] == "{}" && action.starts_with("-exec"))
        })?;
        let is_batch = words[end] == "+";
        let command = &words[at + 1..if is_batch { end - 1 } else { end }];
        let command = Command {
            words: command.to_vec(),
            in_directory: action.ends_with("dir"),
            asks: action.starts_with("-ok"),
            batch: (is_batch && !command.is_empty()).then(RefCell::default),
        };
        Some((command, end))
    }
}

#[derive(Default)]
struct Batch {
    directory: Option<String>,
    paths: Vec<String>,
    bytes: usize,
}

/// Words that do something with a file; where there is none, `-print` is meant.
pub(crate) const ACTIONS: &[&str] = &[
    "-delete", "-exec", "-execdir", "-fls", "-fprint", "-fprint0", "-fprintf", "-ls", "-ok", "-okdir",
    "-print", "-print0", "-printf",
];

/// Where the starting points begin and where they end.
pub(crate) fn starting_points(words: &[String]) -> (usize, usize) {
    let is_option = |word: &String| ["-H", "-L", "-P"].contains(&word.as_str()) || word.starts_with("-O");
    let first = 1 + words[1..].iter().take_while(|word| is_option(word)).count();
    let is_expression =
        |word: &str| (word.starts_with('-') && word.len() > 1) || ["(", "!", ",", ")"].contains(&word);
    let count = words[first..].iter().take_while(|word| !is_expression(word)).count();
    (first, first + count)
}

/// Complains of starting points that are not there, and leaves them out; no words if none is left.
fn without_missing(words: Vec<String>) -> (Option<Vec<String>>, bool) {
    let (first, end) = starting_points(&words);
    let mut kept = words[..first].to_vec();
    for path in &words[first..end] {
        // An empty path would be taken for the working directory.
        let found = match path.as_str() {
            "" => Err(io::Error::from(io::ErrorKind::NotFound)),
            path => std::fs::symlink_metadata(path),
        };
        match found {
            Ok(_) => kept.push(path.clone()),
            Err(error) => {
                let reason = match path.as_str() {
                    "" => "No such file or directory".to_owned(),
                    _ => uucore::error::strip_errno(&error),
                };
                say(&mut io::stderr(), &format!("find: '{path}': {reason}"));
            }
        }
    }
    let is_missing = kept.len() < end;
    if is_missing && kept.len() == first {
        return (None, true);
    }
    kept.extend_from_slice(&words[end..]);
    (Some(kept), is_missing)
}

/// Replaces what the crate cannot do in the expression, and makes the list that the numbers are of. What is not complete
/// is left for the crate to complain of.
fn put_off(words: Vec<String>) -> Result<(Vec<String>, Vec<Asked>), String> {
    let mut asked = vec![];
    let (first, begin) = starting_points(&words);
    let starts = &words[first..begin];
    let mut stays = false;
    let mut out: Vec<String> = vec![];
    let mut is_print_meant = false;
    let mut at = begin;
    while at < words.len() {
        let action = words[at].as_str();
        let number = asked.len().to_string();
        if action == "-xdev" || action == "-mount" {
            stays = true;
            at += 1;
            continue;
        }
        let argument = words.get(at + 1).map(String::as_str);
        if let Some((test, taken)) = Test::parse(action, argument, starts)? {
            asked.push(Asked::Test(test));
            out.extend(question(&number));
            // The crate takes a question for an action.
            is_print_meant = true;
            at += 1 + taken;
            continue;
        }
        if action == "-ls" {
            asked.push(Asked::List);
            out.extend(question(&number));
            at += 1;
            continue;
        }
        if let ("-printf", Some(format)) = (action, argument) {
            out.push("(".into());
            for (number, part) in parts(format).into_iter().enumerate() {
                if number > 0 {
                    out.push(",".into());
                }
                match part {
                    Part::Text(text) => out.extend(["-printf".into(), text]),
                    Part::Directive(form, letter) => {
                        out.extend(question(&asked.len().to_string()));
                        asked.push(Asked::Print(form, letter));
                    }
                }
            }
            out.push(")".into());
            at += 2;
            continue;
        }
        let command = match action {
            "-exec" | "-execdir" | "-ok" | "-okdir" => Command::parse(&words, at),
            _ => None,
        };
        let Some((command, end)) = command else {
            out.push(words[at].clone());
            at += 1;
            continue;
        };
        let is_batch = words[end] == "+";
        asked.push(Asked::Command(command));
        if is_batch {
            // It is always true.
            out.extend(["!", "-ok", &number, "{}", ";"].map(str::to_owned));
        } else {
            out.extend(question(&number));
        }
        at = end + 1;
    }
    is_print_meant |= stays;
    is_print_meant &= !words[begin..].iter().any(|word| ACTIONS.contains(&word.as_str()));
    let mut all = words[..begin].to_vec();
    if stays {
        // What lies elsewhere is reached, but not entered.
        let here: Vec<String> = if starts.is_empty() { vec![".".into()] } else { starts.to_vec() };
        let devices = here.iter().filter_map(|start| filesystem::status(start, Symlinks::Follow).ok());
        let devices = devices.map(|status| status.device).collect();
        let number = asked.len().to_string();
        asked.push(Asked::Test(Test::Elsewhere(devices)));
        all.extend(question(&number));
        all.extend(["-prune", ","].map(str::to_owned));
    }
    if is_print_meant && out.is_empty() {
        all.push("-print".into());
    } else if is_print_meant {
        all.push("(".into());
        all.extend(out);
        all.extend([")", "-print"].map(str::to_owned));
    } else {
        all.extend(out);
    }
    Ok((all, asked))
}

/// An expression that is true if what the number stands for succeeds. The time of the file is looked at before, too: it is
/// known then even if a command removes the file.
fn question(number: &str) -> [String; 12] {
    ["(", "-mtime", OLD, ",", "!", "-ok", number, "{}", ";", "-mtime", OLD, ")"].map(str::to_owned)
}

pub(crate) struct Work {
    output: RefCell<BufWriter<io::Stdout>>,
    /// Somebody looks on: what is printed is shown line by line.
    is_watched: bool,
    began: SystemTime,
    asked: Vec<Asked>,
    /// The command that was run last did, and nobody has asked for the time since.
    succeeded: Cell<bool>,
    failed: Cell<bool>,
    /// It was said already that what is printed gets nowhere.
    is_output_lost: Cell<bool>,
}

impl Dependencies for Work {
    fn get_output(&self) -> &RefCell<dyn Write> {
        &self.output
    }

    fn now(&self) -> SystemTime {
        if self.succeeded.take() { UNIX_EPOCH + AFTER_ALL } else { self.began }
    }

    fn confirm(&self, prompt: &str) -> bool {
        let asked = prompt.strip_prefix("< ").and_then(|rest| rest.strip_suffix(" > ? "));
        if let Some((number, path)) = asked.and_then(|asked| asked.split_once(" ... "))
            && let Some(asked) = number.parse().ok().and_then(|at: usize| self.asked.get(at))
        {
            self.succeeded.set(match asked {
                Asked::Command(command) => self.reached(command, path),
                Asked::List => self.list(path),
                Asked::Print(form, letter) => self.print(path, form, *letter),
                Asked::Test(test) => {
                    filesystem::status(path, Symlinks::NoFollow).is_ok_and(|status| test.holds(path, &status))
                }
            });
        }
        false
    }
}

impl Work {
    fn new(asked: Vec<Asked>, is_missing: bool) -> Work {
        Work {
            output: RefCell::new(BufWriter::with_capacity(OUTPUT_BYTES, io::stdout())),
            is_watched: io::stdout().is_terminal(),
            began: SystemTime::now(),
            asked,
            succeeded: Cell::new(false),
            failed: Cell::new(is_missing),
            is_output_lost: Cell::new(false),
        }
    }

    /// Prints a path; whether there is nobody to read it any more.
    pub(crate) fn print_line(&self, path: &str, end: u8) -> bool {
        let mut output = self.output.borrow_mut();
        let outcome = output.write_all(path.as_bytes()).and_then(|()| output.write_all(&[end]));
        let outcome = if self.is_watched { outcome.and_then(|()| output.flush()) } else { outcome };
        drop(output);
        outcome.is_err_and(|error| self.lose(&error))
    }

    /// Says once that what is printed gets nowhere.
    fn lose(&self, error: &io::Error) -> bool {
        self.failed.set(true);
        if error.kind() == io::ErrorKind::BrokenPipe {
            return true;
        }
        if !self.is_output_lost.replace(true) {
            let reason = uucore::error::strip_errno(error);
            say(&mut io::stderr(), &format!("find: 'standard output': {reason}"));
        }
        false
    }

    fn flush(&self) {
        let outcome = self.output.borrow_mut().flush();
        if let Err(error) = outcome {
            self.lose(&error);
        }
    }

    /// What was printed before comes before what is said.
    pub(crate) fn complain(&self, message: &str) {
        self.flush();
        say(&mut io::stderr(), &format!("find: {message}"));
        self.failed.set(true);
    }

    /// Prints the line of `-ls`.
    fn list(&self, path: &str) -> bool {
        let Ok(file) = filesystem::status(path, Symlinks::NoFollow) else { return true };
        let target = match std::fs::read_link(path) {
            Ok(target) => format!(" -> {}", target.to_text()),
            Err(_) => String::new(),
        };
        let line = format!(
            "{:9} {:6} {} {:3} {:8} {:8} {:8} {} {path}{target}\n",
            file.inode,
            facts::blocks(&file) / 2,
            facts::letters(file.file_type, file.mode),
            file.links,
            users::user(),
            users::group(),
            file.size,
            calendar::listed(file.modified),
        );
        self.put(&line);
        true
    }

    /// Prints what one directive says of a file.
    fn print(&self, path: &str, form: &str, letter: char) -> bool {
        let Ok(file) = filesystem::status(path, Symlinks::NoFollow) else { return true };
        let (flags, width) =
            form.split_at(form.find(|sign: char| ('1'..='9').contains(&sign)).unwrap_or(form.len()));
        let width: usize = width.split('.').next().and_then(|width| width.parse().ok()).unwrap_or(0);
        let text = match letter {
            'b' => facts::blocks(&file).to_string(),
            'D' => file.device.to_string(),
            'g' => users::group(),
            'i' => file.inode.to_string(),
            'k' => (facts::blocks(&file) / 2).to_string(),
            'm' => format!("{}{:o}", if flags.contains('#') { "0" } else { "" }, file.mode & 0o7777),
            'M' => facts::letters(file.file_type, file.mode),
            'n' => file.links.to_string(),
            'u' => users::user(),
            _ => USER_ID.to_string(),
        };
        self.put(
            &match (flags.contains('-'), flags.contains('0') && !text.starts_with(char::is_alphabetic)) {
                (true, _) => format!("{text:<width$}"),
                (_, true) => format!("{text:0>width$}"),
                _ => format!("{text:>width$}"),
            },
        );
        true
    }

    fn put(&self, text: &str) {
        if self.output.borrow_mut().write_all(text.as_bytes()).is_err() {
            self.failed.set(true);
        }
    }

    /// What the command came to for this path; one that waits for more paths succeeds.
    pub(crate) fn reached(&self, command: &Command, path: &str) -> bool {
        let (directory, name) = place(command, path);
        if let Some(waiting) = &command.batch {
            let is_elsewhere = waiting.borrow().directory != directory;
            if is_elsewhere || waiting.borrow().bytes + name.len() > BATCH_BYTES {
                self.run_batch(command);
            }
            let mut batch = waiting.borrow_mut();
            batch.bytes += name.len() + 1;
            batch.directory = directory;
            batch.paths.push(name);
            return true;
        }
        if command.asks {
            self.flush();
        }
        if command.asks && !agrees(&format!("< {} ... {path} > ? ", command.words[0])) {
            return false;
        }
        let words: Vec<String> = command.words.iter().map(|word| word.replace("{}", &name)).collect();
        self.run(&words, directory)
    }

    pub(crate) fn run_batch(&self, command: &Command) {
        let Some(waiting) = &command.batch else { return };
        let batch = waiting.take();
        if batch.paths.is_empty() {
            return;
        }
        let words: Vec<String> = command.words.iter().cloned().chain(batch.paths).collect();
        if !self.run(&words, batch.directory) {
            self.failed.set(true);
        }
    }

    fn run(&self, words: &[String], directory: Option<String>) -> bool {
        // What was printed before comes before what the program prints.
        let _ = self.output.borrow_mut().flush();
        match launch::start(words, process::environment(), directory) {
            Ok(child) => matches!(child.wait(), Ok(ExitStatus::Exited(0))),
            Err(errno) => {
                say(&mut io::stderr(), &format!("find: '{}': {}", words[0], errno_text(errno)));
                false
            }
        }
    }
}

/// Where a command runs, if not here, and what it calls the file.
fn place(command: &Command, path: &str) -> (Option<String>, String) {
    if !command.in_directory {
        return (None, path.to_owned());
    }
    let path = Path::new(path);
    let name = path.file_name().map_or_else(|| path.to_text(), |name| name.to_text());
    let directory = match path.parent() {
        None => path.to_text().into_owned(),
        Some(parent) if parent == Path::new("") => return (None, format!("./{name}")),
        Some(parent) => parent.to_text().into_owned(),
    };
    (Some(directory), format!("./{name}"))
}

/// The last component of a path, without the slashes behind it; of the root a slash.
pub(crate) fn base_name(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        bare => bare.rsplit('/').next().unwrap_or(bare),
    }
}

fn agrees(prompt: &str) -> bool {
    let mut err = io::stderr();
    let _ = err.write_all(prompt.as_bytes());
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    answer.trim_start().starts_with(['y', 'Y'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_come_apart_where_the_machine_is_asked() {
        let text = |text: &str| Part::Text(text.into());
        let directive = |form: &str, letter| Part::Directive(form.into(), letter);
        assert_eq!(parts(""), [text("")]);
        assert_eq!(parts("%p\\n"), [text("%p\\n")]);
        assert_eq!(parts("%m %-8u%%u"), [directive("", 'm'), text(" "), directive("-8", 'u'), text("%%u")]);
        assert_eq!(parts("%Tm\\%m%"), [text("%Tm\\%m%")]);
    }
}
