//! `xargs`: builds command lines from standard input and runs them. cordon's own, with the options of GNU's.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};

use cordon_multicall::launch::{self, errno_text, number_of};
use cordon_multicall::say;
use cordon_vm::byte_text::decode;
use cordon_vm::descriptors::Descriptor;
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::process::{self, Child, ExitStatus};
use cordon_vm::types::Errno;

/// Exit statuses: a command failed, one exited with 255, a signal ended one, one cannot be run, one is not there.
const FAILED: i32 = 123;
const STOPPED: i32 = 124;
const SIGNALED: i32 = 125;
const CANNOT_RUN: i32 = 126;
const NOT_THERE: i32 = 127;
/// A mistake in the arguments.
const USAGE: i32 = 1;

/// Bytes of one command line, unless `-s` says otherwise.
const COMMAND_BYTES: usize = 128 * 1024;

const HELP: &str = "\
Usage: xargs [OPTION]... COMMAND [INITIAL-ARGS]...
Run COMMAND with arguments INITIAL-ARGS and more arguments read from input.

  -0, --null                   items are separated by a null, not whitespace
  -a, --arg-file=FILE          read arguments from FILE, not standard input
  -d, --delimiter=CHARACTER    items are separated by CHARACTER
  -E END                       stop at an item END
  -I R                         replace R in INITIAL-ARGS with lines of input
  -i, --replace[=R]            the same; R is {} if not given
  -L, --max-lines=LINES        use at most LINES lines of input per command
  -l[LINES]                    the same; one line if not given
  -n, --max-args=ARGS          use at most ARGS arguments per command
  -P, --max-procs=PROCS        run at most PROCS commands at a time
      --process-slot-var=NAME  set NAME to a number that no other command has that runs
  -p, --interactive            does not ask: there is no terminal
  -r, --no-run-if-empty        do not run if there are no arguments
  -s, --max-chars=CHARS        limit the length of a command line
  -t, --verbose                print commands before running them
  -x, --exit                   exit if a command line is too long";

#[derive(Default)]
struct Options {
    delimiter: Option<u8>,
    file: Option<String>,
    end: Option<String>,
    replace: Option<String>,
    lines: Option<usize>,
    arguments: Option<usize>,
    at_once: Option<usize>,
    bytes: Option<usize>,
    not_if_empty: bool,
    verbose: bool,
    exit_if_long: bool,
    /// The variable that says which of the places of commands at once one has.
    slot_name: Option<String>,
    command: Vec<String>,
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let words = VecDeque::from(cordon_multicall::words(args));
    let options = match read_options(words) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(&mut io::stdout(), HELP);
            return 0;
        }
        Err(message) => {
            complain(&message);
            say(&mut io::stderr(), "Try 'xargs --help' for more information.");
            return USAGE;
        }
    };
    match run(&options) {
        Ok(status) => status,
        Err((status, message)) => {
            complain(&message);
            status
        }
    }
}

fn complain(message: &str) {
    say(&mut io::stderr(), &format!("xargs: {message}"));
}

/// Long names of options, and the letter that means the same.
const LONG: &[(&str, char)] = &[
    ("null", '0'),
    ("arg-file", 'a'),
    ("delimiter", 'd'),
    ("replace", 'i'),
    ("max-lines", 'L'),
    ("max-args", 'n'),
    ("max-procs", 'P'),
    ("interactive", 'p'),
    ("no-run-if-empty", 'r'),
    ("max-chars", 's'),
    ("verbose", 't'),
    ("exit", 'x'),
    ("process-slot-var", 'S'),
    ("eof", 'e'),
    ("help", 'h'),
];

