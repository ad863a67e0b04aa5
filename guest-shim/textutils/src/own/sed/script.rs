//! Scripts of `sed`: how they are read, with GNU's additions and in its words where they are wrong.

use std::rc::Rc;

use cordon_vm::byte_text::decoded;

use super::{TROUBLE, WRONG};
use crate::own::expression::{Expression, Kind};

/// Where a part of a script comes from.
pub enum Source {
    /// The number of an option `-e`.
    Expression(usize),
    File(String),
}

/// How a script is meant.
#[derive(Clone, Copy)]
pub struct Manner {
    pub is_extended: bool,
    pub is_of_characters: bool,
    pub end_of_line: u8,
    /// Nothing is read and written but what the options name.
    pub is_enclosed: bool,
}

/// None is the expression that was used last.
pub type Pattern = Option<Rc<Expression>>;

pub enum Address {
    Line(u64),
    /// A line, and each of so many behind it.
    Step(u64, u64),
    Last,
    Match(Pattern),
}

pub enum End {
    Line(u64),
    Last,
    Match(Pattern),
    /// So many lines more.
    More(u64),
    /// Up to a line whose number is a multiple.
    Multiple(u64),
}

/// How far a range of lines is.
#[derive(Clone, Copy, PartialEq)]
pub enum Range {
    Idle,
    /// Up to a line, or to what the end says.
    Active(Option<u64>),
    Over,
}

pub struct Command {
    pub from: Option<Address>,
    pub to: Option<End>,
    pub is_negated: bool,
    pub range: Range,
    pub action: Action,
}

pub enum Action {
    /// A block, and where it ends.
    Block(usize),
    Nothing,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    Branch(usize),
    BranchIf(usize),
    BranchUnless(usize),
    Substitute(Box<Substitute>),
    Translate(Table),
    Print,
    PrintFirst,
    Delete,
    DeleteFirst,
    Next,
    NextAppended,
    Hold,
    HoldAppended,
    Get,
    GetAppended,
    Exchange,
    Number,
    FileName,
    Empty,
    List(Option<usize>),
    ReadFile(String),
    ReadLine(usize),
    Write(usize),
    WriteFirst(usize),
    Quit(i32),
    QuitSilently(i32),
}

pub struct Substitute {
    pub pattern: Pattern,
    pub parts: Vec<Part>,
    pub is_everywhere: bool,
    /// Which of those found, from 1 on.
    pub number: usize,
    pub is_printed: bool,
    pub output: Option<usize>,
    /// Places of groups are asked for.
    pub needs_groups: bool,
}

