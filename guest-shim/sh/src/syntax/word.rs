//! Takes the text of a word apart: quotes, expansions, tildes.

use std::rc::Rc;

use crate::bytes;

use super::{
    SyntaxError, dialect,
    extent::{Extent, is_name_start},
    reader::Reader,
    tree::{
        Assigned, Assignment, Element, Operation, Parameter, Piece, Place, Subscript, Substitution, Word,
    },
};

/// Where tildes are expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tildes {
    AtStart,
    /// Also after each colon, as in the value of an assignment.
    AfterColons,
    Nowhere,
}

/// What ends the part being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    Brace,
    /// `}` or `/`: the pattern of `${x/pattern/replacement}`.
    BraceOrSlash,
    /// `}` or `:`: the offset of `${x:offset:length}`.
    BraceOrColon,
}

impl Until {
    fn stops(self, byte: u8) -> bool {
        match self {
            Until::End => false,
            Until::Brace => byte == b'}',
            Until::BraceOrSlash => matches!(byte, b'}' | b'/'),
            Until::BraceOrColon => matches!(byte, b'}' | b':'),
        }
    }
}

/// A word as it stands in a script.
pub fn word(text: &str, line: u32, depth: usize, tildes: Tildes) -> Result<Word, SyntaxError> {
    let mut parser = Parser::new(text, line, depth);
    parser.assigns = tildes == Tildes::AfterColons;
    parser.unquoted(Until::End, tildes).map(Word)
}

/// The assignment that a word of bash's language is, if it is one.
pub fn assignment(text: &str, line: u32, depth: usize) -> Result<Option<Assignment>, SyntaxError> {
    let extent = Extent { text, first_line: line, depth };
    let Some(value) = extent.assigned_value(0)? else { return Ok(None) };
    let target = &text[..value - 1];
    let (target, append) = match target.strip_suffix('+') {
        Some(target) => (target, true),
        None => (target, false),
    };
    let (name, subscript) = match target.split_once('[') {
        Some((name, subscript)) => {
            let subscript = subscript.strip_suffix(']').unwrap_or(subscript);
            (name, Some(word(subscript, line, depth, Tildes::Nowhere)?))
        }
        None => (target, None),
    };
    let value = if extent.byte(value) == Some(b'(') {
        Assigned::Array(elements(extent, value + 1, text.len().saturating_sub(1))?)
    } else {
        Assigned::Word(word(&text[value..], line, depth, Tildes::AfterColons)?)
    };
    Ok(Some(Assignment { name: name.to_owned(), subscript, append, value }))
}

/// What stands between the parentheses of an array's values.
fn elements(extent: Extent<'_>, start: usize, end: usize) -> Result<Vec<Element>, SyntaxError> {
    let mut elements = Vec::new();
    let mut at = extent.between_words(start);
    while at < end {
        let line = extent.line(at);
        let element = match (extent.byte(at), extent.text.as_bytes().get(at..)) {
            (Some(b'['), Some(_)) => extent.subscript(at + 1)?.and_then(|after| {
                let append = extent.byte(after) == Some(b'+');
                let equals = after + usize::from(append);
                (extent.byte(equals) == Some(b'=')).then_some((after, append, equals + 1))
            }),
            _ => None,
        };
        let value = element.map_or(at, |(_, _, value)| value);
        let after =
            extent.word(value, false, false, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b')'))?.min(end);
        let text = extent.text.get(value..after).unwrap_or_default();
        let (subscript, append) = match element {
            Some((close, append, _)) => {
                let subscript = extent.text.get(at + 1..close - 1).unwrap_or_default();
                (Some(word(subscript, line, extent.depth, Tildes::Nowhere)?), append)
            }
            None => (None, false),
        };
        if after == at {
            return Err(SyntaxError::new(line, "\"(\" unexpected"));
        }
        let tildes = if subscript.is_some() { Tildes::AfterColons } else { Tildes::AtStart };
        elements.push(Element { subscript, append, value: word(text, line, extent.depth, tildes)? });
        at = extent.between_words(after);
    }
    Ok(elements)
}

