//! Where a quoted or expanded part of a word ends. Shared by the lexer, which only needs the end, and by the parser of
//! words, which then looks inside.
//!
//! All positions are byte offsets into the whole text; every character that matters here is ASCII.

use super::{MAX_NESTING, SyntaxError, lexer};

/// A text and how deep in it we are.
#[derive(Clone, Copy)]
pub struct Extent<'a> {
    pub text: &'a str,
    /// The line number of the text's first line.
    pub first_line: u32,
    pub depth: usize,
}

impl<'a> Extent<'a> {
    pub fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    pub fn line(&self, at: usize) -> u32 {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        self.first_line.saturating_add(before.iter().filter(|&&byte| byte == b'\n').count() as u32)
    }

    pub fn deeper(mut self, at: usize) -> Result<Self, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(SyntaxError::new(self.line(at), "nested too deeply"));
        }
        Ok(self)
    }

    fn unterminated(&self, at: usize, what: &str) -> SyntaxError {
        SyntaxError::incomplete(self.line(at), what)
    }

    /// From after a `'` to after the closing one.
    pub fn single_quote(&self, start: usize) -> Result<usize, SyntaxError> {
        match self.text[start..].find('\'') {
            Some(length) => Ok(start + length + 1),
            None => Err(self.unterminated(start, "Unterminated quoted string")),
        }
    }

    /// From after `$'` to after the closing quote; backslashes protect.
    pub fn ansi_quote(&self, start: usize) -> Result<usize, SyntaxError> {
        let mut at = start;
        loop {
            match self.byte(at) {
                None => return Err(self.unterminated(start, "Unterminated quoted string")),
                Some(b'\\') => at += 2,
                Some(b'\'') => return Ok(at + 1),
                Some(_) => at += 1,
            }
        }
    }

    /// From after a `"` to after the closing one.
    pub fn double_quote(&self, start: usize) -> Result<usize, SyntaxError> {
        let mut at = start;
        loop {
            match self.byte(at) {
                None => return Err(self.unterminated(start, "Unterminated quoted string")),
                Some(b'"') => return Ok(at + 1),
                Some(b'\\') => at += 2,
                Some(b'$') => at = self.dollar(at, true)?,
                Some(b'`') => at = self.backquote(at + 1)?,
                Some(_) => at += 1,
            }
        }
    }

    /// From after a backquote to after the closing one.
    pub fn backquote(&self, start: usize) -> Result<usize, SyntaxError> {
        let mut at = start;
        loop {
            match self.byte(at) {
                None => return Err(self.unterminated(start, "EOF in backquote substitution")),
                Some(b'\\') => at += 2,
                Some(b'`') => return Ok(at + 1),
                Some(_) => at += 1,
            }
        }
    }

    /// From a `$` to after what it introduces; only over the dollar where it introduces nothing that nests.
    pub fn dollar(&self, at: usize, in_double_quotes: bool) -> Result<usize, SyntaxError> {
        match self.byte(at + 1) {
            Some(b'(') => {
                let inner = self.deeper(at)?;
                match inner.arithmetic(at + 2)? {
                    Some(end) => Ok(end),
                    None => inner.command(at + 2),
                }
            }
            Some(b'{') => self.deeper(at)?.braces(at + 2, in_double_quotes),
            Some(b'\'') if !in_double_quotes => self.ansi_quote(at + 2),
            _ => Ok(at + 1),
        }
    }

    /// From after `$(` to after the matching `)`.
    pub fn command(&self, start: usize) -> Result<usize, SyntaxError> {
        lexer::end_of_substitution(*self, start)
    }

    /// From after the first parenthesis of what may be `((...))`: the end after the second closing one, or none when
    /// this is not arithmetic but a command that begins with a subshell.
    pub fn arithmetic(&self, start: usize) -> Result<Option<usize>, SyntaxError> {
        if self.byte(start) != Some(b'(') {
            return Ok(None);
        }
        let mut at = start + 1;
        let mut depth = 1usize;
        loop {
            match self.byte(at) {
                None => return Ok(None),
                Some(b'(') => {
                    depth += 1;
                    at += 1;
                }
                Some(b')') => {
                    depth -= 1;
                    at += 1;
                    if depth == 0 {
                        return Ok((self.byte(at) == Some(b')')).then_some(at + 1));
                    }
                }
                Some(b'\\') => at += 2,
                Some(b'\'') => match self.single_quote(at + 1) {
                    Ok(end) => at = end,
                    Err(_) => return Ok(None),
                },
                Some(b'"') => match self.double_quote(at + 1) {
                    Ok(end) => at = end,
                    Err(_) => return Ok(None),
                },
                Some(b'$') => at = self.dollar(at, false)?,
                Some(b'`') => at = self.backquote(at + 1)?,
                Some(_) => at += 1,
            }
        }
    }

    /// From after `${` to after the matching `}`.
    pub fn braces(&self, start: usize, in_double_quotes: bool) -> Result<usize, SyntaxError> {
        let (_, operator) = self.parameter_name(start);
        // Within double quotes a single quote is an ordinary character of `${x-word}`, but quotes the pattern of
        // `${x#pattern}`.
        let quotes_apply = !in_double_quotes || matches!(self.byte(operator), Some(b'#' | b'%' | b'/'));
        let mut at = operator;
        loop {
            match self.byte(at) {
                None => return Err(self.unterminated(start, "Missing '}'")),
                Some(b'}') => return Ok(at + 1),
                Some(b'\\') => at += 2,
                Some(b'\'') if quotes_apply => at = self.single_quote(at + 1)?,
                Some(b'"') => at = self.double_quote(at + 1)?,
                Some(b'$') => at = self.dollar(at, !quotes_apply)?,
                Some(b'`') => at = self.backquote(at + 1)?,
                Some(_) => at += 1,
            }
        }
    }

    /// The name at the start of a `${`, and where the operator after it begins. The name is empty where none stands.
    pub fn parameter_name(&self, start: usize) -> (&'a str, usize) {
        let bytes = &self.text.as_bytes()[start.min(self.text.len())..];
        let length = match bytes.first() {
            Some(first) if first.is_ascii_digit() => {
                bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
            }
            Some(first) if is_name_start(*first) => {
                bytes.iter().take_while(|byte| is_name_byte(**byte)).count()
            }
            Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => 1,
            _ => 0,
        };
        (&self.text[start.min(self.text.len())..][..length], start + length)
    }
}

pub fn is_name_start(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

pub fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Whether `text` can name a variable.
pub fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(is_name_start) && text.bytes().all(is_name_byte)
}