pub enum Part {
    Text(Vec<u8>),
    Group(usize),
    Case(Case),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Case {
    Upper,
    Lower,
    Kept,
    UpperOnce,
    LowerOnce,
}

/// What `y` puts for what.
pub enum Table {
    Bytes(Box<[u8; 256]>),
    Characters(Vec<(char, char)>),
}

/// A whole script.
pub struct Script {
    pub commands: Vec<Command>,
    /// Files that are written to; the first two are the standard streams.
    pub outputs: Vec<String>,
    /// Files that lines are read of.
    pub inputs: Vec<String>,
    /// Its first line asks for that.
    pub is_quiet: bool,
}

pub const STDOUT: usize = 0;
pub const STDERR: usize = 1;

/// Makes a script of its parts; the error is the exit status and the whole message.
pub fn parse(parts: &[(Source, Vec<u8>)], manner: Manner) -> Result<Script, (i32, String)> {
    let mut text = vec![];
    let mut starts = vec![];
    for (_, part) in parts {
        starts.push(text.len());
        text.extend_from_slice(part);
        text.push(b'\n');
    }
    text.pop();
    let first = parts.first().map_or(&[][..], |(_, part)| part);
    let is_quiet = first.starts_with(b"#n");
    let mut parser = Parser {
        text: &text,
        at: 0,
        manner,
        commands: vec![],
        outputs: vec!["/dev/stdout".into(), "/dev/stderr".into()],
        inputs: vec![],
        blocks: vec![],
        labels: vec![],
        branches: vec![],
    };
    let outcome = parser.commands().and_then(|()| parser.complete());
    if let Err(wrong) = outcome {
        let message = match wrong {
            Wrong::Label(label) => {
                return Err((TROUBLE, format!("can't find label for jump to `{label}'")));
            }
            Wrong::Start(number, message) => place(parts, &starts, number, Some(0)) + &message,
            Wrong::Here(message) => place(parts, &starts, parser.at.min(text.len()), None) + &message,
        };
        return Err((WRONG, message));
    }
    Ok(Script { commands: parser.commands, outputs: parser.outputs, inputs: parser.inputs, is_quiet })
}

/// The words for a place in the parts of a script.
fn place(parts: &[(Source, Vec<u8>)], starts: &[usize], at: usize, column: Option<usize>) -> String {
    // The line's end that stands between two parts belongs to the first.
    let number = starts.iter().rposition(|start| *start < at).unwrap_or(0);
    let within = (at - starts[number]).min(parts[number].1.len());
    match &parts[number].0 {
        Source::Expression(number) => format!("-e expression #{number}, char {}: ", column.unwrap_or(within)),
        Source::File(name) => {
            let before = &parts[number].1[..within.saturating_sub(1)];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            format!("file {name} line {line}: ")
        }
    }
}

enum Wrong {
    /// What was read last is.
    Here(String),
    /// At the beginning of the part with this place.
    Start(usize, String),
    Label(String),
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Self {
        Wrong::Here(message.to_owned())
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    manner: Manner,
    commands: Vec<Command>,
    outputs: Vec<String>,
    inputs: Vec<String>,
    /// Blocks that are open: which command, and where it stands.
    blocks: Vec<(usize, usize)>,
    labels: Vec<(Vec<u8>, usize)>,
    branches: Vec<(usize, Vec<u8>)>,
}

const NO_COMMAND: &str = "missing command";
const EXTRA: &str = "extra characters after command";
const NO_FILE: &str = "missing filename in r/R/w/W commands";
const LENGTHS: &str = "strings for `y' command are different lengths";
const ENCLOSED: &str = "e/r/w commands disabled in sandbox mode";

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte; past the end of all too, so that places count alike.
    fn next(&mut self) -> Option<u8> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn skip(&mut self, is_meant: fn(u8) -> bool) {
        while self.peek().is_some_and(is_meant) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<u64> {
        let from = self.at;
        let mut number = 0u64;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            number = number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > from).then_some(number)
    }

    fn commands(&mut self) -> Result<(), Wrong> {
        loop {
            self.skip(|byte| is_space(byte) || byte == b';');
            if self.peek().is_none() {
                return Ok(());
            }
            let start = self.at;
            let from = self.address()?;
            let mut to = None;
            if from.is_some() {
                self.skip(is_space);
                if self.peek() == Some(b',') {
                    self.at += 1;
                    self.skip(is_space);
                    to = Some(self.end()?);
                }
            }
            let has_expression_behind = matches!(to, Some(End::Match(_)));
            if matches!(from, Some(Address::Line(0))) && !has_expression_behind {
                self.at += 1;
                return Err("invalid usage of line address 0".into());
            }
            self.skip(is_space);
            let mut is_negated = false;
            while self.peek() == Some(b'!') {
                self.at += 1;
                if is_negated {
                    return Err("multiple `!'s".into());
                }
                is_negated = true;
                self.skip(is_space);
            }
            let range = match from {
                Some(Address::Line(0)) => Range::Active(None),
                _ => Range::Idle,
            };
            let Some(name) = self.next() else {
                self.at -= 1;
                return Err(NO_COMMAND.into());
            };
            let addresses = usize::from(from.is_some()) + usize::from(to.is_some());
            let number = self.commands.len();
            self.commands.push(Command { from, to, is_negated, range, action: Action::Nothing });
            let action = self.action(name, addresses, start)?;
            self.commands[number].action = action;
        }
    }