/// None if only help was asked for.
fn read_options(mut words: VecDeque<String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    while let Some(word) = words.pop_front() {
        if word == "--" {
            break;
        }
        if !word.starts_with('-') || word.len() == 1 {
            words.push_front(word);
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let letter = LONG.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
            let letter = letter.ok_or_else(|| format!("unrecognized option '{word}'"))?;
            if letter == 'h' {
                return Ok(None);
            }
            let value = match letter {
                'a' | 'd' | 'n' | 'P' | 's' | 'S' => value.or_else(|| words.pop_front()),
                _ => value,
            };
            options.set(letter, value)?;
            continue;
        }
        let mut rest = &word[1..];
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            match letter {
                'a' | 'd' | 'E' | 'I' | 'L' | 'n' | 'P' | 's' => {
                    let value = if rest.is_empty() { words.pop_front() } else { Some(rest.to_owned()) };
                    options.set(letter, value)?;
                    break;
                }
                // A value only where it is attached.
                'e' | 'i' | 'l' => {
                    options.set(letter, Some(rest.to_owned()).filter(|value| !value.is_empty()))?;
                    break;
                }
                // These letters are ours: they stand for long names.
                'S' | 'h' => return Err(format!("invalid option -- '{letter}'")),
                _ => options.set(letter, None)?,
            }
        }
    }
    options.command = words.into();
    if options.command.is_empty() {
        options.command.push("echo".into());
    }
    Ok(Some(options))
}

impl Options {
    fn set(&mut self, letter: char, value: Option<String>) -> Result<(), String> {
        let needed = || value.clone().ok_or_else(|| format!("option requires an argument -- '{letter}'"));
        match letter {
            '0' => self.delimiter = Some(0),
            'a' => self.file = Some(needed()?),
            'd' => self.delimiter = Some(delimiter(&needed()?)?),
            'E' => self.end = Some(needed()?),
            'e' => self.end = value,
            // The last of the three holds.
            'I' | 'i' => {
                self.replace = Some(value.unwrap_or_else(|| "{}".into()));
                (self.lines, self.arguments) = (None, None);
            }
            'L' | 'l' => {
                self.lines = Some(value.map_or(Ok(1), |value| number(letter, &value, 1))?);
                (self.replace, self.arguments) = (None, None);
            }
            'n' => {
                self.arguments = Some(number('n', &needed()?, 1)?);
                // One argument is what `-I` takes anyway.
                if self.arguments != Some(1) {
                    self.replace = None;
                }
                self.lines = None;
            }
            'P' => self.at_once = Some(number('P', &needed()?, 0)?),
            's' => self.bytes = Some(number('s', &needed()?, 1)?),
            'S' => self.slot_name = Some(needed()?),
            'r' => self.not_if_empty = true,
            't' | 'p' => self.verbose = true,
            'x' => self.exit_if_long = true,
            _ => return Err(format!("invalid option -- '{letter}'")),
        }
        Ok(())
    }
}