/// Text that is expanded as between double quotes, in which a double quote itself is an ordinary character: a
/// here-document, an arithmetic expression.
pub fn expanded_text(text: &str, line: u32, depth: usize) -> Result<Word, SyntaxError> {
    let mut parser = Parser::new(text, line, depth);
    parser.quoted(Closing::None).map(Word)
}

/// What ends text between double quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    Quote,
    Brace,
    None,
}

struct Parser<'a> {
    extent: Extent<'a>,
    at: usize,
    /// What is read is the value of an assignment.
    assigns: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, first_line: u32, depth: usize) -> Self {
        Parser { extent: Extent { text, first_line, depth }, at: 0, assigns: false }
    }

    fn byte(&self) -> Option<u8> {
        self.extent.byte(self.at)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.extent.text.get(start..end).unwrap_or_default()
    }

    /// The character here, moving over it.
    fn character(&mut self) -> Option<char> {
        let character = self.extent.text.get(self.at..)?.chars().next()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn unquoted(&mut self, until: Until, tildes: Tildes) -> Result<Vec<Piece>, SyntaxError> {
        let mut pieces = Vec::new();
        if tildes != Tildes::Nowhere {
            pieces.extend(self.tilde(until, tildes));
        }
        while let Some(byte) = self.byte() {
            if until.stops(byte) {
                break;
            }
            match byte {
                b'\\' => {
                    self.at += 1;
                    match self.character() {
                        Some('\n') => {}
                        Some(character) => add_quoted(&mut pieces, character),
                        None => add_quoted(&mut pieces, '\\'),
                    }
                }
                b'\'' => {
                    let end = self.extent.single_quote(self.at + 1)?;
                    pieces.push(Piece::Quoted(self.slice(self.at + 1, end - 1).to_owned()));
                    self.at = end;
                }
                b'"' => {
                    self.at += 1;
                    pieces.push(Piece::DoubleQuoted(self.quoted(Closing::Quote)?));
                }
                b'$' if self.extent.byte(self.at + 1) == Some(b'\'') => {
                    let end = self.extent.ansi_quote(self.at + 2)?;
                    pieces.push(Piece::Quoted(unescape_ansi(self.slice(self.at + 2, end - 1))));
                    self.at = end;
                }
                b'$' if self.extent.byte(self.at + 1) == Some(b'"') => self.at += 1,
                b'$' => match self.dollar(false)? {
                    Some(piece) => pieces.push(piece),
                    None => add_text(&mut pieces, '$'),
                },
                b'`' => pieces.push(self.backquote(false)?),
                b'<' | b'>' if self.extent.byte(self.at + 1) == Some(b'(') => {
                    pieces.push(self.process(byte == b'>')?);
                }
                _ => {
                    let Some(character) = self.character() else { break };
                    add_text(&mut pieces, character);
                    if character == ':' && tildes == Tildes::AfterColons {
                        pieces.extend(self.tilde(until, tildes));
                    }
                }
            }
        }
        Ok(pieces)
    }

    fn quoted(&mut self, closing: Closing) -> Result<Vec<Piece>, SyntaxError> {
        let mut pieces = Vec::new();
        loop {
            let Some(byte) = self.byte() else {
                if closing == Closing::None {
                    return Ok(pieces);
                }
                return Err(SyntaxError::incomplete(self.extent.line(self.at), "Unterminated quoted string"));
            };
            match byte {
                b'"' if closing == Closing::Quote => {
                    self.at += 1;
                    return Ok(pieces);
                }
                b'}' if closing == Closing::Brace => return Ok(pieces),
                b'"' if closing == Closing::Brace => {
                    self.at += 1;
                    pieces.push(Piece::DoubleQuoted(self.quoted(Closing::Quote)?));
                }
                b'\\' => {
                    self.at += 1;
                    match self.byte() {
                        Some(b'\n') => self.at += 1,
                        Some(escaped @ (b'$' | b'`' | b'\\')) => self.escaped(&mut pieces, escaped),
                        Some(b'"') if closing != Closing::None => self.escaped(&mut pieces, b'"'),
                        Some(b'}') if closing == Closing::Brace => self.escaped(&mut pieces, b'}'),
                        _ => add_text(&mut pieces, '\\'),
                    }
                }
                b'$' => match self.dollar(true)? {
                    Some(piece) => pieces.push(piece),
                    None => add_text(&mut pieces, '$'),
                },
                b'`' => pieces.push(self.backquote(closing == Closing::Quote)?),
                _ => match self.character() {
                    Some(character) => add_text(&mut pieces, character),
                    None => return Ok(pieces),
                },
            }
        }
    }

    fn escaped(&mut self, pieces: &mut Vec<Piece>, byte: u8) {
        self.at += 1;
        add_text(pieces, char::from(byte));
    }

    /// `~` or `~name` here, up to a slash, a colon where those matter, or the end.
    fn tilde(&mut self, until: Until, tildes: Tildes) -> Option<Piece> {
        if self.byte() != Some(b'~') {
            return None;
        }
        let mut end = self.at + 1;
        while let Some(byte) = self.extent.byte(end) {
            let ends = byte == b'/' || (byte == b':' && tildes == Tildes::AfterColons) || until.stops(byte);
            if ends {
                break;
            }
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+')) {
                return None;
            }
            end += 1;
        }
        let name = self.slice(self.at + 1, end).to_owned();
        self.at = end;
        Some(Piece::Tilde(name))
    }

    /// What a `$` here introduces; none when it is an ordinary character, which is then passed.
    fn dollar(&mut self, in_double_quotes: bool) -> Result<Option<Piece>, SyntaxError> {
        let start = self.at;
        match self.extent.byte(start + 1) {
            Some(b'(') => self.parenthesis().map(Some),
            Some(b'{') => self.braces(in_double_quotes).map(Some),
            Some(b'[') => self.old_arithmetic().map(Some),
            Some(byte) if is_name_start(byte) => {
                let (name, end) = self.extent.parameter_name(start + 1);
                self.at = end;
                Ok(Some(plain(name)))
            }
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.at = start + 2;
                Ok(Some(plain(self.slice(start + 1, start + 2))))
            }
            _ => {
                self.at += 1;
                Ok(None)
            }
        }
    }

    fn parenthesis(&mut self) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let inner = self.extent.deeper(start)?;
        let line = inner.line(start);
        if let Some(end) = inner.arithmetic(start + 2)? {
            self.at = end;
            return Ok(Piece::Arithmetic(expanded_text(self.slice(start + 3, end - 2), line, inner.depth)?));
        }
        let end = inner.command(start + 2)?;
        self.at = end;
        substitution(self.slice(start + 2, end - 1), line, inner.depth)
    }

    /// `$[...]`, as `$((...))` was written once.
    fn old_arithmetic(&mut self) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let inner = self.extent.deeper(start)?;
        let Some(end) = inner.subscript(start + 2)? else {
            self.at += 1;
            return Ok(Piece::Text("$".to_owned()));
        };
        self.at = end;
        let text = self.slice(start + 2, end - 1);
        Ok(Piece::Arithmetic(expanded_text(text, inner.line(start), inner.depth)?))
    }

    /// Where the offset of `${x:offset:length}` ends when a length follows: its own conditions have colons too.
    fn offset_end(&self) -> Result<Option<usize>, SyntaxError> {
        let (mut at, mut depth, mut conditions) = (self.at, 0usize, 0usize);
        loop {
            match self.extent.byte(at) {
                None | Some(b'}') => return Ok(None),
                Some(b'(' | b'[') => depth += 1,
                Some(b')' | b']') => depth = depth.saturating_sub(1),
                Some(b'?') => conditions += 1,
                Some(b':') if conditions > 0 => conditions -= 1,
                Some(b':') if depth == 0 => return Ok(Some(at)),
                Some(_) => {}
            }
            at = self.extent.step(at)?;
        }
    }

    /// A process substitution.
    fn process(&mut self, writes: bool) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let inner = self.extent.deeper(start)?;
        let end = inner.command(start + 2)?;
        self.at = end;
        match substitution(self.slice(start + 2, end - 1), inner.line(start), inner.depth)? {
            Piece::Command(list) => Ok(Piece::Process { writes, list }),
            other => Ok(other),
        }
    }

    fn backquote(&mut self, in_double_quotes: bool) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let inner = self.extent.deeper(start)?;
        let end = inner.backquote(start + 1)?;
        self.at = end;
        let mut command = String::new();
        let mut characters = self.slice(start + 1, end - 1).chars().peekable();
        while let Some(character) = characters.next() {
            let protects =
                |next: &char| matches!(next, '$' | '`' | '\\') || (in_double_quotes && *next == '"');
            match (character, characters.peek()) {
                ('\\', Some(next)) if protects(next) => command.extend(characters.next()),
                _ => command.push(character),
            }
        }
        substitution(&command, inner.line(start), inner.depth)
    }

    fn braces(&mut self, in_double_quotes: bool) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let inner = self.extent.deeper(start)?;
        let end = inner.braces(start + 2, in_double_quotes)?;
        let (name, operator) = inner.parameter_name(start + 2);
        notice(name);
        // `${#x}` is a length, `${#}` and `${#-word}` are the number of parameters.
        let mut parameter = None;
        if name == "#" && operator + 1 != end {
            let (measured, after) = inner.parameter_name(operator);
            let (subscript, after) = self.subscript(inner, measured, after)?;
            if !measured.is_empty() && after + 1 == end {
                let operation = Operation::Length;
                parameter =
                    Some(Parameter { name: measured.to_owned(), subscript, indirect: false, operation });
            }
        } else if name == "!" {
            parameter = self.indirect(inner, operator, end, in_double_quotes)?;
        }
        let parameter = match parameter {
            Some(parameter) => parameter,
            None => {
                let (subscript, operator) = self.subscript(inner, name, operator)?;
                let operation = self.operation(inner, name, operator, end, in_double_quotes)?;
                Parameter { name: name.to_owned(), subscript, indirect: false, operation }
            }
        };
        self.at = end;
        Ok(Piece::Parameter(Box::new(parameter)))
    }

    /// What follows `${!`; none where `!` itself is the parameter.
    fn indirect(
        &self,
        extent: Extent<'a>,
        start: usize,
        end: usize,
        in_double_quotes: bool,
    ) -> Result<Option<Parameter>, SyntaxError> {
        let (name, after) = extent.parameter_name(start);
        if name.is_empty()
            || (!name.as_bytes().first().is_some_and(|byte| is_name_start(*byte) || byte.is_ascii_digit())
                && after + 1 != end)
        {
            return Ok(None);
        }
        let (subscript, operator) = self.subscript(extent, name, after)?;
        let (indirect, operation) = match (self.slice(operator, end - 1), &subscript) {
            ("", Some(Subscript::All | Subscript::Joined)) => (false, Operation::Subscripts),
            (rest @ ("@" | "*"), None) => (false, Operation::Names { joined: rest == "*" }),
            _ => (true, self.operation(extent, name, operator, end, in_double_quotes)?),
        };
        Ok(Some(Parameter { name: name.to_owned(), subscript, indirect, operation }))
    }

    /// The subscript after the name of a parameter, and where what follows begins.
    fn subscript(
        &self,
        extent: Extent<'a>,
        name: &str,
        at: usize,
    ) -> Result<(Option<Subscript>, usize), SyntaxError> {
        let is_variable = name.as_bytes().first().is_some_and(|byte| is_name_start(*byte));
        if !is_variable || extent.byte(at) != Some(b'[') {
            return Ok((None, at));
        }
        let Some(after) = extent.subscript(at + 1)? else { return Ok((None, at)) };
        let subscript = match self.slice(at + 1, after - 1) {
            "@" => Subscript::All,
            "*" => Subscript::Joined,
            text => Subscript::Element(word(text, extent.line(at), extent.depth, Tildes::Nowhere)?),
        };
        Ok((Some(subscript), after))
    }

    /// What stands between the name and the closing brace, which is at `end - 1`.
    fn operation(
        &self,
        extent: Extent<'a>,
        name: &str,
        operator: usize,
        end: usize,
        in_double_quotes: bool,
    ) -> Result<Operation, SyntaxError> {
        let text = self.slice(operator, end - 1);
        // The word is read from the whole text, so that lines are counted from its start.
        let mut parser = Parser { extent, at: operator, assigns: self.assigns };
        let operation = if name.is_empty() {
            Operation::Bad(text.to_owned())
        } else {
            parser.operator(text, in_double_quotes)?
        };
        if parser.at + 1 != end && !matches!(operation, Operation::Bad(_)) {
            return Ok(Operation::Bad(text.to_owned()));
        }
        Ok(operation)
    }

    fn operator(&mut self, text: &str, in_double_quotes: bool) -> Result<Operation, SyntaxError> {
        let colon = text.starts_with(':');
        let bytes = text.as_bytes();
        if bytes.is_empty() {
            return Ok(Operation::Value);
        }
        let symbol = bytes.get(usize::from(colon)).copied();
        if let Some(symbol @ (b'-' | b'=' | b'?' | b'+')) = symbol {
            self.at += 1 + usize::from(colon);
            let word = Word(if in_double_quotes {
                self.quoted(Closing::Brace)?
            } else {
                let tildes = if self.assigns { Tildes::AfterColons } else { Tildes::AtStart };
                self.unquoted(Until::Brace, tildes)?
            });
            return Ok(match symbol {
                b'-' => Operation::Default { colon, word },
                b'=' => Operation::Assign { colon, word },
                b'+' => Operation::Alternative { colon, word },
                _ => Operation::Error { colon, word: (!word.0.is_empty()).then_some(word) },
            });
        }
        let doubled = bytes.get(1) == bytes.first();
        match bytes[0] {
            b'%' | b'#' => {
                self.at += 1 + usize::from(doubled);
                let pattern = Word(self.unquoted(Until::Brace, Tildes::AtStart)?);
                Ok(if bytes[0] == b'%' {
                    Operation::RemoveSuffix { longest: doubled, pattern }
                } else {
                    Operation::RemovePrefix { longest: doubled, pattern }
                })
            }
            b'/' => {
                let place = match bytes.get(1) {
                    Some(b'/') => Place::All,
                    Some(b'#') => Place::Start,
                    Some(b'%') => Place::End,
                    _ => Place::First,
                };
                self.at += 1 + usize::from(place != Place::First);
                // A slash at its start belongs to the pattern.
                let slash = place == Place::All && self.byte() == Some(b'/');
                self.at += usize::from(slash);
                let mut pattern = Word(self.unquoted(Until::BraceOrSlash, Tildes::AtStart)?);
                if slash {
                    pattern.0.insert(0, Piece::Text("/".to_owned()));
                }
                let replacement = if self.byte() == Some(b'/') {
                    self.at += 1;
                    Word(self.unquoted(Until::Brace, Tildes::AtStart)?)
                } else {
                    Word::default()
                };
                Ok(Operation::Replace { pattern, replacement, place })
            }
            b':' => {
                self.at += 1;
                let offset = match self.offset_end()? {
                    Some(end) => {
                        let text = self.slice(self.at, end);
                        let line = self.extent.line(self.at);
                        self.at = end;
                        word(text, line, self.extent.depth, Tildes::Nowhere)?
                    }
                    _ => Word(self.unquoted(Until::BraceOrColon, Tildes::Nowhere)?),
                };
                let length = if self.byte() == Some(b':') {
                    self.at += 1;
                    Some(Word(self.unquoted(Until::Brace, Tildes::Nowhere)?))
                } else {
                    None
                };
                Ok(Operation::Substring { offset, length })
            }
            b'^' | b',' => {
                self.at += 1 + usize::from(doubled);
                let pattern = Word(self.unquoted(Until::Brace, Tildes::Nowhere)?);
                let pattern = (!pattern.0.is_empty()).then_some(pattern);
                Ok(Operation::Case { upper: bytes[0] == b'^', all: doubled, pattern })
            }
            b'@' if bytes.len() == 2 => {
                self.at += 2;
                Ok(Operation::Transform(char::from(bytes[1])))
            }
            _ => Ok(Operation::Bad(text.to_owned())),
        }
    }
}

