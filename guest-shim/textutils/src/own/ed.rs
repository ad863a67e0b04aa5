//! `ed`, the line editor, as GNU has it.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Write};
use std::rc::Rc;

use cordon_multicall::files::{output, reason};
use cordon_multicall::{launch, options, say};
use cordon_vm::byte_text::{self, ToText};
use cordon_vm::process;
use onig::{Regex, RegexOptions, Region, SearchOptions, Syntax};

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage: ed [options] [[+line] file]

  -h, --help                 display this help and exit
  -V, --version              output version information and exit
  -E, --extended-regexp      use extended regular expressions
  -G, --traditional          accepted
  -l, --loose-exit-status    exit with 0 status even if a command fails
  -p, --prompt=STRING        use STRING as an interactive prompt
  -q, --quiet                suppress diagnostics written to stderr
  -r, --restricted           run in restricted mode
  -s, --script               suppress byte counts and '!' prompt
  -v, --verbose              be verbose; equivalent to the 'H' command";

const LONGS: &[&str] = &[
    "help=h",
    "version=V",
    "extended-regexp=E",
    "traditional=G",
    "loose-exit-status=l",
    "prompt:=p",
    "quiet=q",
    "silent=s",
    "restricted=r",
    "script=s",
    "verbose=v",
];

/// Exit statuses: of a command that failed, and of leaving changes behind.
const FAILED: i32 = 1;
const CHANGED: i32 = 2;

pub fn main(args: Args) -> i32 {
    let parsed = match options::parse(args, "hVEGlp:qrsv", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("ed: {message}\nTry 'ed --help' for more information."));
            return FAILED;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "ed (cordon)");
        return 0;
    }
    let mut editor = Editor {
        lines: vec![],
        current: 0,
        marks: HashMap::new(),
        name: String::new(),
        is_changed: false,
        is_warned: false,
        undo: None,
        expression: None,
        replaced: None,
        cut: vec![],
        error: String::new(),
        explains: parsed.has('v'),
        prompt: parsed.value('p').map(str::to_owned),
        shows_prompt: parsed.has('p'),
        is_script: parsed.has('s'),
        is_extended: parsed.has('E'),
        is_restricted: parsed.has('r'),
        window: 22,
        script: None,
        command: None,
        out: output(),
    };
    let mut names = parsed.operands.iter().map(|word| word.to_text().into_owned()).peekable();
    let start = names.next_if(|name| name.starts_with('+'));
    let mut failed = false;
    if let Some(name) = names.next()
        && let Err(message) = editor.edit(&name)
    {
        editor.tell(&message);
        failed = !message.contains("No such file");
        editor.error = message;
    }
    if let Some(line) = start.and_then(|line| line[1..].parse::<usize>().ok()) {
        editor.current = line.min(editor.lines.len());
    }
    let status = editor.run(&mut failed);
    let _ = editor.out.flush();
    if status == 0 && failed && !parsed.has('l') { FAILED } else { status }
}

type Line = Rc<Vec<u8>>;

struct Undo {
    lines: Vec<Line>,
    current: usize,
    is_changed: bool,
}

#[derive(Clone)]
struct Replaced {
    expression: Rc<Regex>,
    text: String,
    is_global: bool,
    count: usize,
}

enum Stop {
    Quit,
    Failed(String),
}

type Done = Result<(), Stop>;

fn failure<T>(message: &str) -> Result<T, Stop> {
    Err(Stop::Failed(message.into()))
}

/// A command as far as it is read.
struct Command {
    letters: Vec<char>,
    at: usize,
}

impl Command {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|letter| letter == ' ' || letter == '\t') {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<usize> {
        let mut text = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            text.push(digit);
            self.at += 1;
        }
        text.parse().ok()
    }

    fn rest(&mut self) -> String {
        self.blanks();
        let text = self.letters.get(self.at..).unwrap_or_default().iter().collect();
        self.at = self.letters.len();
        text
    }

    /// Up to a delimiter, which an expression's brackets may hold. Whether that was there.
    fn until(&mut self, delimiter: char) -> (String, bool) {
        let mut text = String::new();
        let mut in_bracket = false;
        while let Some(letter) = self.next() {
            match letter {
                letter if letter == delimiter && !in_bracket => return (text, true),
                '\\' => match self.next() {
                    Some(next) if next == delimiter && !in_bracket => text.push(next),
                    Some(next) => text.extend(['\\', next]),
                    None => text.push('\\'),
                },
                '[' if !in_bracket => {
                    in_bracket = true;
                    text.push('[');
                    if self.peek() == Some('^') {
                        self.at += 1;
                        text.push('^');
                    }
                    if self.peek() == Some(']') {
                        self.at += 1;
                        text.push(']');
                    }
                }
                ']' => {
                    in_bracket = false;
                    text.push(']');
                }
                letter => text.push(letter),
            }
        }
        (text, false)
    }
}

