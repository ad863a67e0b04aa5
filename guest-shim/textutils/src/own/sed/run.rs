//! What the commands of `sed` do to lines.

use cordon_vm::byte_text::ToText;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cordon_multicall::files::reason;
use cordon_multicall::say;
use memchr::memchr;

use super::script::{
    Action, Address, Case, Command, End, Part, Pattern, Range, STDERR, STDOUT, Script, Substitute, Table,
};
use super::{NO_INPUT, TROUBLE};
use crate::own::expression::{Expression, Place};

pub struct Options {
    pub is_quiet: bool,
    /// Files are no one stream.
    pub is_separate: bool,
    /// Files are changed; what is put behind the names of those that are kept as they were.
    pub in_place: Option<String>,
    pub follows_links: bool,
    pub end_of_line: u8,
    /// How wide `l` writes.
    pub width: usize,
    pub is_unbuffered: bool,
    pub is_posix: bool,
    pub is_of_characters: bool,
}

/// What ends all.
enum Stop {
    /// The reader of the output has gone.
    Gone,
    Trouble(i32, String),
}

type Ran<T> = Result<T, Stop>;

fn trouble(message: String) -> Stop {
    Stop::Trouble(TROUBLE, message)
}

/// How a cycle ends.
enum Flow {
    /// With the pattern space shown.
    Whole,
    /// With nothing shown.
    Silent,
    /// As one of these, and nothing follows.
    Quit(i32),
    QuitSilently(i32),
}

struct Output {
    to: Box<dyn Write>,
    name: String,
    /// The line that was written last had no end.
    lacks_end: bool,
}

impl Output {
    fn new(to: Box<dyn Write>, name: &str) -> Self {
        Output { to, name: name.to_owned(), lacks_end: false }
    }

    fn wrong(&self, error: &io::Error) -> Stop {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Stop::Gone;
        }
        trouble(format!("couldn't write to {}: {}", self.name, reason(error)))
    }

    fn text(&mut self, text: &[u8], end: u8) -> Ran<()> {
        let written = if std::mem::take(&mut self.lacks_end) { self.to.write_all(&[end]) } else { Ok(()) };
        written.and_then(|()| self.to.write_all(text)).map_err(|error| self.wrong(&error))
    }

    /// A line whose end is there or is not.
    fn line(&mut self, text: &[u8], end: u8, is_ended: bool) -> Ran<()> {
        self.text(text, end)?;
        if is_ended {
            return self.to.write_all(&[end]).map_err(|error| self.wrong(&error));
        }
        self.lacks_end = true;
        Ok(())
    }

    fn flush(&mut self) -> Ran<()> {
        self.to.flush().map_err(|error| self.wrong(&error))
    }
}

/// A file that is being changed.
struct Edited {
    name: PathBuf,
    temporary: PathBuf,
    output: Output,
}

/// What is written behind a cycle.
enum Queued {
    /// The text of a command.
    Text(usize),
    /// The file that a command names.
    File(usize),
    Line(Vec<u8>),
}

struct Input {
    name: OsString,
    from: Box<dyn BufRead>,
}

pub struct Run {
    options: Options,
    files: std::vec::IntoIter<OsString>,
    input: Option<Input>,
    /// The one behind it, where it was looked whether there are lines in it.
    upcoming: Option<Input>,
    line: u64,
    outputs: Vec<Output>,
    /// What was written last to the standard output as to a file had no end.
    lacks_end: bool,
    readers: Vec<Option<BufReader<File>>>,
    reader_names: Vec<String>,
    edited: Option<Edited>,
    pattern: Vec<u8>,
    /// The line in the pattern space had an end.
    is_ended: bool,
    hold: Vec<u8>,
    /// The same of the hold space.
    is_hold_ended: bool,
    /// The expression that was used last.
    last: Pattern,
    queue: Vec<Queued>,
    has_substituted: bool,
    /// The next cycle reads no line.
    restarts: bool,
    is_at_once: bool,
    status: i32,
    /// Used again and again.
    made: Vec<u8>,
    places: Vec<Option<Place>>,
}

