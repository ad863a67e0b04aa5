//! The walk of `find` for the expressions that are asked for most: names, types, what the machine knows of a file, depths,
//! and printing, pruning, running commands. One call brings a directory with the types of what is in it, so that a file
//! costs no call of its own unless something is asked that its directory does not tell.
//!
//! Whoever asks for anything else, or makes a mistake, is left to the crate: then there is no [`Plan`].

use std::cell::{Cell, OnceCell};

use cordon_multicall::launch::errno_text;
use cordon_multicall::pattern::NamePattern;
use cordon_vm::filesystem::{self, DirectoryEntry};
use cordon_vm::types::{Errno, FileStatus, FileType, Symlinks};

use super::find::{ACTIONS, Command, Test, Work, base_name, starting_points, types};

/// How deep expressions nest here.
const NESTING_MAX: usize = 64;

/// What is to be done.
pub struct Plan {
    starts: Vec<String>,
    expression: Expression,
    options: Options,
}

/// What holds for the whole walk, wherever it stands in the expression.
struct Options {
    least: usize,
    most: usize,
    /// A directory comes after what is in it.
    contents_first: bool,
    /// Directories on other devices are not entered.
    stays: bool,
    /// Something may change what is there while it is looked at.
    runs: bool,
}

enum Expression {
    Constant(bool),
    Name(NamePattern),
    Path(NamePattern),
    Types(Vec<FileType>),
    Known(Test),
    Empty,
    Print(u8),
    Prune,
    Quit,
    Run(Command),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    /// Each is done, and the last counts.
    Each(Vec<Expression>),
}

impl Plan {
    /// None for what is the crate's.
    pub fn parse(words: &[String]) -> Option<Plan> {
        let (first, begin) = starting_points(words);
        if words[1..first].iter().any(|word| word != "-P" && !word.starts_with("-O")) {
            return None;
        }
        let mut starts = words[first..begin].to_vec();
        if starts.is_empty() {
            starts.push(".".to_owned());
        }
        let mut parser = Parser {
            words: &words[begin..],
            at: 0,
            starts: &words[first..begin],
            options: Options { least: 0, most: usize::MAX, contents_first: false, stays: false, runs: false },
        };
        let mut expression = match parser.words {
            [] => Expression::Constant(true),
            _ => parser.list(0)?,
        };
        if parser.at < parser.words.len() {
            return None;
        }
        let options = parser.options;
        if !words[begin..].iter().any(|word| ACTIONS.contains(&word.as_str())) {
            expression = Expression::All(vec![expression, Expression::Print(b'\n')]);
        }
        Some(Plan { starts, expression, options })
    }

    /// Walks; what fails is told, and noted.
    pub fn run(&self, work: &Work) {
        let walk = Walk { plan: self, work, prunes: Cell::new(false), ends: Cell::new(false) };
        for start in &self.starts {
            walk.tree(start);
            if walk.ends.get() {
                break;
            }
        }
        walk.run_batches(&self.expression);
    }
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    starts: &'a [String],
    options: Options,
}