    /// What is known only when all was read.
    fn complete(&mut self) -> Result<(), Wrong> {
        if let Some((_, start)) = self.blocks.first() {
            return Err(Wrong::Start(start + 1, "unmatched `{'".into()));
        }
        for (number, label) in &self.branches {
            let target = if label.is_empty() {
                self.commands.len()
            } else {
                match self.labels.iter().find(|(known, _)| known == label) {
                    Some((_, target)) => *target,
                    None => {
                        return Err(Wrong::Label(decoded(label).into_owned()));
                    }
                }
            };
            match &mut self.commands[*number].action {
                Action::Branch(to) | Action::BranchIf(to) | Action::BranchUnless(to) => *to = target,
                _ => {}
            }
        }
        Ok(())
    }

    fn address(&mut self) -> Result<Option<Address>, Wrong> {
        Ok(match self.peek() {
            Some(b'0'..=b'9') => {
                let line = self.number().unwrap_or(0);
                self.skip(is_space);
                if self.peek() != Some(b'~') {
                    return Ok(Some(Address::Line(line)));
                }
                self.at += 1;
                self.skip(is_space);
                match self.number().unwrap_or(0) {
                    0 => Some(Address::Line(line)),
                    step => Some(Address::Step(line, step)),
                }
            }
            Some(b'$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some(b'/' | b'\\') => Some(Address::Match(self.match_address()?)),
            Some(b'+' | b'~') => {
                self.at += 2;
                return Err("invalid usage of +N or ~N as first address".into());
            }
            _ => None,
        })
    }

    fn end(&mut self) -> Result<End, Wrong> {
        let kind = self.peek();
        Ok(match kind {
            Some(b'0'..=b'9') => match self.address()? {
                Some(Address::Line(line)) => End::Line(line),
                Some(Address::Step(line, _)) => End::Line(line),
                _ => return Err("unexpected `,'".into()),
            },
            Some(b'$') => {
                self.at += 1;
                End::Last
            }
            Some(b'/' | b'\\') => End::Match(self.match_address()?),
            Some(b'+' | b'~') => {
                self.at += 1;
                let number = self.number().unwrap_or(0);
                if kind == Some(b'+') { End::More(number) } else { End::Multiple(number) }
            }
            _ => {
                self.at += 1;
                return Err("unexpected `,'".into());
            }
        })
    }

    fn match_address(&mut self) -> Result<Pattern, Wrong> {
        let mut delimiter = self.next();
        if delimiter == Some(b'\\') {
            delimiter = self.next();
        }
        let text = delimiter.and_then(|delimiter| self.section(delimiter, true));
        let text = text.ok_or("unterminated address regex")?;
        let (mut folds, mut is_of_lines) = (false, false);
        loop {
            match self.peek() {
                Some(b'I') => folds = true,
                Some(b'M') => is_of_lines = true,
                _ => break,
            }
            self.at += 1;
        }
        self.pattern(&text, folds, is_of_lines)
    }

    fn pattern(&mut self, text: &[u8], folds: bool, is_of_lines: bool) -> Result<Pattern, Wrong> {
        if text.is_empty() {
            if folds || is_of_lines {
                return Err("cannot specify modifiers on empty regexp".into());
            }
            return Ok(None);
        }
        let kind = Kind {
            is_extended: self.manner.is_extended,
            folds,
            is_of_lines,
            end_of_line: self.manner.end_of_line,
            is_of_characters: self.manner.is_of_characters,
        };
        Ok(Some(Rc::new(Expression::new(&unescaped(text), kind)?)))
    }

    /// Up to a delimiter, which goes without its backslash. None if there is none, and if a line ends in an expression.
    fn section(&mut self, delimiter: u8, is_expression: bool) -> Option<Vec<u8>> {
        let mut out = vec![];
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if byte == delimiter {
                return Some(out);
            }
            match byte {
                b'\\' => {
                    let next = self.peek()?;
                    self.at += 1;
                    if next == delimiter {
                        // Alone it would be what was found.
                        if !is_expression && next == b'&' {
                            out.push(b'\\');
                        }
                        out.push(next);
                    } else if next == b'n' && is_expression {
                        out.push(b'\n');
                    } else if next == b'\n' && is_expression {
                        out.push(next);
                    } else {
                        out.extend([b'\\', next]);
                    }
                }
                b'\n' => {
                    // What was read to be told is what is before it.
                    self.at -= 1;
                    return None;
                }
                b'[' if is_expression => {
                    let end = bracket(&self.text[self.at..]);
                    out.push(byte);
                    let Some(end) = end else {
                        let line = self.text[self.at..].iter().position(|byte| *byte == b'\n');
                        self.at = line.map_or(self.text.len(), |line| self.at + line);
                        return None;
                    };
                    out.extend_from_slice(&self.text[self.at..self.at + end]);
                    self.at += end;
                }
                _ => out.push(byte),
            }
        }
    }

