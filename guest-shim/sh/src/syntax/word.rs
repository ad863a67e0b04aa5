//! Takes the text of a word apart: quotes, expansions, tildes.

use std::rc::Rc;

use super::{
    SyntaxError,
    extent::{Extent, is_name_start},
    reader::Reader,
    tree::{Operation, Parameter, Piece, Place, Substitution, Word},
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
    parser.unquoted(Until::End, tildes).map(Word)
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
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, first_line: u32, depth: usize) -> Self {
        Parser { extent: Extent { text, first_line, depth }, at: 0 }
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
        // `${#x}` is a length, `${#}` and `${#-word}` are the number of parameters.
        let parameter = if name == "#" && operator + 1 != end {
            let (measured, after) = inner.parameter_name(operator);
            if !measured.is_empty() && after + 1 == end {
                Parameter { name: measured.to_owned(), operation: Operation::Length }
            } else {
                self.operation(inner, name, operator, end, in_double_quotes)?
            }
        } else {
            self.operation(inner, name, operator, end, in_double_quotes)?
        };
        self.at = end;
        Ok(Piece::Parameter(Box::new(parameter)))
    }

    /// What stands between the name and the closing brace, which is at `end - 1`.
    fn operation(
        &self,
        extent: Extent<'a>,
        name: &str,
        operator: usize,
        end: usize,
        in_double_quotes: bool,
    ) -> Result<Parameter, SyntaxError> {
        let text = self.slice(operator, end - 1);
        // The word is read from the whole text, so that lines are counted from its start.
        let mut parser = Parser { extent, at: operator };
        let operation = if name.is_empty() {
            Operation::Bad(text.to_owned())
        } else {
            parser.operator(text, in_double_quotes)?
        };
        if parser.at + 1 != end && !matches!(operation, Operation::Bad(_)) {
            return Ok(Parameter { name: name.to_owned(), operation: Operation::Bad(text.to_owned()) });
        }
        Ok(Parameter { name: name.to_owned(), operation })
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
                self.unquoted(Until::Brace, Tildes::AtStart)?
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
                let pattern = Word(self.unquoted(Until::BraceOrSlash, Tildes::Nowhere)?);
                let replacement = if self.byte() == Some(b'/') {
                    self.at += 1;
                    Word(self.unquoted(Until::Brace, Tildes::Nowhere)?)
                } else {
                    Word::default()
                };
                Ok(Operation::Replace { pattern, replacement, place })
            }
            b':' => {
                self.at += 1;
                let offset = Word(self.unquoted(Until::BraceOrColon, Tildes::Nowhere)?);
                let length = if self.byte() == Some(b':') {
                    self.at += 1;
                    Some(Word(self.unquoted(Until::Brace, Tildes::Nowhere)?))
                } else {
                    None
                };
                Ok(Operation::Substring { offset, length })
            }
            _ => Ok(Operation::Bad(text.to_owned())),
        }
    }
}

fn plain(name: &str) -> Piece {
    Piece::Parameter(Box::new(Parameter { name: name.to_owned(), operation: Operation::Value }))
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
fn unescape_ansi(text: &str) -> String {
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
            'x' | 'u' | 'U' => {
                let most = match escape {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let (character, remaining) = number(16, after, most);
                result.extend(character);
                rest = remaining;
            }
            '0'..='7' => {
                let (character, remaining) = number(8, rest_from(text, after, 1), 3);
                result.extend(character);
                rest = remaining;
            }
            _ => {
                result.push('\\');
                result.push(escape);
            }
        }
    }
    result.push_str(rest);
    result
}

/// The character whose number begins `text`, and what follows the number.
fn number(radix: u32, text: &str, most: usize) -> (Option<char>, &str) {
    let length = text.bytes().take(most).take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let value = u32::from_str_radix(&text[..length], radix).ok();
    (value.and_then(char::from_u32), &text[length..])
}

/// `after` extended to the front by `bytes` of the `text` it is the end of.
fn rest_from<'a>(text: &'a str, after: &str, bytes: usize) -> &'a str {
    &text[text.len() - after.len() - bytes..]
}