impl Parser<'_> {
    fn word(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    /// Takes a word if it is one of these.
    fn takes(&mut self, wanted: &[&str]) -> bool {
        let is_there = self.word().is_some_and(|word| wanted.contains(&word));
        self.at += usize::from(is_there);
        is_there
    }

    fn argument(&mut self) -> Option<&str> {
        self.at += 1;
        self.words.get(self.at - 1).map(String::as_str)
    }

    fn list(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = vec![self.any(depth)?];
        while self.takes(&[","]) {
            parts.push(self.any(depth)?);
        }
        Some(joined(parts, Expression::Each))
    }

    fn any(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = vec![self.all(depth)?];
        while self.takes(&["-o", "-or"]) {
            parts.push(self.all(depth)?);
        }
        Some(joined(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = vec![self.one(depth)?];
        loop {
            if !self.takes(&["-a", "-and"]) && matches!(self.word(), None | Some("-o" | "-or" | "," | ")")) {
                return Some(joined(parts, Expression::All));
            }
            parts.push(self.one(depth)?);
        }
    }

    fn one(&mut self, depth: usize) -> Option<Expression> {
        if depth > NESTING_MAX {
            return None;
        }
        if self.takes(&["!", "-not"]) {
            return Some(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes(&["("]) {
            let inside = self.list(depth + 1)?;
            return self.takes(&[")"]).then_some(inside);
        }
        self.primary()
    }

    fn primary(&mut self) -> Option<Expression> {
        let name = self.argument()?.to_owned();
        Some(match name.as_str() {
            "-true" => Expression::Constant(true),
            "-false" => Expression::Constant(false),
            "-name" | "-iname" => Expression::Name(self.pattern(name == "-iname")?),
            "-path" | "-wholename" | "-ipath" | "-iwholename" => {
                Expression::Path(self.pattern(name.starts_with("-i"))?)
            }
            "-type" => Expression::Types(types(self.argument()?).ok()?),
            "-empty" => Expression::Empty,
            "-print" => Expression::Print(b'\n'),
            "-print0" => Expression::Print(0),
            "-prune" => Expression::Prune,
            "-quit" => Expression::Quit,
            "-maxdepth" => {
                self.options.most = self.depth()?;
                Expression::Constant(true)
            }
            "-mindepth" => {
                self.options.least = self.depth()?;
                Expression::Constant(true)
            }
            "-depth" => {
                self.options.contents_first = true;
                Expression::Constant(true)
            }
            "-xdev" | "-mount" => {
                self.options.stays = true;
                Expression::Constant(true)
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                self.options.runs = true;
                let (command, end) = Command::parse(self.words, self.at - 1)?;
                self.at = end + 1;
                Expression::Run(command)
            }
            name => {
                let argument = self.words.get(self.at).map(String::as_str);
                let (test, taken) = Test::parse(name, argument, self.starts).ok()??;
                self.at += taken;
                Expression::Known(test)
            }
        })
    }

    /// Patterns with classes of letters, and those that end in the middle of something, are the crate's.
    fn pattern(&mut self, folds: bool) -> Option<NamePattern> {
        let text = self.argument()?;
        let is_ours = !["[:", "[=", "[."].iter().any(|sign| text.contains(sign)) && !text.ends_with('\\');
        is_ours.then(|| NamePattern::new(text, folds))
    }

    fn depth(&mut self) -> Option<usize> {
        let text = self.argument()?;
        text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
    }
}

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// A file that the walk has come to.
struct Visit<'a> {
    path: &'a str,
    kind: FileType,
    /// Asked for once.
    status: OnceCell<Option<FileStatus>>,
}

/// A directory that the walk is in.
struct Level {
    entries: std::vec::IntoIter<DirectoryEntry>,
    /// The length of its path, with the slash before what is in it.
    length: usize,
    /// The length of its path as it is shown.
    shown: usize,
}

struct Walk<'a> {
    plan: &'a Plan,
    work: &'a Work,
    /// What was visited last is not to be entered.
    prunes: Cell<bool>,
    ends: Cell<bool>,
}

impl Walk<'_> {
    fn tree(&self, start: &str) {
        let FileStatus { file_type: kind, device, .. } = match filesystem::status(start, Symlinks::NoFollow) {
            Ok(status) => status,
            Err(errno) => return self.complain(start, errno),
        };
        let mut path = start.to_owned();
        let mut levels: Vec<Level> = vec![];
        self.reach(&mut path, kind, device, &mut levels);
        while let Some(level) = levels.last_mut() {
            if self.ends.get() {
                return;
            }
            match level.entries.next() {
                Some(entry) => {
                    path.truncate(level.length);
                    path.push_str(&entry.name);
                    self.reach(&mut path, entry.file_type, device, &mut levels);
                }
                None => {
                    path.truncate(level.shown);
                    levels.pop();
                    if self.plan.options.contents_first {
                        self.visit(&path, FileType::Directory, levels.len());
                    }
                }
            }
        }
    }

    /// Visits a file, and enters it if it is a directory that is to be walked.
    fn reach(&self, path: &mut String, kind: FileType, device: u64, levels: &mut Vec<Level>) {
        let options = &self.plan.options;
        let depth = levels.len();
        let is_entered = kind == FileType::Directory && depth < options.most;
        if !(is_entered && options.contents_first) {
            self.visit(path, kind, depth);
        }
        let is_pruned = self.prunes.take() && !options.contents_first;
        if !is_entered || is_pruned || self.ends.get() {
            return;
        }
        if options.stays || options.runs {
            match filesystem::status(path, Symlinks::NoFollow) {
                Ok(status) if options.stays && status.device != device => {
                    if options.contents_first {
                        self.visit(path, kind, depth);
                    }
                    return;
                }
                Ok(status) if status.file_type != FileType::Directory => return,
                Ok(_) => {}
                Err(errno) => return self.complain(path, errno),
            }
        }
        let entries = match filesystem::read_directory(path) {
            Ok(entries) => entries,
            Err(errno) => {
                self.complain(path, errno);
                vec![]
            }
        };
        let shown = path.len();
        if !path.ends_with('/') {
            path.push('/');
        }
        levels.push(Level { entries: entries.into_iter(), length: path.len(), shown });
    }

    fn visit(&self, path: &str, kind: FileType, depth: usize) {
        let options = &self.plan.options;
        if options.least <= depth && depth <= options.most {
            self.holds(&self.plan.expression, &Visit { path, kind, status: OnceCell::new() });
        }
    }

    /// Does what an expression says, as far as it decides anything.
    fn holds(&self, expression: &Expression, file: &Visit<'_>) -> bool {
        match expression {
            Expression::Constant(value) => *value,
            Expression::Name(pattern) => pattern.fits(base_name(file.path)),
            Expression::Path(pattern) => pattern.fits(file.path),
            Expression::Types(types) => types.contains(&file.kind),
            Expression::Known(test) => self.status(file).is_some_and(|status| test.holds(file.path, status)),
            Expression::Empty => match file.kind {
                FileType::RegularFile => self.status(file).is_some_and(|status| status.size == 0),
                FileType::Directory => match filesystem::read_directory(file.path) {
                    Ok(entries) => entries.is_empty(),
                    Err(errno) => {
                        self.complain(file.path, errno);
                        false
                    }
                },
                _ => false,
            },
            Expression::Print(end) => {
                if self.work.print_line(file.path, *end) {
                    self.ends.set(true);
                }
                true
            }
            Expression::Prune => {
                self.prunes.set(true);
                true
            }
            Expression::Quit => {
                self.ends.set(true);
                true
            }
            Expression::Run(command) => self.work.reached(command, file.path),
            Expression::Not(inside) => !self.holds(inside, file),
            Expression::All(parts) => parts.iter().all(|part| self.holds(part, file) && !self.ends.get()),
            Expression::Any(parts) => parts.iter().any(|part| self.holds(part, file) || self.ends.get()),
            Expression::Each(parts) => {
                let mut last = false;
                for part in parts {
                    last = self.holds(part, file);
                    if self.ends.get() {
                        break;
                    }
                }
                last
            }
        }
    }

    fn status<'v>(&self, file: &'v Visit<'_>) -> Option<&'v FileStatus> {
        file.status
            .get_or_init(|| match filesystem::status(file.path, Symlinks::NoFollow) {
                Ok(status) => Some(status),
                Err(errno) => {
                    self.complain(file.path, errno);
                    None
                }
            })
            .as_ref()
    }

    fn complain(&self, path: &str, errno: Errno) {
        self.work.complain(&format!("'{path}': {}", errno_text(errno)));
    }

    /// Runs commands for the paths that have waited for more.
    fn run_batches(&self, expression: &Expression) {
        match expression {
            Expression::Run(command) => self.work.run_batch(command),
            Expression::Not(inside) => self.run_batches(inside),
            Expression::All(parts) | Expression::Any(parts) | Expression::Each(parts) => {
                parts.iter().for_each(|part| self.run_batches(part));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(line: &str) -> bool {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Plan::parse(&words).is_some()
    }

    #[test]
    fn what_is_asked_for_most_is_walked_here() {
        for line in [
            "find",
            "find a b",
            "find . -name *.c",
            "find . -type f -o -type d -print0",
            "find . ( -name a -o ! -name b ) -a -prune , -true",
            "find -P . -maxdepth 2 -mindepth 1 -depth",
            "find . -exec echo {} ; -exec echo {} +",
            "find . -perm -u+x -empty -quit",
        ] {
            assert!(is_ours(line), "{line}");
        }
    }

    #[test]
    fn mistakes_and_the_rest_are_the_crates() {
        for line in [
            "find -L .",
            "find . -name",
            "find . -name [[:alpha:]]",
            "find . -type x",
            "find . ( -name a",
            "find . ( )",
            "find . -name a )",
            "find . -o -name a",
            "find . -name a -a",
            "find . -maxdepth x",
            "find . -maxdepth -1",
            "find . -delete",
            "find . -printf %p",
            "find . -nonesuch",
            "find . -exec echo",
        ] {
            assert!(!is_ours(line), "{line}");
        }
        assert!(!is_ours(&format!("find . {} -true {}", "( ".repeat(5000), ") ".repeat(5000))));
    }
}