    /// Nothing but blanks may follow, or what separates commands.
    fn end_of_command(&mut self) -> Result<(), Wrong> {
        self.skip(|byte| is_space(byte) && byte != b'\n');
        match self.peek() {
            None | Some(b'}' | b'#') => Ok(()),
            Some(b'\n' | b';') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => {
                self.at += 1;
                Err(EXTRA.into())
            }
        }
    }

    fn action(&mut self, name: u8, addresses: usize, start: usize) -> Result<Action, Wrong> {
        let simple = match name {
            b'p' => Action::Print,
            b'P' => Action::PrintFirst,
            b'd' => Action::Delete,
            b'D' => Action::DeleteFirst,
            b'n' => Action::Next,
            b'N' => Action::NextAppended,
            b'h' => Action::Hold,
            b'H' => Action::HoldAppended,
            b'g' => Action::Get,
            b'G' => Action::GetAppended,
            b'x' => Action::Exchange,
            b'=' => Action::Number,
            b'F' => Action::FileName,
            b'z' => Action::Empty,
            _ => Action::Nothing,
        };
        if !matches!(simple, Action::Nothing) {
            self.end_of_command()?;
            return Ok(simple);
        }
        Ok(match name {
            b'{' => {
                self.blocks.push((self.commands.len() - 1, start));
                Action::Block(0)
            }
            b'}' => {
                let Some((open, _)) = self.blocks.pop() else { return Err("unexpected `}'".into()) };
                if addresses > 0 {
                    return Err("} doesn't want any addresses".into());
                }
                self.end_of_command()?;
                self.commands[open].action = Action::Block(self.commands.len());
                Action::Nothing
            }
            b'#' => {
                if addresses > 0 {
                    return Err("comments don't accept any addresses".into());
                }
                self.skip(|byte| byte != b'\n');
                Action::Nothing
            }
            b':' => {
                if addresses > 0 {
                    return Err(": doesn't want any addresses".into());
                }
                let label = self.label();
                if label.is_empty() {
                    return Err("\":\" lacks a label".into());
                }
                self.labels.push((label, self.commands.len()));
                Action::Nothing
            }
            b'b' | b't' | b'T' => {
                let label = self.label();
                self.branches.push((self.commands.len() - 1, label));
                match name {
                    b'b' => Action::Branch(0),
                    b't' => Action::BranchIf(0),
                    _ => Action::BranchUnless(0),
                }
            }
            b'a' | b'i' | b'c' => {
                let text = self.given_text()?;
                match name {
                    b'a' => Action::Append(text),
                    b'i' => Action::Insert(text),
                    _ => Action::Change(text),
                }
            }
            b'l' => {
                self.skip(is_blank);
                let width = self.number().map(|width| width.min(1 << 20) as usize);
                self.end_of_command()?;
                Action::List(width)
            }
            b'q' | b'Q' => {
                if addresses > 1 {
                    return Err("command only uses one address".into());
                }
                self.skip(is_blank);
                let status = self.number().map_or(0, |status| (status & 0xff) as i32);
                self.end_of_command()?;
                if name == b'q' { Action::Quit(status) } else { Action::QuitSilently(status) }
            }
            b'r' => Action::ReadFile(self.file_name()?),
            b'R' => {
                let name = self.file_name()?;
                Action::ReadLine(index(&mut self.inputs, name))
            }
            b'w' | b'W' => {
                let file = self.file_name()?;
                let output = index(&mut self.outputs, file);
                if name == b'w' { Action::Write(output) } else { Action::WriteFirst(output) }
            }
            b's' => self.substitute()?,
            b'y' => self.translate()?,
            b'e' if self.manner.is_enclosed => return Err(ENCLOSED.into()),
            b'e' => return Err("`e' is not supported here: sed starts no commands".into()),
            b'v' => {
                let from = self.at;
                self.skip(|byte| !is_space(byte) && byte != b';');
                self.skip(is_blank);
                self.skip(|byte| byte.is_ascii_digit() || byte == b'.');
                if self.text[from..self.at].trim_ascii() > b"4.9".as_slice() {
                    return Err("expected newer version of sed".into());
                }
                self.end_of_command()?;
                Action::Nothing
            }
            b'\n' => return Err(NO_COMMAND.into()),
            _ => {
                let mut end = self.at;
                while self.text.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    end += 1;
                }
                let name = decoded(&self.text[self.at - 1..end]);
                return Err(Wrong::Here(format!("unknown command: `{name}'")));
            }
        })
    }