fn number(letter: char, text: &str, least: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= least => Ok(number),
        Ok(_) => Err(format!("value {text} for -{letter} option should be >= {least}")),
        Err(_) => Err(format!("invalid number \"{text}\" for -{letter} option")),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    let wrong = || format!("Invalid input delimiter specification {text}");
    match text.as_bytes() {
        [one] => Ok(*one),
        [b'\\', b'x', ..] => u8::from_str_radix(&text[2..], 16).map_err(|_| wrong()),
        [b'\\', b'0'..=b'7', ..] => u8::from_str_radix(&text[1..], 8).map_err(|_| wrong()),
        [b'\\', letter] => match letter {
            b'a' => Ok(7),
            b'b' => Ok(8),
            b'f' => Ok(12),
            b'n' => Ok(b'\n'),
            b'r' => Ok(b'\r'),
            b't' => Ok(b'\t'),
            b'v' => Ok(11),
            b'\\' => Ok(b'\\'),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

/// A failure that ends everything: status and text.
type Fatal = (i32, String);

fn run(options: &Options) -> Result<i32, Fatal> {
    let source: Box<dyn Read> = match &options.file {
        Some(file) => Box::new(fs::File::open(file).map_err(|error| {
            (USAGE, format!("Cannot open input file '{file}': {}", uucore::error::strip_errno(&error)))
        })?),
        None => Box::new(io::stdin()),
    };
    let mut items = Items { source: BufReader::new(source), options, is_over: false };
    let mut runner = Runner::new(options)?;
    let outcome = feed(options, &mut items, &mut runner);
    // What has been started is waited for whatever became of the rest; each failure is that of one that has ended.
    while outcome.is_err() && runner.finish().is_err() {}
    outcome
}

/// Makes commands of the items, and runs them.
fn feed(options: &Options, items: &mut Items<'_>, runner: &mut Runner<'_>) -> Result<i32, Fatal> {
    let fixed: usize = options.command.iter().map(|word| word.len() + 1).sum();
    let most = options.bytes.unwrap_or(COMMAND_BYTES);

    if fixed > most {
        return Err((USAGE, "cannot fit single argument within argument list size limit".into()));
    }
    let mut batch: Vec<String> = vec![];
    let (mut bytes, mut lines, mut has_run) = (fixed, 0, false);
    while let Some(item) = items.next().map_err(|message| (USAGE, message))? {
        if let Some(replaced) = &options.replace {
            let words = options.command.iter().map(|word| word.replace(replaced, &item.text)).collect();
            runner.start(words)?;
            has_run = true;
            continue;
        }
        let is_long = bytes + item.text.len() + 1 > most;
        if is_long && (batch.is_empty() || options.exit_if_long) {
            return Err((USAGE, "argument line too long".into()));
        }
        if is_long {
            runner.start_with(&options.command, &mut batch)?;
            (bytes, lines, has_run) = (fixed, 0, true);
            if bytes + item.text.len() + 1 > most {
                return Err((USAGE, "argument line too long".into()));
            }
        }
        bytes += item.text.len() + 1;
        batch.push(item.text);
        lines += usize::from(item.ends_line);
        let is_full = options.arguments.is_some_and(|most| batch.len() >= most)
            || options.lines.is_some_and(|most| lines >= most);
        if is_full {
            runner.start_with(&options.command, &mut batch)?;
            (bytes, lines, has_run) = (fixed, 0, true);
        }
    }
    let runs_empty = !has_run && !options.not_if_empty && options.replace.is_none();
    if !batch.is_empty() || runs_empty {
        runner.start_with(&options.command, &mut batch)?;
    }
    runner.finish()
}

struct Item {
    text: String,
    /// It is the last of its line, which goes on after a blank at its end.
    ends_line: bool,
}

struct Items<'a> {
    source: BufReader<Box<dyn Read>>,
    options: &'a Options,
    is_over: bool,
}

impl Items<'_> {
    fn next(&mut self) -> Result<Option<Item>, String> {
        if self.is_over {
            return Ok(None);
        }
        let item = match self.options.delimiter {
            Some(delimiter) => self.delimited(delimiter),
            None => self.word(),
        }?;
        let ends = item.as_ref().is_none_or(|item| {
            self.options.delimiter.is_none() && self.options.end.as_ref() == Some(&item.text)
        });
        self.is_over = ends;
        Ok(if ends { None } else { item })
    }

    fn delimited(&mut self, delimiter: u8) -> Result<Option<Item>, String> {
        let mut text = vec![];
        let read = self.source.read_until(delimiter, &mut text).map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(None);
        }
        if text.last() == Some(&delimiter) {
            text.pop();
        }
        Ok(Some(Item { text: decode(text), ends_line: true }))
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        let next = self.source.fill_buf().map_err(|error| error.to_string())?.first().copied();
        if next.is_some() {
            self.source.consume(1);
        }
        Ok(next)
    }

    /// What stands between blanks, or on a line where lines are asked for; quotes and backslashes take away meaning.
    fn word(&mut self) -> Result<Option<Item>, String> {
        let whole_lines = self.options.replace.is_some();
        let mut text = vec![];
        let mut has_begun = false;
        loop {
            let Some(byte) = self.byte()? else {
                let text = decode(text);
                return Ok(has_begun.then_some(Item { text, ends_line: true }));
            };
            match byte {
                b'\n' if has_begun => {
                    return Ok(Some(Item { text: decode(text), ends_line: true }));
                }
                b'\n' => {}
                b' ' | b'\t' | 11 | 12 | b'\r' if !has_begun => {}
                b' ' | b'\t' if !whole_lines => {
                    return Ok(Some(Item { text: decode(text), ends_line: false }));
                }
                b'\'' | b'"' => {
                    has_begun = true;
                    loop {
                        match self.byte()? {
                            Some(next) if next == byte => break,
                            Some(b'\n') | None => {
                                let kind = if byte == b'"' { "double" } else { "single" };
                                return Err(format!(
                                    "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                                ));
                            }
                            Some(next) => text.push(next),
                        }
                    }
                }
                b'\\' => {
                    has_begun = true;
                    text.extend(self.byte()?);
                }
                other => {
                    has_begun = true;
                    text.push(other);
                }
            }
        }
    }
}

/// A command that runs: its name, and its place among those that run at once.
struct Running {
    child: Child,
    name: String,
    slot: usize,
}

/// Commands that run, at most so many at a time.
struct Runner<'a> {
    options: &'a Options,
    /// What commands read, if arguments came from standard input.
    nothing: Option<Descriptor>,
    running: VecDeque<Running>,
    status: i32,
}

impl<'a> Runner<'a> {
    fn new(options: &'a Options) -> Result<Runner<'a>, Fatal> {
        let nothing = match options.file {
            Some(_) => None,
            None => Some(
                filesystem::open("/dev/null", OpenFlags::READ, 0)
                    .map_err(|errno| (USAGE, format!("/dev/null: {}", errno_text(errno))))?,
            ),
        };
        Ok(Runner { options, nothing, running: VecDeque::new(), status: 0 })
    }

    fn start_with(&mut self, command: &[String], arguments: &mut Vec<String>) -> Result<(), Fatal> {
        let words = command.iter().cloned().chain(arguments.drain(..)).collect();
        self.start(words)
    }

    fn start(&mut self, words: Vec<String>) -> Result<(), Fatal> {
        // 0 is as many as there can be.
        let at_once = self.options.at_once.unwrap_or(1);
        while at_once > 0 && self.running.len() >= at_once {
            self.wait_for_one()?;
        }
        if self.options.verbose {
            say(&mut io::stderr(), &words.join(" "));
        }
        loop {
            let slot = (0..).find(|slot| self.running.iter().all(|other| other.slot != *slot)).unwrap_or(0);
            let mut environment = process::environment();
            if let Some(name) = &self.options.slot_name {
                environment.retain(|(known, _)| known != name);
                environment.push((name.clone(), slot.to_string()));
            }
            let instead: Vec<_> = self.nothing.iter().map(|nothing| (0, nothing)).collect();
            let started = launch::start_with(&words, environment, None, &instead);
            match started {
                Ok(child) => {
                    self.running.push_back(Running { child, name: words[0].clone(), slot });
                    return Ok(());
                }
                // There are as many as there can be.
                Err(Errno::Eagain) if !self.running.is_empty() => self.wait_for_one()?,
                Err(errno) => {
                    let status = if errno == Errno::Enoent { NOT_THERE } else { CANNOT_RUN };
                    self.status = self.finish()?;
                    return Err((status, format!("{}: {}", words[0], errno_text(errno))));
                }
            }
        }
    }

    /// Waits for the one that has run longest.
    fn wait_for_one(&mut self) -> Result<(), Fatal> {
        let Some(Running { child, name, .. }) = self.running.pop_front() else { return Ok(()) };
        match child.wait() {
            Ok(ExitStatus::Exited(0)) | Err(_) => Ok(()),
            Ok(ExitStatus::Exited(255)) => {
                Err((STOPPED, format!("{name}: exited with status 255; aborting")))
            }
            Ok(ExitStatus::Exited(_)) => {
                self.status = FAILED;
                Ok(())
            }
            Ok(ExitStatus::Signaled(signal)) => {
                Err((SIGNALED, format!("{name}: terminated by signal {}", number_of(signal))))
            }
        }
    }

    fn finish(&mut self) -> Result<i32, Fatal> {
        while !self.running.is_empty() {
            self.wait_for_one()?;
        }
        Ok(self.status)
    }
}
