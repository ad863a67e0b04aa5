//! Cuts a script into the tokens that the grammar of `brush-parser` takes. The crate's own tokenizer reads a whole
//! script at once and rewrites the blanks inside expansions; a POSIX shell reads one complete command at a time and
//! keeps every character.

use std::sync::Arc;

use brush_parser::{SourcePosition, SourceSpan, Token};

use super::{
    MAX_NESTING, SyntaxError,
    aliases::{Found, Replacements},
    extent::{Extent, is_name},
    joined::Joined,
    tracker::{Closed, Tracker},
};

/// Stands for the missing words of `for name in; do`, which the grammar's tree can't tell from `for name; do`.
pub const NO_WORDS: &str = "\u{0}";

/// Begins the words of a `select`, which the grammar reads as a `for`.
pub const SELECT: &str = "\u{1}";

/// Redirections whose number goes into a variable have numbers from here on, which count the variables.
pub const FIRST_NAMED_DESCRIPTOR: u32 = 1_000_000;

/// The longest number that can stand before a redirection operator.
const MAX_DESCRIPTOR_DIGITS: usize = 4;

const OPERATORS: [&str; 24] = [
    "&>>", ";;&", "<<<", "<<-", "&>", "&&", "||", "|&", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&",
    "|", ";", "<", ">", "(", ")", "\n",
];

/// Why reading tokens stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After the newline of a complete command.
    Command,
    /// The text is over.
    End,
    /// After the `)` that ends the surrounding substitution.
    Paren,
    /// At an alias, which is in `found`.
    Alias,
}

struct HereDocument {
    /// The token that gets the text.
    token: usize,
    delimiter: String,
    strip_tabs: bool,
    /// A part of the delimiter is quoted.
    quoted: bool,
}