/// How a line is shown.
#[derive(Default, Clone, Copy)]
struct Shown {
    plain: bool,
    number: bool,
    list: bool,
}

impl Shown {
    const fn is_any(self) -> bool {
        self.plain || self.number || self.list
    }
}

struct Editor {
    lines: Vec<Line>,
    /// Counted from 1; 0 is before all.
    current: usize,
    marks: HashMap<char, Line>,
    name: String,
    is_changed: bool,
    is_warned: bool,
    undo: Option<Undo>,
    expression: Option<Rc<Regex>>,
    replaced: Option<Replaced>,
    /// What `x` puts.
    cut: Vec<Line>,
    error: String,
    explains: bool,
    prompt: Option<String>,
    shows_prompt: bool,
    is_script: bool,
    is_extended: bool,
    is_restricted: bool,
    window: usize,
    /// Lines of the command list of `g` while that runs.
    script: Option<VecDeque<String>>,
    /// The last command of the shell.
    command: Option<String>,
    out: io::BufWriter<io::Stdout>,
}

impl Editor {
    fn run(&mut self, failed: &mut bool) -> i32 {
        loop {
            if self.shows_prompt {
                let prompt = self.prompt.clone().unwrap_or_else(|| "*".into());
                let _ = write!(self.out, "{prompt}");
            }
            let _ = self.out.flush();
            let done = match self.read_line() {
                None => {
                    if !self.is_changed || self.is_warned {
                        return 0;
                    }
                    // The end is a wish to leave, which is not repeated.
                    self.complain("Warning: buffer modified");
                    return CHANGED;
                }
                Some(line) => self.command_line(&line),
            };
            match done {
                Ok(()) => {}
                Err(Stop::Quit) => return 0,
                Err(Stop::Failed(message)) => {
                    *failed = true;
                    self.script = None;
                    self.complain(&message);
                }
            }
        }
    }

    fn complain(&mut self, message: &str) {
        self.error = message.to_owned();
        let _ = writeln!(self.out, "?");
        if self.explains {
            let _ = writeln!(self.out, "{message}");
        }
    }

    fn tell(&mut self, message: &str) {
        let _ = self.out.flush();
        say(&mut io::stderr(), message);
    }