    fn label(&mut self) -> Vec<u8> {
        self.skip(is_blank);
        let from = self.at;
        self.skip(|byte| !is_space(byte) && byte != b';' && byte != b'}');
        self.text[from..self.at].to_vec()
    }

    fn file_name(&mut self) -> Result<String, Wrong> {
        if self.manner.is_enclosed {
            return Err(ENCLOSED.into());
        }
        self.skip(is_blank);
        let from = self.at;
        self.skip(|byte| byte != b'\n');
        if self.at == from {
            return Err(NO_FILE.into());
        }
        Ok(decoded(&self.text[from..self.at]).into_owned())
    }

    /// The text of `a`, `i` and `c`.
    fn given_text(&mut self) -> Result<Vec<u8>, Wrong> {
        self.skip(is_blank);
        match self.peek() {
            None | Some(b'\n') => return Err("expected \\ after `a', `c' or `i'".into()),
            Some(b'\\') => {
                self.at += 1;
                let after = self.at;
                self.skip(is_blank);
                match self.peek() {
                    None => return Ok(vec![]),
                    Some(b'\n') => self.at += 1,
                    // Blanks behind it are of the text.
                    Some(_) => self.at = after,
                }
            }
            // Of the first letter no backslash is left.
            Some(_) => {}
        }
        let mut out = vec![];
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\n' => break,
                b'\\' => match self.peek() {
                    None => {}
                    Some(b'\n') => {
                        self.at += 1;
                        out.push(b'\n');
                    }
                    Some(next) => {
                        self.at += 1;
                        match escape(next, &self.text[self.at..]) {
                            Some((byte, taken)) => {
                                self.at += taken;
                                out.push(byte);
                            }
                            None => out.push(next),
                        }
                    }
                },
                _ => out.push(byte),
            }
        }
        out.push(b'\n');
        Ok(out)
    }

    fn substitute(&mut self) -> Result<Action, Wrong> {
        const OPEN: &str = "unterminated `s' command";
        let delimiter = self.next().ok_or(OPEN)?;
        let text = self.section(delimiter, true).ok_or(OPEN)?;
        // A line's end with a backslash before it is one of what is put there.
        let with = self.section(delimiter, false).ok_or(OPEN)?;
        let (mut folds, mut is_of_lines, mut is_printed, mut is_everywhere) = (false, false, false, false);
        let (mut number, mut output) = (None, None);
        loop {
            let Some(flag) = self.next() else {
                self.at -= 1;
                break;
            };
            match flag {
                b'i' | b'I' => folds = true,
                b'm' | b'M' => is_of_lines = true,
                b'e' if self.manner.is_enclosed => return Err(ENCLOSED.into()),
                b'e' => return Err("`e' is not supported here: sed starts no commands".into()),
                b'p' if is_printed => return Err("multiple `p' options to `s' command".into()),
                b'p' => is_printed = true,
                b'g' if is_everywhere => return Err("multiple `g' options to `s' command".into()),
                b'g' => is_everywhere = true,
                b'0'..=b'9' => {
                    self.at -= 1;
                    let given = self.number().unwrap_or(0);
                    if number.is_some() {
                        return Err("multiple number options to `s' command".into());
                    }
                    if given == 0 {
                        return Err("number option to `s' command may not be zero".into());
                    }
                    number = Some(given as usize);
                }
                b'w' => {
                    let name = self.file_name()?;
                    output = Some(index(&mut self.outputs, name));
                    break;
                }
                b'}' | b'#' => {
                    self.at -= 1;
                    break;
                }
                b'\n' | b';' => break,
                flag if is_space(flag) => {}
                _ => return Err("unknown option to `s'".into()),
            }
        }
        let pattern = self.pattern(&text, folds, is_of_lines)?;
        let parts = parts(&with);
        let most = parts.iter().map(|part| if let Part::Group(number) = part { *number } else { 0 }).max();
        let most = most.unwrap_or(0);
        if let Some(pattern) = &pattern
            && most > pattern.groups
        {
            return Err(Wrong::Here(format!("invalid reference \\{most} on `s' command's RHS")));
        }
        Ok(Action::Substitute(Box::new(Substitute {
            pattern,
            parts,
            is_everywhere,
            number: number.unwrap_or(1),
            is_printed,
            output,
            needs_groups: most > 0,
        })))
    }

    fn translate(&mut self) -> Result<Action, Wrong> {
        const OPEN: &str = "unterminated `y' command";
        let delimiter = self.next().ok_or(OPEN)?;
        let from = self.section(delimiter, false).ok_or(OPEN)?;
        let to = self.section(delimiter, false).ok_or(OPEN)?;
        self.end_of_command()?;
        let (from, to) = (table_side(&from).ok_or(LENGTHS)?, table_side(&to).ok_or(LENGTHS)?);
        let sides = if self.manner.is_of_characters && !(from.is_ascii() && to.is_ascii()) {
            std::str::from_utf8(&from).ok().zip(std::str::from_utf8(&to).ok())
        } else {
            None
        };
        if let Some((from, to)) = sides {
            if from.chars().count() != to.chars().count() {
                return Err(LENGTHS.into());
            }
            return Ok(Action::Translate(Table::Characters(from.chars().zip(to.chars()).collect())));
        }
        if from.len() != to.len() {
            return Err(LENGTHS.into());
        }
        let mut table = [0; 256];
        for (number, byte) in (0..=u8::MAX).zip(&mut table) {
            *byte = number;
        }
        // Of a letter that is named twice the first is meant.
        for (from, to) in from.iter().zip(to).rev() {
            table[usize::from(*from)] = to;
        }
        Ok(Action::Translate(Table::Bytes(Box::new(table))))
    }
}