pub struct Lexer<'a> {
    extent: Extent<'a>,
    at: usize,
    line: u32,
    tracker: Tracker,
    here_documents: Vec<HereDocument>,
    /// More text may follow what is there.
    partial: bool,
    /// Where lines were joined before, so that places name the lines of the original.
    joined: Option<&'a Joined<'a>>,
    /// What was replaced in the text; none where aliases are not looked for.
    replacements: Option<&'a Replacements>,
    pub found: Option<Found>,
    pub tokens: Vec<Token>,
    /// The variables of redirections such as `{name}>file`.
    pub named_descriptors: Vec<String>,
    /// A `select` was begun whose words are still to come.
    selects: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(extent: Extent<'a>, at: usize, line: u32, joined: Option<&'a Joined<'a>>) -> Self {
        Lexer {
            extent,
            at,
            line,
            tracker: Tracker::new(),
            here_documents: Vec::new(),
            partial: false,
            joined,
            replacements: None,
            found: None,
            tokens: Vec::new(),
            named_descriptors: Vec::new(),
            selects: false,
        }
    }

    /// The text is only what has been read so far: its end ends nothing.
    pub fn partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// Looks for aliases, in a text that was given this much of theirs.
    pub fn aliases(mut self, replacements: &'a Replacements) -> Self {
        self.replacements = Some(replacements);
        self
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn line(&self) -> u32 {
        self.line
    }

    /// Reads on to the end of a complete command, of the text, or of the substitution this text stands in.
    pub fn run(&mut self, in_substitution: bool) -> Result<Stop, SyntaxError> {
        loop {
            self.skip_blanks();
            let Some(byte) = self.extent.byte(self.at) else {
                return self.end(in_substitution);
            };
            if byte == b'(' && self.tracker.arithmetic_may_start() && self.arithmetic()? {
                continue;
            }
            if self.regular_expression()? {
                continue;
            }
            let Some(operator) = self.operator_here() else {
                self.word()?;
                if self.found.is_some() {
                    return Ok(Stop::Alias);
                }
                continue;
            };
            match operator {
                ")" => {
                    if self.tracker.close() == Closed::Outer && in_substitution {
                        self.at += 1;
                        return Ok(Stop::Paren);
                    }
                    if self.ends_with_word("esac") {
                        // Else the grammar takes `esac )` for the pattern of one more arm.
                        self.push(self.at, self.at, "\n".to_owned(), true);
                    }
                    self.push_operator(operator);
                }
                "\n" => {
                    self.note_separator(operator);
                    self.line += 1;
                    self.here_document_bodies()?;
                    let within_alias =
                        self.replacements.is_some_and(|replacements| self.at < replacements.end());
                    if self.tracker.complete() && !in_substitution && !within_alias {
                        return Ok(Stop::Command);
                    }
                }
                "<<" | "<<-" => {
                    self.push_operator(operator);
                    self.here_document(operator == "<<-")?;
                }
                ";" | "&" => self.note_separator(operator),
                "(" if self.tracker.subshell_may_start() && self.follows_parenthesis() => {
                    // Without it the grammar takes `( (a) )` for arithmetic.
                    self.push(self.at, self.at, "\n".to_owned(), true);
                    self.tracker.operator(operator);
                    self.push_operator(operator);
                }
                _ => {
                    self.tracker.operator(operator);
                    self.push_operator(operator);
                }
            }
            if self.tracker.depth() > MAX_NESTING {
                return Err(SyntaxError::new(self.line, "nested too deeply"));
            }
        }
    }

    fn note_separator(&mut self, operator: &'static str) {
        if self.selects && self.tracker.for_parameters() && operator != "\n" {
            self.over_parameters();
        }
        if self.tracker.for_words_are_missing() {
            self.push(self.at, self.at, NO_WORDS.to_owned(), false);
        }
        self.tracker.operator(operator);
        self.push_operator(operator);
    }

    /// `select name` without words goes over the parameters.
    fn over_parameters(&mut self) {
        for word in ["in", SELECT, "\"$@\""] {
            self.push(self.at, self.at, word.to_owned(), false);
            self.tracker.word(word);
        }
        self.selects = false;
    }

    fn end(&mut self, in_substitution: bool) -> Result<Stop, SyntaxError> {
        if in_substitution {
            return Err(SyntaxError::incomplete(self.line, "end of file unexpected (expecting \")\")"));
        }
        if self.partial && !self.tokens.is_empty() {
            return Err(SyntaxError::incomplete(self.line, "end of file unexpected"));
        }
        // A here-document whose end never comes is ended by the end of the script.
        self.here_document_bodies()?;
        Ok(Stop::End)
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.extent.byte(self.at) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.extent.byte(self.at + 1) == Some(b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                Some(b'#') => {
                    let rest = &self.extent.text.as_bytes()[self.at..];
                    self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn operator_here(&self) -> Option<&'static str> {
        let rest = &self.extent.text.as_bytes()[self.at..];
        if matches!(rest, [b'<' | b'>', b'(', ..]) {
            return None;
        }
        if !matches!(rest.first(), Some(b'&' | b'|' | b';' | b'<' | b'>' | b'(' | b')' | b'\n')) {
            return None;
        }
        OPERATORS.into_iter().find(|operator| rest.starts_with(operator.as_bytes()))
    }

    fn ends_with_word(&self, expected: &str) -> bool {
        matches!(self.tokens.last(), Some(Token::Word(word, _)) if word == expected)
    }

    fn follows_parenthesis(&self) -> bool {
        matches!(self.tokens.last(), Some(Token::Operator(operator, _)) if operator == "(")
    }

    fn place(&self, index: usize) -> Arc<SourcePosition> {
        let joins = self.joined.map_or(0, |joined| joined.joins_before(index));
        Arc::new(SourcePosition { index, line: self.line as usize + joins, column: 1 })
    }

    fn push(&mut self, start: usize, end: usize, text: String, operator: bool) {
        let span = SourceSpan { start: self.place(start), end: self.place(end) };
        self.tokens.push(if operator { Token::Operator(text, span) } else { Token::Word(text, span) });
    }

    fn push_operator(&mut self, operator: &str) {
        self.push(self.at, self.at + operator.len(), operator.to_owned(), true);
        self.at += operator.len();
    }

    fn word(&mut self) -> Result<(), SyntaxError> {
        let (start, end) = (self.at, self.end_of_word()?);
        let text = &self.extent.text[start..end];
        let redirects = matches!(self.extent.byte(end), Some(b'<' | b'>'));
        let numbers_a_redirect = redirects && text.bytes().all(|byte| byte.is_ascii_digit());
        if redirects
            && let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'))
            && is_place(name)
        {
            let number = FIRST_NAMED_DESCRIPTOR + self.named_descriptors.len() as u32;
            self.named_descriptors.push(name.to_owned());
            self.push(start, end, number.to_string(), false);
            self.at = end;
            return Ok(());
        }
        if numbers_a_redirect {
            if text.len() > MAX_DESCRIPTOR_DIGITS {
                return Err(SyntaxError::new(self.line, "Bad fd number"));
            }
        } else {
            if let Some(replacements) = self.replacements {
                let may_begin = self.tracker.alias_may_stand(text);
                self.found = replacements.find(self.extent.text, start, end, may_begin);
                if self.found.is_some() {
                    return Ok(());
                }
            }
            if self.tracker.ends_open_arm(text) {
                // The grammar reads an arm twice to find that its `;;` is missing, and the arms inside it four times.
                self.tracker.operator(";;");
                self.push(start, start, ";;".to_owned(), true);
            }
            if text == "do" && self.selects && self.tracker.for_parameters() {
                self.over_parameters();
                self.note_separator(";");
                self.at = start;
            }
            if text == "select" && self.tracker.keyword_may_stand() {
                self.tracker.word("select");
                self.selects = true;
                self.push(start, end, "for".to_owned(), false);
                self.at = end;
                return Ok(());
            }
            let is_later_pattern = text == "esac" && self.tracker.later_pattern_may_stand();
            self.tracker.word(text);
            if is_later_pattern {
                // The grammar takes it for the end wherever it stands.
                self.push(start, end, "\\esac".to_owned(), false);
                self.at = end;
                return Ok(());
            }
        }
        self.push(start, end, text.to_owned(), false);
        if self.selects && text == "in" {
            self.selects = false;
            self.push(end, end, SELECT.to_owned(), false);
            self.tracker.word(SELECT);
        }
        self.line += text.bytes().filter(|&byte| byte == b'\n').count() as u32;
        self.at = end;
        Ok(())
    }

    fn end_of_word(&self) -> Result<usize, SyntaxError> {
        let (begins, in_test) = (self.tracker.assignment_may_stand(), self.tracker.in_test());
        self.extent.word(self.at, begins, in_test, separates_words)
    }

    /// What follows `=~`, up to the next blank outside of parentheses: the grammar takes it for several words.
    fn regular_expression(&mut self) -> Result<bool, SyntaxError> {
        if !(self.tracker.in_test() && self.ends_with_word("=~")) {
            return Ok(false);
        }
        let start = self.at;
        let mut at = start;
        let mut depth = 0usize;
        loop {
            at = match self.extent.byte(at) {
                None | Some(b'\n') => break,
                Some(b' ' | b'\t') if depth == 0 => break,
                Some(b'(') => {
                    depth += 1;
                    at + 1
                }
                Some(b')') if depth == 0 => break,
                Some(b')') => {
                    depth -= 1;
                    at + 1
                }
                Some(_) => self.extent.step(at)?,
            };
        }
        let at = at.min(self.extent.text.len());
        if at == start {
            return Ok(false);
        }
        let text = self.extent.text[start..at].to_owned();
        self.push(start, at, text.clone(), false);
        self.tracker.word(&text);
        self.line += text.bytes().filter(|&byte| byte == b'\n').count() as u32;
        self.at = at;
        Ok(true)
    }

    /// `((...))` as a command or as the head of a `for`: the grammar takes the text between as words.
    fn arithmetic(&mut self) -> Result<bool, SyntaxError> {
        if self.extent.byte(self.at + 1) != Some(b'(') {
            return Ok(false);
        }
        let Some(end) = self.extent.arithmetic(self.at + 1)? else { return Ok(false) };
        let start = self.at;
        self.push_operator("(");
        self.push_operator("(");
        let inside = &self.extent.text[start + 2..end - 2];
        for (index, part) in inside.split(';').enumerate() {
            if index > 0 {
                self.push(self.at, self.at, ";".to_owned(), true);
            }
            if !part.trim().is_empty() {
                self.push(self.at, self.at, part.to_owned(), false);
            }
        }
        self.line += inside.bytes().filter(|&byte| byte == b'\n').count() as u32;
        self.at = end - 2;
        self.push_operator(")");
        self.push_operator(")");
        self.tracker.arithmetic();
        Ok(true)
    }

    /// Takes the delimiter after `<<` and leaves room for the text, which begins after the line.
    fn here_document(&mut self, strip_tabs: bool) -> Result<(), SyntaxError> {
        self.skip_blanks();
        let (start, end) = (self.at, self.end_of_word()?);
        if start == end {
            return Err(SyntaxError::new(self.line, "newline unexpected"));
        }
        let raw = self.extent.text[start..end].to_owned();
        self.push(start, end, raw.clone(), false);
        self.here_documents.push(HereDocument {
            token: self.tokens.len(),
            delimiter: remove_quotes(&raw),
            strip_tabs,
            quoted: is_quoted(&raw),
        });
        self.push(end, end, String::new(), false);
        self.push(end, end, raw, false);
        self.at = end;
        Ok(())
    }

    fn here_document_bodies(&mut self) -> Result<(), SyntaxError> {
        for document in std::mem::take(&mut self.here_documents) {
            let mut body = String::new();
            let mut goes_on = false;
            loop {
                if self.at >= self.extent.text.len() {
                    if self.partial {
                        return Err(SyntaxError::incomplete(
                            self.line,
                            "end of file unexpected in here-document",
                        ));
                    }
                    break;
                }
                let rest = &self.extent.text[self.at..];
                let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
                let line = &rest[..length];
                // What a line goes on with does not begin one.
                let strips = document.strip_tabs && !goes_on;
                let shown = if strips { line.trim_start_matches('\t') } else { line };
                self.at += length;
                self.line += 1;
                let bare = shown.strip_suffix('\n').unwrap_or(shown);
                if bare == document.delimiter && !goes_on {
                    break;
                }
                goes_on = !document.quoted && ends_joined(bare);
                body.push_str(shown);
            }
            if let Some(Token::Word(text, _)) = self.tokens.get_mut(document.token) {
                *text = body;
            }
        }
        Ok(())
    }
}

fn separates_words(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'&' | b'|' | b';' | b'<' | b'>' | b'(' | b')')
}

/// Whether a part of the delimiter is quoted, which leaves the text as it is.
pub fn is_quoted(raw: &str) -> bool {
    raw.contains(['\'', '"', '\\'])
}

/// Whether a line of a here-document goes on with the next: a backslash at its end is not quoted by another.
pub fn ends_joined(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// The delimiter of a here-document without its quotes.
pub fn remove_quotes(raw: &str) -> String {
    let mut result = String::new();
    let mut characters = raw.chars();
    let mut quote = None;
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, '\\') => result.extend(characters.next()),
            (Some('"'), '\\') if characters.clone().next().is_some_and(|next| "$`\"\\".contains(next)) => {
                result.extend(characters.next());
            }
            _ => result.push(character),
        }
    }
    result
}

/// From after `$(` to after the matching `)`, over comments, quotes, here-documents and the patterns of `case`.
pub fn end_of_substitution(extent: Extent<'_>, start: usize) -> Result<usize, SyntaxError> {
    let mut lexer = Lexer::new(extent, start, 0, None);
    lexer.line = extent.line(start);
    lexer.run(true)?;
    Ok(lexer.position())
}
/// Whether a text is the name of a variable, or of an element whose subscript is a number or a plain word.
fn is_place(text: &str) -> bool {
    let (name, subscript) = text.split_once('[').map_or((text, None), |(name, rest)| (name, Some(rest)));
    let is_plain = |subscript: &str| {
        subscript.strip_suffix(']').is_some_and(|inside| {
            !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    is_name(name) && subscript.is_none_or(is_plain)
}