const SIZE: usize = 64 * 1024;

impl Run {
    pub fn new(options: Options, files: Vec<OsString>, script: &Script) -> Result<Self, String> {
        let mut outputs: Vec<Output> = vec![];
        for (number, name) in script.outputs.iter().enumerate() {
            let to: Box<dyn Write> = match number {
                STDOUT => Box::new(BufWriter::with_capacity(SIZE, io::stdout())),
                STDERR => Box::new(io::stderr()),
                _ => match File::create(name) {
                    Ok(file) => Box::new(BufWriter::with_capacity(SIZE, file)),
                    Err(error) => return Err(format!("couldn't open file {name}: {}", reason(&error))),
                },
            };
            let name = if number == STDOUT { "stdout" } else { name };
            outputs.push(Output::new(to, name));
        }
        let is_at_once = options.is_unbuffered || io::stdout().is_terminal();
        Ok(Run {
            options,
            files: files.into_iter(),
            input: None,
            upcoming: None,
            line: 0,
            outputs,
            lacks_end: false,
            readers: script.inputs.iter().map(|_| None).collect(),
            reader_names: script.inputs.clone(),
            edited: None,
            pattern: vec![],
            is_ended: true,
            hold: vec![],
            is_hold_ended: true,
            last: None,
            queue: vec![],
            has_substituted: false,
            restarts: false,
            is_at_once,
            status: 0,
            made: vec![],
            places: vec![],
        })
    }

    /// Goes through all files; the exit status.
    pub fn run(mut self, commands: &mut [Command]) -> i32 {
        let outcome = self.cycles(commands).and_then(|status| {
            self.close_file()?;
            self.flush_all()?;
            Ok(status)
        });
        let status = match outcome {
            Ok(status) => status,
            Err(stop) => {
                if let Some(edited) = self.edited.take() {
                    let _ = fs::remove_file(&edited.temporary);
                }
                let _ = self.flush_all();
                match stop {
                    Stop::Gone => TROUBLE,
                    Stop::Trouble(status, message) => {
                        say(&mut io::stderr(), &format!("sed: {message}"));
                        status
                    }
                }
            }
        };
        if status == 0 { self.status } else { status }
    }

    fn flush_all(&mut self) -> Ran<()> {
        self.outputs.iter_mut().try_for_each(Output::flush)
    }

    fn cycles(&mut self, commands: &mut [Command]) -> Ran<i32> {
        loop {
            if !std::mem::take(&mut self.restarts) {
                self.pattern.clear();
                if !self.read(commands)? {
                    return Ok(0);
                }
            }
            let flow = self.cycle(commands)?;
            if !self.options.is_quiet && matches!(flow, Flow::Whole | Flow::Quit(_)) {
                self.show()?;
            }
            match flow {
                Flow::QuitSilently(status) => return Ok(status),
                Flow::Quit(status) => {
                    self.write_queue(commands)?;
                    self.say(b"")?;
                    return Ok(status);
                }
                Flow::Whole | Flow::Silent => self.write_queue(commands)?,
            }
            if self.is_at_once {
                self.flush_all()?;
            }
        }
    }

    /// What goes to the standard output, or to the file that is changed.
    fn out(&mut self) -> &mut Output {
        match &mut self.edited {
            Some(edited) => &mut edited.output,
            None => &mut self.outputs[STDOUT],
        }
    }

    fn show(&mut self) -> Ran<()> {
        let pattern = std::mem::take(&mut self.pattern);
        let (end, is_ended) = (self.options.end_of_line, self.is_ended);
        let shown = self.out().line(&pattern, end, is_ended);
        self.pattern = pattern;
        shown
    }

    fn say(&mut self, text: &[u8]) -> Ran<()> {
        let end = self.options.end_of_line;
        self.out().text(text, end)
    }

    /// The text of a command, which ends as a line does.
    fn given(&mut self, text: &[u8]) -> Ran<()> {
        let end = self.options.end_of_line;
        match text.strip_suffix(b"\n") {
            Some(text) => self.out().line(text, end, true),
            None => Ok(()),
        }
    }

