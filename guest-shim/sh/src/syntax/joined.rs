//! Removes line continuations (a backslash before a newline) from a script before anything else looks at it, as POSIX
//! wants it: they may stand inside operators, names and reserved words. What is within single quotes, comments and
//! here-documents stays as it is.

use std::borrow::Cow;

use super::lexer::{ends_joined, is_quoted, remove_quotes};

/// A text without continuations, and where they were.
pub struct Joined<'a> {
    pub text: Cow<'a, str>,
    /// The offsets in `text` between which characters are missing.
    joins: Vec<usize>,
}

/// What surrounds a character, as far as quotes are concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Parenthesis,
    DoubleQuotes,
}

impl<'a> Joined<'a> {
    pub fn new(text: &'a str) -> Self {
        if !text.contains("\\\n") {
            return Joined { text: Cow::Borrowed(text), joins: Vec::new() };
        }
        let mut joiner = Joiner { text, at: 0, kept: String::with_capacity(text.len()), joins: Vec::new() };
        joiner.run();
        Joined { text: Cow::Owned(joiner.kept), joins: joiner.joins }
    }

    /// How many continuations were before `at`.
    pub fn joins_before(&self, at: usize) -> usize {
        self.joins.partition_point(|join| *join < at)
    }

    /// The offset in the original text.
    pub fn original(&self, at: usize) -> usize {
        at + 2 * self.joins_before(at)
    }

    /// The offset in this text of one in the original text.
    pub fn joined(&self, original: usize) -> usize {
        let before =
            self.joins.iter().enumerate().take_while(|(index, join)| **join + 2 * (index + 1) <= original);
        original.saturating_sub(2 * before.count())
    }
}

/// A here-document whose text is to come.
struct Document {
    delimiter: String,
    /// Tabs at the beginning of lines are taken away.
    strips: bool,
    quoted: bool,
}

struct Joiner<'a> {
    text: &'a str,
    at: usize,
    kept: String,
    joins: Vec<usize>,
}

impl Joiner<'_> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Keeps what is up to `end`, which must be at or after an ASCII character or the end.
    fn keep_to(&mut self, end: usize) {
        let end = end.min(self.text.len());
        self.kept.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn keep_character(&mut self) {
        let length = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        self.keep_to(self.at + length);
    }

    fn run(&mut self) {
        let mut around: Vec<Around> = Vec::new();
        let mut word_starts = true;
        let mut here_documents: Vec<Document> = Vec::new();
        while let Some(byte) = self.byte(0) {
            let quoted = around.last() == Some(&Around::DoubleQuotes);
            let started = word_starts;
            word_starts = !quoted && matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')');
            match byte {
                b'\\' if self.byte(1) == Some(b'\n') => {
                    self.at += 2;
                    self.joins.push(self.kept.len());
                    word_starts = started;
                }
                b'\\' => {
                    self.keep_to(self.at + 1);
                    self.keep_character();
                }
                b'\'' if !quoted => {
                    let close =
                        self.text[self.at + 1..].find('\'').map_or(self.text.len(), |end| self.at + end + 2);
                    self.keep_to(close);
                }
                b'"' => {
                    if quoted {
                        around.pop();
                    } else {
                        around.push(Around::DoubleQuotes);
                    }
                    self.keep_to(self.at + 1);
                }
                b'$' if self.byte(1) == Some(b'(') => {
                    around.push(Around::Parenthesis);
                    word_starts = true;
                    self.keep_to(self.at + 2);
                }
                b'(' if !quoted => {
                    around.push(Around::Parenthesis);
                    self.keep_to(self.at + 1);
                }
                b')' if !quoted => {
                    around.pop();
                    self.keep_to(self.at + 1);
                }
                b'#' if started && !quoted => {
                    let end = self.text[self.at..].find('\n').map_or(self.text.len(), |end| self.at + end);
                    self.keep_to(end);
                }
                b'<' if !quoted => {
                    self.keep_to(self.at + 1);
                    self.join();
                    if self.byte(0) == Some(b'<') {
                        self.keep_to(self.at + 1);
                        self.join();
                        if self.byte(0) == Some(b'<') {
                            self.keep_to(self.at + 1);
                        } else {
                            here_documents.extend(self.here_document());
                        }
                    }
                }
                b'\n' => {
                    self.keep_to(self.at + 1);
                    for document in here_documents.drain(..) {
                        self.body(&document);
                    }
                }
                _ => self.keep_character(),
            }
        }
    }

    /// Leaves out continuations that stand here.
    fn join(&mut self) {
        while self.byte(0) == Some(b'\\') && self.byte(1) == Some(b'\n') {
            self.at += 2;
            self.joins.push(self.kept.len());
        }
    }

    /// Keeps what follows `<<`: a hyphen and the delimiter. None where that is a shift in an arithmetic expression.
    fn here_document(&mut self) -> Option<Document> {
        let strips = self.byte(0) == Some(b'-');
        self.keep_to(self.at + usize::from(strips));
        self.join();
        while matches!(self.byte(0), Some(b' ' | b'\t')) {
            self.keep_to(self.at + 1);
            self.join();
        }
        let start = self.kept.len();
        while let Some(byte) = self.byte(0) {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                b'\\' if self.byte(1) == Some(b'\n') => self.join(),
                b'\\' => {
                    self.keep_to(self.at + 1);
                    self.keep_character();
                }
                quote @ (b'\'' | b'"') => {
                    let rest = &self.text[self.at + 1..];
                    let close = rest.find(char::from(quote)).map_or(self.text.len(), |end| self.at + end + 2);
                    self.keep_to(close);
                }
                _ => self.keep_character(),
            }
        }
        let raw = self.kept.get(start..).unwrap_or_default();
        let number = raw.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
        (!number).then(|| Document { delimiter: remove_quotes(raw), strips, quoted: is_quoted(raw) })
    }

    fn body(&mut self, document: &Document) {
        let mut goes_on = false;
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
            let line = rest[..length].trim_end_matches('\n');
            self.keep_to(self.at + length);
            let line = if document.strips { line.trim_start_matches('\t') } else { line };
            if line == document.delimiter && !goes_on {
                return;
            }
            goes_on = !document.quoted && ends_joined(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        Joined::new(text).text.into_owned()
    }

    #[test]
    fn continuations_go_where_they_mean_nothing_else() {
        assert_eq!(joined("a &\\\n& b"), "a && b");
        assert_eq!(joined("\"$x\\\ny\""), "\"$xy\"");
        assert_eq!(joined("'a\\\nb' c\\\nd"), "'a\\\nb' cd");
        assert_eq!(joined("\"it's\\\n\" x\\\ny"), "\"it's\" xy");
        assert_eq!(joined("# a\\\nb\\\nc"), "# a\\\nbc");
        assert_eq!(joined("cat <<E\nx\\\ny\nE\na\\\nb"), "cat <<E\nx\\\ny\nE\nab");
        assert_eq!(joined("echo \\\\\nx"), "echo \\\\\nx");
    }

    #[test]
    fn offsets_map_to_the_original_text_and_back() {
        let joined = Joined::new("a\\\nb\nc\\\nd\ne");
        assert_eq!(joined.text, "ab\ncd\ne");
        assert_eq!((joined.original(3), joined.original(6)), (5, 10));
        assert_eq!((joined.joined(5), joined.joined(10)), (3, 6));
        assert_eq!(joined.joins_before(6), 2);
    }
}