fn plain(name: &str) -> Piece {
    notice(name);
    Piece::Parameter(Box::new(Parameter {
        name: name.to_owned(),
        subscript: None,
        indirect: false,
        operation: Operation::Value,
    }))
}

/// Some parameters ask for something of the shell.
fn notice(name: &str) {
    if name == "BASHPID" {
        dialect::tell_processes_apart();
    }
}

fn substitution(text: &str, line: u32, depth: usize) -> Result<Piece, SyntaxError> {
    let list = Reader::nested(text, line, depth)
        .rest()
        .map_err(|error| SyntaxError { incomplete: false, ..error })?;
    Ok(Piece::Command(Substitution(Rc::new(list))))
}

fn add_text(pieces: &mut Vec<Piece>, character: char) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(character),
        _ => pieces.push(Piece::Text(character.into())),
    }
}

fn add_quoted(pieces: &mut Vec<Piece>, character: char) {
    pieces.push(Piece::Quoted(character.into()));
}

/// The text of `$'...'`.
pub fn unescape_ansi(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        result.push_str(&rest[..at]);
        let mut characters = rest[at + 1..].chars();
        let Some(escape) = characters.next() else {
            result.push('\\');
            return result;
        };
        let after = characters.as_str();
        rest = after;
        match escape {
            'a' => result.push('\u{7}'),
            'b' => result.push('\u{8}'),
            'e' | 'E' => result.push('\u{1b}'),
            'f' => result.push('\u{c}'),
            'n' => result.push('\n'),
            'r' => result.push('\r'),
            't' => result.push('\t'),
            'v' => result.push('\u{b}'),
            '\\' | '\'' | '"' | '?' => result.push(escape),
            'x' => {
                let (value, remaining) = number(16, after, 2);
                push_byte(&mut result, value);
                rest = remaining;
            }
            'u' | 'U' => {
                let (value, remaining) = number(16, after, if escape == 'u' { 4 } else { 8 });
                result.extend(value.and_then(char::from_u32));
                rest = remaining;
            }
            '0'..='7' => {
                let (value, remaining) = number(8, rest_from(text, after, 1), 3);
                push_byte(&mut result, value);
                rest = remaining;
            }
            'c' => {
                let mut following = after.chars();
                if let Some(letter) = following.next() {
                    result.push(char::from((letter.to_ascii_uppercase() as u32 as u8) & 0x1f));
                    rest = following.as_str();
                }
            }
            _ => {
                result.push('\\');
                result.push(escape);
            }
        }
    }
    result.push_str(rest);
    // A NUL ends the text in a shell that keeps it as C does.
    if let Some(end) = result.find('\0') {
        result.truncate(end);
    }
    bytes::join(result)
}

fn push_byte(text: &mut String, value: Option<u32>) {
    if let Some(value) = value {
        bytes::push(text, value as u8);
    }
}

/// The number that begins `text`, and what follows it.
fn number(radix: u32, text: &str, most: usize) -> (Option<u32>, &str) {
    let length = text.bytes().take(most).take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let value = u32::from_str_radix(&text[..length], radix).ok();
    (value, &text[length..])
}

/// `after` extended to the front by `bytes` of the `text` it is the end of.
fn rest_from<'a>(text: &'a str, after: &str, bytes: usize) -> &'a str {
    &text[text.len() - after.len() - bytes..]
}