    /// Adds a line to the pattern space; whether there was one.
    fn read(&mut self, commands: &mut [Command]) -> Ran<bool> {
        self.write_queue(commands)?;
        self.has_substituted = false;
        let end = self.options.end_of_line;
        loop {
            if let Some(input) = &mut self.input {
                let length = self.pattern.len();
                let read = input.from.read_until(end, &mut self.pattern);
                if let Err(error) = read {
                    let name = input.name.to_text();
                    return Err(trouble(format!("read error on {name}: {}", reason(&error))));
                }
                if self.pattern.len() > length {
                    self.is_ended = self.pattern.last() == Some(&end);
                    if self.is_ended {
                        self.pattern.pop();
                    }
                    self.line += 1;
                    return Ok(true);
                }
                self.close_file()?;
            }
            self.input = match self.upcoming.take() {
                None => self.open()?,
                upcoming => upcoming,
            };
            if self.input.is_none() {
                return Ok(false);
            }
            if self.options.is_separate {
                self.line = 0;
                self.hold.clear();
                for reader in self.readers.iter_mut().flatten() {
                    let _ = reader.rewind();
                }
                for command in commands.iter_mut() {
                    command.range = match command.from {
                        Some(Address::Line(0)) => Range::Active(None),
                        _ => Range::Idle,
                    };
                }
            }
        }
    }