fn index(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// How long a bracket expression is whose opening is before this; none if it does not end in its line.
fn bracket(text: &[u8]) -> Option<usize> {
    let mut at = usize::from(text.first() == Some(&b'^'));
    at += usize::from(text.get(at) == Some(&b']'));
    loop {
        match text.get(at)? {
            b']' => return Some(at + 1),
            b'\n' => return None,
            b'[' if text.get(at + 1).is_some_and(|kind| b":.=".contains(kind)) => {
                let kind = text[at + 1];
                let rest = &text[at + 2..];
                let end = rest.windows(2).position(|pair| pair == [kind, b']']);
                match end {
                    Some(end) => at += end + 4,
                    None => at += 1,
                }
            }
            _ => at += 1,
        }
    }
}

/// The byte that an escape stands for whose letter has been read, and how much of what follows belongs to it.
fn escape(letter: u8, rest: &[u8]) -> Option<(u8, usize)> {
    let number = |base: u32, most: usize| {
        let digits = rest.iter().take(most).take_while(|digit| char::from(**digit).is_digit(base)).count();
        let text = std::str::from_utf8(&rest[..digits]).ok()?;
        let value = u32::from_str_radix(text, base).ok()?;
        Some((value as u8, digits))
    };
    match letter {
        b'a' => Some((0x07, 0)),
        b'f' => Some((0x0c, 0)),
        b'n' => Some((b'\n', 0)),
        b'r' => Some((b'\r', 0)),
        b't' => Some((b'\t', 0)),
        b'v' => Some((0x0b, 0)),
        b'c' => rest.first().map(|control| (control.to_ascii_uppercase() ^ 0x40, 1)),
        b'd' => number(10, 3),
        b'o' => number(8, 3),
        b'x' => number(16, 2),
        _ => None,
    }
}

/// An expression with the letters that escapes in it stand for. A backslash made so is one that stands for itself.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut at, mut until) = (0, 0);
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte == b'[' && at > until {
            // A backslash in a set takes nothing with it.
            until = bracket(&text[at..]).map_or(at, |length| at + length);
        }
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&next) = text.get(at) else {
            out.push(byte);
            break;
        };
        match escape(next, &text[at + 1..]) {
            Some((made, taken)) => {
                if made == b'\\' {
                    out.push(b'\\');
                }
                out.push(made);
                at += 1 + taken;
            }
            None if at < until => out.push(byte),
            None => {
                out.extend([byte, next]);
                at += 1;
            }
        }
    }
    out
}

