//! Where a quoted or expanded part of a word ends. Shared by the lexer, which only needs the end, and by the parser of
//! words, which then looks inside.
//!
//! All positions are byte offsets into the whole text; every character that matters here is ASCII.

use super::{MAX_NESTING, SyntaxError, dialect, lexer};

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
            Some(b'[') => Ok(self.deeper(at)?.subscript(at + 2)?.unwrap_or(at + 1)),
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

    /// From after the `(` of an array's values, or of a pattern such as `@(a|b)`, to after the matching `)`.
    pub fn parentheses(&self, start: usize) -> Result<usize, SyntaxError> {
        let mut at = start;
        let mut depth = 1usize;
        let mut begins = true;
        loop {
            let begun = std::mem::take(&mut begins);
            at = match self.byte(at) {
                None => return Err(self.unterminated(start, "end of file unexpected (expecting \")\")")),
                Some(b'(') => {
                    depth += 1;
                    at + 1
                }
                Some(b')') => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(at + 1);
                    }
                    at + 1
                }
                Some(b'#') if begun => {
                    let rest = self.text.as_bytes().get(at..).unwrap_or_default();
                    at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
                }
                Some(b' ' | b'\t' | b'\n') => {
                    begins = true;
                    at + 1
                }
                _ => self.step(at)?,
            };
        }
    }

    /// From after a `[` to after the matching `]`; none when there is none before the end of the word.
    pub fn subscript(&self, start: usize) -> Result<Option<usize>, SyntaxError> {
        let mut at = start;
        let mut depth = 1usize;
        loop {
            at = match self.byte(at) {
                None | Some(b'\n') => return Ok(None),
                Some(b'[') => {
                    depth += 1;
                    at + 1
                }
                Some(b']') => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(Some(at + 1));
                    }
                    at + 1
                }
                _ => self.step(at)?,
            };
        }
    }

    /// Over one character, or over what is quoted or expanded here.
    pub fn step(&self, at: usize) -> Result<usize, SyntaxError> {
        Ok(match self.byte(at) {
            Some(b'\\') => at + 2,
            Some(b'\'') => self.single_quote(at + 1)?,
            Some(b'"') => self.double_quote(at + 1)?,
            Some(b'$') => self.dollar(at, false)?,
            Some(b'`') => self.backquote(at + 1)?,
            _ => at + 1,
        })
    }

    /// The end of what stands between words: blanks, newlines and comments.
    pub fn between_words(&self, mut at: usize) -> usize {
        while let Some(byte) = self.byte(at) {
            match byte {
                b' ' | b'\t' | b'\n' => at += 1,
                b'\\' if self.byte(at + 1) == Some(b'\n') => at += 2,
                b'#' => {
                    let rest = self.text.as_bytes().get(at..).unwrap_or_default();
                    at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        at
    }

    /// The end of the word that begins here, in bash's language with its patterns and process substitutions. Only where a
    /// command begins, the subscript of an assignment may hold blanks.
    pub fn word(
        &self,
        start: usize,
        begins: bool,
        in_test: bool,
        separates: fn(u8) -> bool,
    ) -> Result<usize, SyntaxError> {
        let mut at = start;
        if let Some(value) = self.assigned_value(start)?
            && (begins || !self.text.as_bytes().get(start..value).unwrap_or_default().contains(&b' '))
        {
            at = value;
            if self.byte(at) == Some(b'(') {
                return self.deeper(at)?.parentheses(at + 1);
            }
        }
        while let Some(byte) = self.byte(at) {
            let opens = self.byte(at + 1) == Some(b'(');
            at = match byte {
                b'<' | b'>' if opens => self.deeper(at)?.command(at + 2)?,
                _ if separates(byte) => break,
                b'?' | b'*' | b'+' | b'@' if opens => self.deeper(at)?.parentheses(at + 2)?,
                b'!' if opens && (in_test || dialect::extended_patterns()) => {
                    self.deeper(at)?.parentheses(at + 2)?
                }
                _ => self.step(at)?,
            };
        }
        Ok(at.min(self.text.len()))
    }

    /// Where the value begins of the assignment that stands here, if one does: to a name, or to an element of an array.
    pub fn assigned_value(&self, start: usize) -> Result<Option<usize>, SyntaxError> {
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        if !rest.first().is_some_and(|first| is_name_start(*first)) {
            return Ok(None);
        }
        let mut at = start + rest.iter().take_while(|byte| is_name_byte(**byte)).count();
        if self.byte(at) == Some(b'[') {
            match self.subscript(at + 1)? {
                Some(end) => at = end,
                None => return Ok(None),
            }
        }
        if self.byte(at) == Some(b'+') {
            at += 1;
        }
        Ok((self.byte(at) == Some(b'=')).then_some(at + 1))
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