    /// The next file that there is.
    fn open(&mut self) -> Ran<Option<Input>> {
        for name in self.files.by_ref() {
            if name == "-" && self.options.in_place.is_none() {
                let from = Box::new(BufReader::with_capacity(SIZE, io::stdin()));
                return Ok(Some(Input { name, from }));
            }
            let opened = File::open(&name).and_then(|file| Ok((file.metadata()?, file)));
            let (about, file) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    let message = format!("sed: can't read {}: {}", name.to_text(), reason(&error));
                    say(&mut io::stderr(), &message);
                    self.status = NO_INPUT;
                    continue;
                }
            };
            if self.options.in_place.is_some() {
                if !about.is_file() {
                    let name = name.to_text();
                    return Err(trouble(format!("couldn't edit {name}: not a regular file")));
                }
                self.edited = Some(self.edit(Path::new(&name))?);
            } else if about.is_dir() {
                return Err(trouble(format!("read error on {}: Is a directory", name.to_text())));
            }
            return Ok(Some(Input { name, from: Box::new(BufReader::with_capacity(SIZE, file)) }));
        }
        Ok(None)
    }

    /// A file beside the one that is changed, in whose place it is put at the end.
    fn edit(&self, name: &Path) -> Ran<Edited> {
        let mut name = name.to_owned();
        if self.options.follows_links
            && let Ok(target) = fs::canonicalize(&name)
        {
            name = target;
        }
        let folder = name.parent().unwrap_or(Path::new(""));
        let mut number = 0u64;
        loop {
            let temporary = folder.join(format!("sed{number:06x}"));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    if let Ok(about) = fs::metadata(&name) {
                        let _ = fs::set_permissions(&temporary, about.permissions());
                    }
                    let to = Box::new(BufWriter::with_capacity(SIZE, file));
                    let output = Output::new(to, &temporary.to_text());
                    return Ok(Edited { name, temporary, output });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => {
                    let temporary = temporary.to_text();
                    return Err(trouble(format!(
                        "couldn't open temporary file {temporary}: {}",
                        reason(&error)
                    )));
                }
            }
        }
    }

    /// No more is read of the file; if it is changed, the new one takes its place.
    fn close_file(&mut self) -> Ran<()> {
        self.input = None;
        let Some(mut edited) = self.edited.take() else { return Ok(()) };
        edited.output.flush()?;
        let suffix = self.options.in_place.as_deref().unwrap_or_default();
        let wrong = |from: &Path, error: io::Error| {
            trouble(format!("cannot rename {}: {}", from.to_text(), reason(&error)))
        };
        if !suffix.is_empty() {
            let kept = backup(&edited.name, suffix);
            fs::rename(&edited.name, kept).map_err(|error| wrong(&edited.name, error))?;
        }
        fs::rename(&edited.temporary, &edited.name).map_err(|error| wrong(&edited.temporary, error))
    }

    /// Whether no line follows.
    fn is_last(&mut self) -> Ran<bool> {
        let has_more = |input: &mut Input| {
            input.from.fill_buf().map(|rest| !rest.is_empty()).map_err(|error| {
                trouble(format!("read error on {}: {}", input.name.to_text(), reason(&error)))
            })
        };
        if let Some(input) = &mut self.input
            && has_more(input)?
        {
            return Ok(false);
        }
        if self.options.is_separate {
            return Ok(true);
        }
        loop {
            if let Some(input) = &mut self.upcoming
                && has_more(input)?
            {
                return Ok(false);
            }
            self.upcoming = self.open()?;
            if self.upcoming.is_none() {
                return Ok(true);
            }
        }
    }

    fn write_queue(&mut self, commands: &[Command]) -> Ran<()> {
        if self.queue.is_empty() {
            return Ok(());
        }
        for queued in std::mem::take(&mut self.queue) {
            match queued {
                Queued::Line(text) => self.say(&text)?,
                Queued::Text(number) => {
                    if let Action::Append(text) = &commands[number].action {
                        self.say(text)?;
                    }
                }
                Queued::File(number) => {
                    let Action::ReadFile(name) = &commands[number].action else { continue };
                    // It may be one of those that are written.
                    for output in self.outputs.iter_mut().skip(STDERR + 1) {
                        output.flush()?;
                    }
                    // A file that is not there is an empty one.
                    let mut text = vec![];
                    let read = if name == "/dev/stdin" {
                        io::stdin().read_to_end(&mut text)
                    } else {
                        File::open(name).and_then(|mut file| file.read_to_end(&mut text))
                    };
                    if read.is_ok() {
                        self.say(&text)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn found(&mut self, pattern: &Pattern) -> Ran<bool> {
        let expression = self.expression(pattern)?;
        Ok(expression.find(&self.pattern, 0).is_some())
    }

    /// The expression itself, or the one that was used last.
    fn expression(&mut self, pattern: &Pattern) -> Ran<Rc<Expression>> {
        if pattern.is_some() {
            self.last.clone_from(pattern);
        }
        let none = || Stop::Trouble(1, "-e expression #1, char 0: no previous regular expression".into());
        self.last.clone().ok_or_else(none)
    }

    fn is_at(&mut self, address: &Address) -> Ran<bool> {
        Ok(match address {
            Address::Line(line) => *line == self.line,
            Address::Step(first, step) => self.line >= *first && (self.line - first).is_multiple_of(*step),
            Address::Last => self.is_last()?,
            Address::Match(pattern) => self.found(pattern)?,
        })
    }

    fn is_meant(&mut self, command: &mut Command) -> Ran<bool> {
        let Some(from) = &command.from else { return Ok(true) };
        let Some(to) = &command.to else { return self.is_at(from) };
        if let Range::Active(end) = command.range {
            let is_over = match (end, to) {
                (Some(end), _) => self.line >= end,
                (None, End::Last) => self.is_last()?,
                (None, End::Match(pattern)) => self.found(pattern)?,
                (None, _) => true,
            };
            if is_over {
                command.range = Range::Over;
            }
            // One that was counted ends with a line behind it, where that itself was passed.
            return Ok(!matches!(to, End::Line(_)) || end.is_none_or(|end| self.line <= end));
        }
        let begins = match from {
            // Late too, where it was passed elsewhere, but only once.
            Address::Line(line) => self.line >= *line && command.range != Range::Over,
            from => self.is_at(from)?,
        };
        if !begins {
            return Ok(false);
        }
        let end = match to {
            End::Line(end) => Some(*end),
            End::More(count) => Some(self.line.saturating_add(*count)),
            End::Multiple(0) => Some(self.line),
            End::Multiple(number) => Some((self.line / number).saturating_add(1).saturating_mul(*number)),
            End::Last | End::Match(_) => None,
        };
        command.range = match end {
            Some(end) if end <= self.line => Range::Over,
            None if matches!(to, End::Last) && self.is_last()? => Range::Over,
            end => Range::Active(end),
        };
        let is_passed = matches!(from, Address::Line(line) if *line < self.line);
        Ok(!is_passed || end.is_none_or(|end| self.line <= end))
    }

    /// Runs the commands once.
    fn cycle(&mut self, commands: &mut [Command]) -> Ran<Flow> {
        let end_of_line = self.options.end_of_line;
        let mut at = 0;
        while let Some(command) = commands.get_mut(at) {
            if self.is_meant(command)? == command.is_negated {
                at = match command.action {
                    Action::Block(end) => end,
                    _ => at + 1,
                };
                continue;
            }
            let command = &commands[at];
            let number = at;
            at += 1;
            match &command.action {
                Action::Block(_) | Action::Nothing => {}
                Action::Append(_) => self.queue.push(Queued::Text(number)),
                Action::Insert(text) => self.given(text)?,
                Action::Change(text) => {
                    if command.is_negated || !matches!(command.range, Range::Active(_)) {
                        self.given(text)?;
                    }
                    return Ok(Flow::Silent);
                }
                Action::Branch(to) => at = *to,
                Action::BranchIf(to) => {
                    if std::mem::take(&mut self.has_substituted) {
                        at = *to;
                    }
                }
                Action::BranchUnless(to) => {
                    if !std::mem::take(&mut self.has_substituted) {
                        at = *to;
                    }
                }
                Action::Substitute(substitute) => self.substitute(substitute)?,
                Action::Translate(table) => self.translate(table),
                Action::Print => self.show()?,
                Action::PrintFirst => {
                    let end = memchr(end_of_line, &self.pattern);
                    let first = self.pattern[..end.unwrap_or(self.pattern.len())].to_vec();
                    let is_ended = self.is_ended || end.is_some();
                    self.out().line(&first, end_of_line, is_ended)?;
                }
                Action::Delete => return Ok(Flow::Silent),
                Action::DeleteFirst => {
                    if let Some(end) = memchr(end_of_line, &self.pattern) {
                        self.pattern.drain(..=end);
                        self.restarts = true;
                    }
                    return Ok(Flow::Silent);
                }
                Action::Next => {
                    if self.is_last()? {
                        return Ok(if self.options.is_posix { Flow::Silent } else { Flow::Whole });
                    }
                    if !self.options.is_quiet {
                        self.show()?;
                    }
                    self.pattern.clear();
                    self.read(commands)?;
                }
                Action::NextAppended => {
                    if self.is_last()? {
                        return Ok(if self.options.is_posix { Flow::Silent } else { Flow::Whole });
                    }
                    self.pattern.push(end_of_line);
                    self.read(commands)?;
                }
                Action::Hold => {
                    self.hold.clone_from(&self.pattern);
                    self.is_hold_ended = self.is_ended;
                }
                Action::HoldAppended => {
                    self.is_hold_ended = self.is_ended;
                    self.hold.push(end_of_line);
                    self.hold.extend_from_slice(&self.pattern);
                }
                Action::Get => {
                    self.pattern.clone_from(&self.hold);
                    self.is_ended = self.is_hold_ended;
                }
                Action::GetAppended => {
                    self.is_ended = self.is_hold_ended;
                    self.pattern.push(end_of_line);
                    self.pattern.extend_from_slice(&self.hold);
                }
                Action::Exchange => {
                    std::mem::swap(&mut self.pattern, &mut self.hold);
                    std::mem::swap(&mut self.is_ended, &mut self.is_hold_ended);
                }
                Action::Number => {
                    let mut line = self.line.to_string().into_bytes();
                    line.push(end_of_line);
                    self.say(&line)?;
                }
                Action::FileName => {
                    let name = self.input.as_ref().map_or(OsStr::new("-"), |input| &input.name);
                    let mut name = name.as_encoded_bytes().to_vec();
                    name.push(end_of_line);
                    self.say(&name)?;
                }
                Action::Empty => self.pattern.clear(),
                Action::List(width) => {
                    let mut text = self.listed(width.unwrap_or(self.options.width));
                    text.push(end_of_line);
                    self.say(&text)?;
                }
                Action::ReadFile(_) => self.queue.push(Queued::File(number)),
                Action::ReadLine(reader) => self.queue_line(*reader),
                Action::Write(output) => self.write(*output, self.pattern.len())?,
                Action::WriteFirst(output) => {
                    let end = memchr(end_of_line, &self.pattern);
                    self.write(*output, end.unwrap_or(self.pattern.len()))?;
                }
                Action::Quit(status) => return Ok(Flow::Quit(*status)),
                Action::QuitSilently(status) => return Ok(Flow::QuitSilently(*status)),
            }
        }
        Ok(Flow::Whole)
    }

    /// Writes the beginning of the pattern space as a line.
    fn write(&mut self, output: usize, length: usize) -> Ran<()> {
        let (end, is_ended) = (self.options.end_of_line, self.is_ended || length < self.pattern.len());
        let to = &mut self.outputs[output];
        if output == STDOUT {
            // Each way to it knows of its own lines only.
            std::mem::swap(&mut to.lacks_end, &mut self.lacks_end);
        }
        let written = to.line(&self.pattern[..length], end, is_ended);
        if output == STDOUT {
            std::mem::swap(&mut to.lacks_end, &mut self.lacks_end);
        }
        written
    }

    fn queue_line(&mut self, number: usize) {
        let end = self.options.end_of_line;
        let name = &self.reader_names[number];
        let mut line = vec![];
        let read = if name == "/dev/stdin" {
            io::stdin().lock().read_until(end, &mut line)
        } else {
            if self.readers[number].is_none() {
                self.readers[number] = File::open(name).ok().map(BufReader::new);
            }
            // A file that is not there is an empty one.
            self.readers[number].as_mut().map_or(Ok(0), |reader| reader.read_until(end, &mut line))
        };
        if read.is_ok() && !line.is_empty() {
            self.queue.push(Queued::Line(line));
        }
    }

    fn substitute(&mut self, what: &Substitute) -> Ran<()> {
        let expression = self.expression(&what.pattern)?;
        let mut made = std::mem::take(&mut self.made);
        let mut places = std::mem::take(&mut self.places);
        made.clear();
        let text = &self.pattern;
        let (mut from, mut copied, mut count) = (0, 0, 0);
        let (mut before, mut has_changed) = (None, false);
        while from <= text.len() {
            let found = if what.needs_groups {
                if !expression.groups(text, from, &mut places) {
                    break;
                }
                places.first().copied().flatten()
            } else {
                expression.find(text, from)
            };
            let Some((start, end)) = found else { break };
            // Nothing, just behind what was found, is not found again.
            if start < end || before != Some(start) {
                before = Some(end);
                count += 1;
                if count >= what.number {
                    made.extend_from_slice(&text[copied..start]);
                    if !what.needs_groups {
                        places.clear();
                        places.push(Some((start, end)));
                    }
                    self.put(&what.parts, text, &places, &mut made);
                    copied = end;
                    has_changed = true;
                    if !what.is_everywhere {
                        break;
                    }
                }
            }
            from = if start < end { end } else { end + self.width_at(text, end) };
        }
        if has_changed {
            made.extend_from_slice(&text[copied..]);
            std::mem::swap(&mut self.pattern, &mut made);
        }
        (self.made, self.places) = (made, places);
        if has_changed {
            self.has_substituted = true;
            if what.is_printed {
                self.show()?;
            }
            if let Some(output) = what.output {
                self.write(output, self.pattern.len())?;
            }
        }
        Ok(())
    }

    /// How long the character is that begins at a place; one where nothing does.
    fn width_at(&self, text: &[u8], at: usize) -> usize {
        if !self.options.is_of_characters {
            return 1;
        }
        let width = match text.get(at) {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 1,
        };
        match text.get(at..at + width) {
            Some(character) if std::str::from_utf8(character).is_ok() => width,
            _ => 1,
        }
    }

    /// Adds what is put for what was found.
    fn put(&self, parts: &[Part], text: &[u8], places: &[Option<Place>], out: &mut Vec<u8>) {
        let (mut case, mut once) = (Case::Kept, None);
        for part in parts {
            let piece = match part {
                Part::Text(piece) => piece,
                Part::Group(number) => match places.get(*number).copied().flatten() {
                    Some((start, end)) => &text[start..end],
                    None => &[],
                },
                Part::Case(Case::UpperOnce) => {
                    once = Some(Case::Upper);
                    continue;
                }
                Part::Case(Case::LowerOnce) => {
                    once = Some(Case::Lower);
                    continue;
                }
                Part::Case(other) => {
                    (case, once) = (*other, None);
                    continue;
                }
            };
            if piece.is_empty() {
                continue;
            }
            let mut rest = piece;
            if let Some(once) = once.take() {
                let (first, others) = piece.split_at(self.width_at(piece, 0));
                self.put_in_case(first, once, out);
                rest = others;
            }
            self.put_in_case(rest, case, out);
        }
    }

    fn put_in_case(&self, text: &[u8], case: Case, out: &mut Vec<u8>) {
        let is_upper = match case {
            Case::Upper => true,
            Case::Lower => false,
            _ => return out.extend_from_slice(text),
        };
        if !self.options.is_of_characters || text.is_ascii() {
            let change = if is_upper { u8::to_ascii_uppercase } else { u8::to_ascii_lowercase };
            return out.extend(text.iter().map(change));
        }
        for chunk in text.utf8_chunks() {
            for letter in chunk.valid().chars() {
                // What would become several letters stays.
                let mut changed = [letter; 2];
                let count = if is_upper {
                    letter.to_uppercase().zip(&mut changed).map(|(new, old)| *old = new).count()
                } else {
                    letter.to_lowercase().zip(&mut changed).map(|(new, old)| *old = new).count()
                };
                let letter = if count == 1 { changed[0] } else { letter };
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            out.extend_from_slice(chunk.invalid());
        }
    }

    fn translate(&mut self, table: &Table) {
        match table {
            Table::Bytes(table) => {
                for byte in &mut self.pattern {
                    *byte = table[usize::from(*byte)];
                }
            }
            Table::Characters(pairs) => {
                let mut out = Vec::with_capacity(self.pattern.len());
                for chunk in self.pattern.utf8_chunks() {
                    for letter in chunk.valid().chars() {
                        let pair = pairs.iter().find(|(from, _)| *from == letter);
                        let letter = pair.map_or(letter, |(_, to)| *to);
                        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    out.extend_from_slice(chunk.invalid());
                }
                self.pattern = out;
            }
        }
    }

    /// The pattern space so that each byte can be told, without the end of its last line.
    fn listed(&self, width: usize) -> Vec<u8> {
        let (mut out, mut column) = (vec![], 0);
        for &byte in &self.pattern {
            let escaped: &[u8] = match byte {
                b'\\' => b"\\\\",
                0x07 => b"\\a",
                0x08 => b"\\b",
                0x0c => b"\\f",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0x0b => b"\\v",
                b' '..=b'~' => &[byte],
                _ => &[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)],
            };
            if width > 0 && column + escaped.len() > width - 1 {
                out.extend(b"\\\n");
                column = 0;
            }
            out.extend_from_slice(escaped);
            column += escaped.len();
        }
        out.push(b'$');
        out
    }
}

/// The name under which a file is kept as it was: a `*` stands for its own.
fn backup(name: &Path, suffix: &str) -> PathBuf {
    let own = name.file_name().unwrap_or_default().to_text();
    let folder = name.parent().unwrap_or(Path::new(""));
    let new = if suffix.contains('*') { suffix.replace('*', &own) } else { format!("{own}{suffix}") };
    if new.contains('/') { PathBuf::from(new) } else { folder.join(new) }
}