    fn read_line(&mut self) -> Option<String> {
        if let Some(script) = &mut self.script {
            return script.pop_front();
        }
        let mut line = vec![];
        match io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(count) if count > 0 => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Some(byte_text::decode(line))
            }
            _ => None,
        }
    }

    /// A command with the lines that it goes on in, each of which the one before ends with a backslash.
    fn command_line(&mut self, line: &str) -> Done {
        let mut text = line.to_owned();
        // Only lists of commands and replacements go on.
        while ends_open(&text) && may_go_on(&text) {
            match self.read_line() {
                Some(more) => {
                    text.push('\n');
                    text.push_str(&more);
                }
                None => break,
            }
        }
        let mut command = Command { letters: text.chars().collect(), at: 0 };
        let was_warned = std::mem::take(&mut self.is_warned);
        self.execute(&mut command, was_warned)
    }

    fn expression(&mut self, text: &str, folds: bool) -> Result<Rc<Regex>, Stop> {
        if text.is_empty() {
            return self.expression.clone().ok_or_else(|| Stop::Failed("No previous pattern".into()));
        }
        let syntax = if self.is_extended { Syntax::gnu_regex() } else { Syntax::grep() };
        let how = if folds { RegexOptions::REGEX_OPTION_IGNORECASE } else { RegexOptions::REGEX_OPTION_NONE };
        let regex = Regex::with_options(text, how, syntax)
            .map_err(|error| Stop::Failed(error.description().into()))?;
        let regex = Rc::new(regex);
        self.expression = Some(regex.clone());
        Ok(regex)
    }

    fn matches(&self, regex: &Regex, line: usize) -> bool {
        self.lines
            .get(line.wrapping_sub(1))
            .is_some_and(|line| found(regex, &byte_text::decoded(line), 0).is_some())
    }

    /// One address, with what is added to it. None where there is none.
    fn address(&mut self, command: &mut Command) -> Result<Option<usize>, Stop> {
        command.blanks();
        let mut at = match command.peek() {
            Some('.') => {
                command.at += 1;
                Some(self.current)
            }
            Some('$') => {
                command.at += 1;
                Some(self.lines.len())
            }
            Some(digit) if digit.is_ascii_digit() => {
                Some(command.number().ok_or_else(|| Stop::Failed("Bad numerical result".into()))?)
            }
            Some('\'') => {
                command.at += 1;
                let mark = command.next().filter(char::is_ascii_lowercase);
                let mark = mark.ok_or_else(|| Stop::Failed("Invalid mark character".into()))?;
                let line = self.marks.get(&mark);
                let at = line.and_then(|line| self.lines.iter().position(|other| Rc::ptr_eq(line, other)));
                Some(at.ok_or_else(|| Stop::Failed("Invalid address".into()))? + 1)
            }
            Some(delimiter @ ('/' | '?')) => {
                command.at += 1;
                let (text, _) = command.until(delimiter);
                let regex = self.expression(&text, false)?;
                let count = self.lines.len();
                let places = (1..=count).map(|step| match delimiter {
                    '/' => (self.current + step - 1) % count.max(1) + 1,
                    _ => (self.current + 2 * count - step).wrapping_sub(1) % count.max(1) + 1,
                });
                let place = places.into_iter().find(|place| self.matches(&regex, *place));
                Some(place.ok_or_else(|| Stop::Failed("No match".into()))?)
            }
            _ => None,
        };
        loop {
            command.blanks();
            let sign = match command.peek() {
                Some('+') => 1i64,
                Some('-' | '^') => -1,
                Some(digit) if digit.is_ascii_digit() && at.is_some() => 0,
                _ => break,
            };
            if sign != 0 {
                command.at += 1;
                command.blanks();
            }
            let count = command.number().unwrap_or(1);
            let by =
                i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(if sign == 0 { 1 } else { sign });
            let base = i64::try_from(at.unwrap_or(self.current)).unwrap_or(i64::MAX);
            let to = usize::try_from(base.saturating_add(by)).ok();
            at = Some(to.ok_or_else(|| Stop::Failed("Invalid address".into()))?);
        }
        match at {
            Some(line) if line > self.lines.len() => failure("Invalid address"),
            at => Ok(at),
        }
    }

    /// The addresses in front of a command: the last two, where there are so many.
    fn addresses(&mut self, command: &mut Command) -> Result<Vec<usize>, Stop> {
        let start = self.current;
        let mut list: Vec<usize> = vec![];
        let mut address = self.address(command)?;
        loop {
            command.blanks();
            match command.peek() {
                Some(separator @ (',' | ';' | '%')) => {
                    command.at += 1;
                    let first = match (address, list.last()) {
                        (Some(address), _) => address,
                        (None, Some(last)) => *last,
                        (None, None) if separator == ';' => self.current,
                        (None, None) => 1.min(self.lines.len()),
                    };
                    if separator == ';' {
                        self.current = first;
                    }
                    list.push(first);
                    address = self.address(command)?;
                    if address.is_none() {
                        command.blanks();
                        let goes_on = matches!(command.peek(), Some(',' | ';'));
                        let last = if list.len() == 1 { self.lines.len() } else { first };
                        let alone = list.len() == 1 && self.has_first(command);
                        if !goes_on {
                            list.push(if alone { first } else { last });
                            break;
                        }
                    }
                }
                _ => {
                    list.extend(address);
                    break;
                }
            }
        }
        self.current = start;
        let from = list.len().saturating_sub(2);
        Ok(list.split_off(from))
    }

    /// Whether an address stood in front of the first separator, behind which there is none: `2,p` is line 2.
    fn has_first(&self, command: &Command) -> bool {
        let front = command.letters.get(..command.at).unwrap_or_default();
        let first = front.iter().find(|letter| !letter.is_whitespace());
        first.is_some_and(|letter| !matches!(letter, ',' | ';' | '%'))
    }

    fn execute(&mut self, command: &mut Command, was_warned: bool) -> Done {
        let given = self.addresses(command)?;
        command.blanks();
        let letter = command.next();
        let last = self.lines.len();
        let (current, count) = (self.current, given.len());
        let range = |first: usize, second: usize| -> Result<(usize, usize), Stop> {
            let (first, second) = match given.as_slice() {
                [] => (first, second),
                [one] => (*one, *one),
                [one, two, ..] => (*one, *two),
            };
            if first > second || second > last { failure("Invalid address") } else { Ok((first, second)) }
        };
        let lines = |first: usize, second: usize| match range(first, second)? {
            (0, _) => failure("Invalid address"),
            both => Ok(both),
        };
        let no_address = || if count > 0 { failure("Unexpected address") } else { Ok(()) };
        match letter {
            None => {
                let at = match given.last() {
                    Some(at) => *at,
                    None => current + 1,
                };
                if at == 0 || at > last {
                    return failure("Invalid address");
                }
                self.show(at, at, Shown { plain: true, ..Shown::default() })?;
            }
            Some('a') => {
                let at = given.last().copied().unwrap_or(current);
                let shown = suffix(command)?;
                self.keep();
                self.insert(at)?;
                self.after(shown)?;
            }
            Some('i') => {
                let at = given.last().copied().unwrap_or(current);
                let shown = suffix(command)?;
                self.keep();
                self.insert(at.saturating_sub(1))?;
                self.after(shown)?;
            }
            Some('c') => {
                let (first, second) = lines(current, current)?;
                let shown = suffix(command)?;
                self.keep();
                self.delete(first, second);
                self.insert(first - 1)?;
                // Nothing came: the line behind is meant.
                if self.current == first - 1 && !self.lines.is_empty() {
                    self.current = first.min(self.lines.len());
                }
                self.after(shown)?;
            }
            Some('d') => {
                let (first, second) = lines(current, current)?;
                let shown = suffix(command)?;
                self.keep();
                self.delete(first, second);
                self.after(shown)?;
            }
            Some('e' | 'E') => {
                no_address()?;
                if letter == Some('e') && self.is_changed && !was_warned {
                    self.is_warned = true;
                    return failure("Warning: buffer modified");
                }
                let name = self.file_name(command)?;
                self.lines.clear();
                (self.current, self.undo) = (0, None);
                if let Err(message) = self.edit(&name) {
                    self.tell(&message);
                    return failure("Cannot open input file");
                }
            }
            Some('f') => {
                no_address()?;
                let name = command.rest();
                if !name.is_empty() {
                    self.name = name;
                }
                if self.name.is_empty() {
                    return failure("No current filename");
                }
                let _ = writeln!(self.out, "{}", self.name);
            }
            Some(global @ ('g' | 'v' | 'G' | 'V')) => {
                if self.script.is_some() {
                    return failure("Cannot nest global commands");
                }
                let (first, second) = lines(1.min(last), last)?;
                self.global(
                    command,
                    first,
                    second,
                    matches!(global, 'g' | 'G'),
                    matches!(global, 'G' | 'V'),
                )?;
            }
            Some('h') => {
                no_address()?;
                if !self.error.is_empty() {
                    let _ = writeln!(self.out, "{}", self.error);
                }
            }
            Some('H') => {
                no_address()?;
                self.explains = !self.explains;
                if self.explains && !self.error.is_empty() {
                    let _ = writeln!(self.out, "{}", self.error);
                }
            }
            Some('j') => {
                let (first, second) = lines(current, (current + 1).min(last))?;
                let shown = suffix(command)?;
                if count == 0 && current + 1 > last {
                    return failure("Invalid address");
                }
                if first < second {
                    self.keep();
                    let joined: Vec<u8> =
                        self.lines[first - 1..second].iter().flat_map(|line| line.to_vec()).collect();
                    self.lines.splice(first - 1..second, [Rc::new(joined)]);
                    (self.current, self.is_changed) = (first, true);
                }
                self.after(shown)?;
            }
            Some('k') => {
                let at = given.last().copied().unwrap_or(current);
                let mark = command.next().filter(char::is_ascii_lowercase);
                let Some(mark) = mark else { return failure("Invalid mark character") };
                let shown = suffix(command)?;
                let Some(line) = self.lines.get(at.wrapping_sub(1)) else {
                    return failure("Invalid address");
                };
                self.marks.insert(mark, line.clone());
                self.after(shown)?;
            }
            Some('l' | 'n' | 'p') => {
                command.at -= 1;
                let (first, second) = lines(current, current)?;
                let shown = suffix(command)?;
                self.show(first, second, shown)?;
            }
            Some('m') => {
                let (first, second) = lines(current, current)?;
                let to = self.target(command)?;
                let shown = suffix(command)?;
                if to >= first && to < second {
                    return failure("Invalid destination");
                }
                self.keep();
                let moved: Vec<Line> = self.lines.drain(first - 1..second).collect();
                let size = moved.len();
                let at = if to >= second { to - size } else { to };
                self.lines.splice(at..at, moved);
                (self.current, self.is_changed) = (at + size, true);
                self.after(shown)?;
            }
            Some('P') => {
                no_address()?;
                self.shows_prompt = !self.shows_prompt;
            }
            Some('q' | 'Q') => {
                no_address()?;
                if letter == Some('q') && self.is_changed && !was_warned {
                    self.is_warned = true;
                    return failure("Warning: buffer modified");
                }
                return Err(Stop::Quit);
            }
            Some('r') => {
                let at = given.last().copied().unwrap_or(last);
                let name = self.file_name(command)?;
                self.keep();
                let read = self.read_file(&name)?;
                let size = read.len();
                self.lines.splice(at..at, read);
                self.current = at + size;
                self.is_changed |= size > 0;
            }
            Some('s') => {
                let (first, second) = lines(current, current)?;
                self.substitute(command, first, second)?;
            }
            Some('t') => {
                let (first, second) = lines(current, current)?;
                let to = self.target(command)?;
                let shown = suffix(command)?;
                self.keep();
                let copied: Vec<Line> =
                    self.lines[first - 1..second].iter().map(|line| Rc::new(line.to_vec())).collect();
                let size = copied.len();
                self.lines.splice(to..to, copied);
                (self.current, self.is_changed) = (to + size, true);
                self.after(shown)?;
            }
            Some('u') => {
                no_address()?;
                let Some(undo) = self.undo.take() else { return failure("Nothing to undo") };
                let now = Undo {
                    lines: std::mem::replace(&mut self.lines, undo.lines),
                    current: std::mem::replace(&mut self.current, undo.current),
                    is_changed: std::mem::replace(&mut self.is_changed, undo.is_changed),
                };
                self.undo = Some(now);
            }
            Some('w' | 'W') => self.write(command, &given, letter == Some('W'))?,
            Some('x') => {
                let at = given.last().copied().unwrap_or(current);
                if self.cut.is_empty() {
                    return failure("Nothing to put");
                }
                self.keep();
                let put: Vec<Line> = self.cut.iter().map(|line| Rc::new(line.to_vec())).collect();
                let size = put.len();
                self.lines.splice(at..at, put);
                (self.current, self.is_changed) = (at + size, true);
            }
            Some('y') => {
                let (first, second) = lines(current, current)?;
                self.cut = self.lines[first - 1..second].to_vec();
            }
            Some('z') => {
                let at = given.last().copied().unwrap_or(current + 1);
                if let Some(window) = command.number().filter(|window| *window > 0) {
                    self.window = window;
                }
                let shown = suffix(command)?;
                if at == 0 || at > last {
                    return failure("Invalid address");
                }
                let until = (at + self.window - 1).min(last);
                self.show(at, until, Shown { plain: true, ..shown })?;
            }
            Some('=') => {
                let at = given.last().copied().unwrap_or(last);
                let _ = writeln!(self.out, "{at}");
            }
            Some('!') => {
                no_address()?;
                let text = command.rest();
                self.shell(&text)?;
            }
            Some('#') => {}
            Some(_) => return failure("Unknown command"),
        }
        Ok(())
    }

    /// Keeps what there is for `u`; the commands of a list are one change.
    fn keep(&mut self) {
        if self.script.is_none() {
            self.undo =
                Some(Undo { lines: self.lines.clone(), current: self.current, is_changed: self.is_changed });
        }
    }

    fn after(&mut self, shown: Shown) -> Done {
        if shown.is_any() { self.show(self.current, self.current, shown) } else { Ok(()) }
    }

    fn show(&mut self, first: usize, second: usize, shown: Shown) -> Done {
        if first == 0 {
            return failure("Invalid address");
        }
        for at in first..=second {
            let Some(line) = self.lines.get(at - 1) else { return failure("Invalid address") };
            let mut text = vec![];
            if shown.number {
                text.extend_from_slice(format!("{at}\t").as_bytes());
            }
            if shown.list {
                text.extend_from_slice(listed(line).as_bytes());
            } else {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
            if self.out.write_all(&text).is_err() {
                return Err(Stop::Quit);
            }
        }
        self.current = second;
        Ok(())
    }

    fn insert(&mut self, at: usize) -> Done {
        let mut new = vec![];
        while let Some(line) = self.read_line() {
            if line == "." {
                break;
            }
            new.push(Rc::new(byte_text::encode(&line).into_owned()));
        }
        let size = new.len();
        self.lines.splice(at..at, new);
        self.current = at + size;
        self.is_changed |= size > 0;
        Ok(())
    }

    fn delete(&mut self, first: usize, second: usize) {
        self.cut = self.lines.drain(first - 1..second).collect();
        self.current = first.min(self.lines.len());
        self.is_changed = true;
    }

    fn target(&mut self, command: &mut Command) -> Result<usize, Stop> {
        let here = self.current;
        let at = self.address(command)?;
        self.current = here;
        Ok(at.unwrap_or(here))
    }

    fn file_name(&mut self, command: &mut Command) -> Result<String, Stop> {
        if command.peek().is_some_and(|letter| letter != ' ' && letter != '\t') {
            return failure("Unexpected command suffix");
        }
        let name = command.rest();
        if name.is_empty() {
            if self.name.is_empty() {
                return failure("No current filename");
            }
            return Ok(self.name.clone());
        }
        if name.starts_with('!') {
            return failure("Reading from and writing to commands is not supported");
        }
        if self.is_restricted && (name.contains('/') || name == "..") {
            return failure("Directory access restricted");
        }
        if self.name.is_empty() {
            self.name.clone_from(&name);
        }
        Ok(name)
    }

    fn count(&mut self, bytes: usize) {
        if !self.is_script {
            let _ = writeln!(self.out, "{bytes}");
        }
    }

    fn read_file(&mut self, name: &str) -> Result<Vec<Line>, Stop> {
        match fs::read(name) {
            Ok(contents) => {
                let lines = lines_of(&contents);
                let missing = usize::from(contents.last().is_some_and(|last| *last != b'\n'));
                self.count(contents.len() + missing);
                Ok(lines)
            }
            Err(error) => {
                self.tell(&format!("{name}: {}", reason(&error)));
                failure("Cannot open input file")
            }
        }
    }

    /// Takes a file in the place of all that there is.
    fn edit(&mut self, name: &str) -> Result<(), String> {
        name.clone_into(&mut self.name);
        let contents = fs::read(name).map_err(|error| format!("{name}: {}", reason(&error)))?;
        self.lines = lines_of(&contents);
        self.current = self.lines.len();
        self.is_changed = false;
        if contents.last().is_some_and(|last| *last != b'\n') {
            let _ = writeln!(self.out, "Newline appended");
            self.count(contents.len() + 1);
        } else {
            self.count(contents.len());
        }
        Ok(())
    }

    fn write(&mut self, command: &mut Command, given: &[usize], appends: bool) -> Done {
        let quits = command.peek() == Some('q');
        if quits {
            command.at += 1;
        }
        let name = self.file_name(command)?;
        let last = self.lines.len();
        let (first, second) = match given {
            [] => (1, last),
            [one] => (*one, *one),
            [one, two, ..] => (*one, *two),
        };
        if first > second && !(given.is_empty() && last == 0) || (first == 0 && !given.is_empty()) {
            return failure("Invalid address");
        }
        let mut text = vec![];
        for line in self.lines.get(first.saturating_sub(1)..second).unwrap_or_default() {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let written = if appends {
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&name)
                .and_then(|mut file| file.write_all(&text))
        } else {
            fs::write(&name, &text)
        };
        if let Err(error) = written {
            self.tell(&format!("{name}: {}", reason(&error)));
            return failure("Cannot open output file");
        }
        self.count(text.len());
        if first <= 1 && second == last {
            self.is_changed = false;
        }
        if quits { Err(Stop::Quit) } else { Ok(()) }
    }

    fn shell(&mut self, text: &str) -> Done {
        if self.is_restricted {
            return failure("Shell access restricted");
        }
        let text = match (text.strip_prefix('!'), &self.command) {
            (Some(rest), Some(last)) => format!("{last}{rest}"),
            (Some(_), None) => return failure("No previous command"),
            (None, _) => text.to_owned(),
        };
        let mut line = String::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => line.extend(letters.next().map_or_else(
                    || vec!['\\'],
                    |next| if next == '%' { vec!['%'] } else { vec!['\\', next] },
                )),
                '%' => line.push_str(&self.name),
                letter => line.push(letter),
            }
        }
        self.command = Some(line.clone());
        let _ = self.out.flush();
        let words = ["sh".to_owned(), "-c".to_owned(), line];
        match launch::start(&words, process::environment(), None).and_then(|child| child.wait()) {
            Ok(_) => {
                if !self.is_script {
                    let _ = writeln!(self.out, "!");
                }
                Ok(())
            }
            Err(_) => failure("Can't create shell process"),
        }
    }

    fn global(
        &mut self,
        command: &mut Command,
        first: usize,
        second: usize,
        wants: bool,
        asks: bool,
    ) -> Done {
        let Some(delimiter) = command.next().filter(|letter| *letter != ' ' && *letter != '\n') else {
            return failure("Invalid pattern delimiter");
        };
        let (text, _) = command.until(delimiter);
        let folds = command.peek() == Some('I');
        command.at += usize::from(folds);
        let regex = self.expression(&text, folds)?;
        let marked: Vec<Line> = (first..=second)
            .filter(|at| self.matches(&regex, *at) == wants)
            .map(|at| self.lines[at - 1].clone())
            .collect();
        let list: String = command.letters.get(command.at..).unwrap_or_default().iter().collect();
        command.at = command.letters.len();
        // Lines of the list end in a backslash but for the last.
        let list: Vec<String> =
            list.split('\n').map(|line| line.strip_suffix('\\').unwrap_or(line).to_owned()).collect();
        let list =
            if list.iter().all(String::is_empty) && list.len() == 1 { vec!["p".to_owned()] } else { list };
        self.keep();
        let mut before: Option<String> = None;
        for line in marked {
            let Some(at) = self.lines.iter().position(|other| Rc::ptr_eq(&line, other)) else { continue };
            self.current = at + 1;
            let mut script: VecDeque<String> = list.clone().into();
            if asks {
                self.show(at + 1, at + 1, Shown { plain: true, ..Shown::default() })?;
                let _ = self.out.flush();
                let Some(answer) = self.read_line() else { return failure("Unexpected end-of-file") };
                let answer = match answer.as_str() {
                    "" => continue,
                    "&" => before.clone().ok_or_else(|| Stop::Failed("No previous command".into()))?,
                    _ => answer,
                };
                before = Some(answer.clone());
                script = VecDeque::from([answer]);
            }
            self.script = Some(script);
            while let Some(next) = self.script.as_mut().and_then(VecDeque::pop_front) {
                self.command_line(&next)?;
            }
            self.script = None;
        }
        Ok(())
    }

    fn substitute(&mut self, command: &mut Command, first: usize, second: usize) -> Done {
        let mut shown = Shown::default();
        let mut folds = false;
        let (mut is_global, mut number) = (false, None);
        let delimiter = command.peek().filter(|letter| !letter.is_ascii_alphanumeric() && *letter != ' ');
        let mut replaced = match delimiter {
            None => {
                // The last one again.
                let Some(last) = self.replaced.clone() else { return failure("No previous substitution") };
                last
            }
            Some(delimiter) => {
                command.at += 1;
                let (text, _) = command.until(delimiter);
                let (template, is_closed) = template(command, delimiter);
                shown.plain = !is_closed;
                let template = match (template.as_str(), &self.replaced) {
                    ("%", Some(last)) => last.text.clone(),
                    ("%", None) => return failure("No previous substitution"),
                    _ => template,
                };
                // Which letters follow decides how the expression is read.
                folds = command
                    .letters
                    .get(command.at..)
                    .unwrap_or_default()
                    .iter()
                    .any(|letter| matches!(letter, 'i' | 'I'));
                let expression = self.expression(&text, folds)?;
                Replaced { expression, text: template, is_global: false, count: 1 }
            }
        };
        while let Some(letter) = command.peek() {
            match letter {
                'g' => is_global = true,
                'i' | 'I' if folds => {}
                'p' => shown.plain = true,
                'n' => shown.number = true,
                'l' => shown.list = true,
                digit if digit.is_ascii_digit() => {
                    number = command.number().filter(|number| *number > 0);
                    if number.is_none() {
                        return failure("Invalid command suffix");
                    }
                    continue;
                }
                _ => return failure("Invalid command suffix"),
            }
            command.at += 1;
        }
        if delimiter.is_some() || is_global {
            replaced.is_global = is_global;
        }
        if let Some(number) = number {
            replaced.count = number;
        }
        self.replaced = Some(replaced.clone());
        self.keep();
        let (mut at, mut until, mut last) = (first, second, None);
        while at <= until {
            let line = self.lines[at - 1].clone();
            let Some(new) = substituted(&replaced, &line) else {
                at += 1;
                continue;
            };
            let parts: Vec<Line> =
                new.split(|&byte| byte == b'\n').map(|part| Rc::new(part.to_vec())).collect();
            let grown = parts.len() - 1;
            self.lines.splice(at - 1..at, parts);
            (at, until) = (at + grown, until + grown);
            last = Some(at);
            self.is_changed = true;
            at += 1;
        }
        match last {
            Some(last) => self.current = last,
            None if self.script.is_none() => return failure("No match"),
            None => return Ok(()),
        }
        self.after(shown)
    }
}