fn parts(text: &[u8]) -> Vec<Part> {
    let mut out = vec![];
    let mut literal = vec![];
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let part = match byte {
            b'&' => Part::Group(0),
            b'\\' => {
                let Some(&next) = text.get(at) else {
                    literal.push(byte);
                    break;
                };
                at += 1;
                match next {
                    b'0'..=b'9' => Part::Group(usize::from(next - b'0')),
                    b'U' => Part::Case(Case::Upper),
                    b'L' => Part::Case(Case::Lower),
                    b'E' => Part::Case(Case::Kept),
                    b'u' => Part::Case(Case::UpperOnce),
                    b'l' => Part::Case(Case::LowerOnce),
                    _ => {
                        match escape(next, &text[at..]) {
                            Some((made, taken)) => {
                                literal.push(made);
                                at += taken;
                            }
                            None => literal.push(next),
                        }
                        continue;
                    }
                }
            }
            _ => {
                literal.push(byte);
                continue;
            }
        };
        if !literal.is_empty() {
            out.push(Part::Text(std::mem::take(&mut literal)));
        }
        out.push(part);
    }
    if !literal.is_empty() {
        out.push(Part::Text(literal));
    }
    out
}

/// One of the texts of `y`; none if a backslash is before a letter that needs none.
fn table_side(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![];
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let next = *text.get(at)?;
        at += 1;
        match next {
            b'\\' | b'\n' => out.push(next),
            _ => {
                let (made, taken) = escape(next, &text[at..])?;
                out.push(made);
                at += taken;
            }
        }
    }
    Some(out)
}