fn ends_open(text: &str) -> bool {
    text.chars().rev().take_while(|letter| *letter == '\\').count() % 2 == 1
}

/// Whether a command may go on in the next line: it is `g`, `v` or `s`, behind its addresses.
fn may_go_on(text: &str) -> bool {
    let mut command = Command { letters: text.chars().collect(), at: 0 };
    while let Some(letter) = command.next() {
        match letter {
            '/' | '?' => drop(command.until(letter)),
            '\'' => drop(command.next()),
            'g' | 'v' | 's' => return true,
            letter if letter.is_ascii_alphabetic() || letter == '!' => return false,
            _ => {}
        }
    }
    false
}

fn suffix(command: &mut Command) -> Result<Shown, Stop> {
    let mut shown = Shown::default();
    while let Some(letter) = command.next() {
        match letter {
            'p' => shown.plain = true,
            'n' => shown.number = true,
            'l' => shown.list = true,
            ' ' | '\t' => {}
            _ => return failure("Invalid command suffix"),
        }
    }
    Ok(shown)
}

/// What replaces, with its escapes as they are, but for line ends.
fn template(command: &mut Command, delimiter: char) -> (String, bool) {
    let mut text = String::new();
    while let Some(letter) = command.next() {
        match letter {
            letter if letter == delimiter => return (text, true),
            '\\' => match command.next() {
                Some('\n') => text.push('\n'),
                Some(next) => text.extend(['\\', next]),
                None => text.push('\\'),
            },
            letter => text.push(letter),
        }
    }
    (text, false)
}

/// Where an expression matches from a place on.
fn found(regex: &Regex, text: &str, from: usize) -> Option<Region> {
    let mut region = Region::new();
    let options = SearchOptions::SEARCH_OPTION_NONE;
    regex.search_with_options(text, from, text.len(), options, Some(&mut region)).map(|_| region)
}

/// A line with its matches replaced. None where there is none.
fn substituted(replaced: &Replaced, line: &[u8]) -> Option<Vec<u8>> {
    let line = &*byte_text::decoded(line);
    let (mut new, mut from, mut copied, mut number, mut any) = (String::new(), 0, 0, 0, false);
    while from <= line.len() {
        let Some(region) = found(&replaced.expression, line, from) else { break };
        let (start, end) = region.pos(0)?;
        // Nothing directly behind a match is no match of its own.
        let is_empty_behind = start == end && number > 0 && start == copied && any;
        if !is_empty_behind {
            number += 1;
            if number == replaced.count
                || (replaced.is_global && number > replaced.count)
                || (replaced.is_global && replaced.count == 1)
            {
                new.push_str(line.get(copied..start)?);
                let mut letters = replaced.text.chars();
                while let Some(letter) = letters.next() {
                    match letter {
                        '&' => new.push_str(line.get(start..end)?),
                        '\\' => match letters.next() {
                            Some(digit @ '1'..='9') => {
                                if let Some((from, to)) = region.pos(digit as usize - '0' as usize) {
                                    new.push_str(line.get(from..to)?);
                                }
                            }
                            Some(other) => new.push(other),
                            None => new.push('\\'),
                        },
                        letter => new.push(letter),
                    }
                }
                copied = end;
                any = true;
                if !replaced.is_global {
                    break;
                }
            }
        }
        from = if end > start {
            end
        } else {
            // On to the next letter.
            end + line.get(end..)?.chars().next().map_or(1, char::len_utf8)
        };
    }
    new.push_str(line.get(copied..)?);
    any.then(|| byte_text::encode(&new).into_owned())
}

fn lines_of(contents: &[u8]) -> Vec<Line> {
    let body = contents.strip_suffix(b"\n").unwrap_or(contents);
    if contents.is_empty() {
        return vec![];
    }
    body.split(|&byte| byte == b'\n').map(|line| Rc::new(line.to_vec())).collect()
}

/// A line as `l` shows it: escapes, a dollar at its end, and breaks where it is long.
fn listed(line: &[u8]) -> String {
    const WIDTH: usize = 72;
    let (mut text, mut column) = (String::new(), 0);
    for &byte in line {
        let shown = match byte {
            b'\\' => "\\\\".into(),
            b'$' => "\\$".into(),
            7 => "\\a".into(),
            8 => "\\b".into(),
            12 => "\\f".into(),
            b'\n' => "\\n".into(),
            b'\r' => "\\r".into(),
            b'\t' => "\\t".into(),
            11 => "\\v".into(),
            b' '..=b'~' => char::from(byte).to_string(),
            byte => format!("\\{byte:03o}"),
        };
        if column + shown.len() > WIDTH - 1 {
            text.push_str("\\\n");
            column = 0;
        }
        column += shown.len();
        text.push_str(&shown);
    }
    text.push_str("$\n");
    text
}
