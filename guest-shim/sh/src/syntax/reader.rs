//! Reads a script one complete command at a time.

use brush_parser::{ParseError, ParserOptions, Token};

use super::{
    SyntaxError,
    aliases::{Found, Replacements},
    extent::Extent,
    joined::Joined,
    lexer::{Lexer, NO_WORDS, SELECT, Stop},
    lower,
    tree::List,
};

/// What was read.
enum Read {
    /// A command, or none at the end, and what comes after it.
    Command { list: Option<List>, at: usize, line: u32 },
    /// An alias, on the way to the end of a command.
    Alias(Found),
}

/// A position in the text of a script.
pub struct Reader<'a> {
    joined: Joined<'a>,
    first_line: u32,
    depth: usize,
    /// In the joined text, as are the lines counted by the lexer.
    at: usize,
    line: u32,
    partial: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, first_line: u32) -> Self {
        Self::nested(text, first_line, 0)
    }

    /// For a text inside a text, `depth` levels down.
    pub fn nested(text: &'a str, first_line: u32, depth: usize) -> Self {
        Reader { joined: Joined::new(text), first_line, depth, at: 0, line: first_line, partial: false }
    }

    /// The text is only what has been read so far; a command that might go on is reported as incomplete.
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Goes on from another place, which must be the start of a line.
    pub fn set_position(&mut self, at: usize) {
        self.at = self.joined.joined(at).min(self.joined.text.len());
        let before = self.joined.text.as_bytes().get(..self.at).unwrap_or_default();
        self.line = self.first_line + before.iter().filter(|byte| **byte == b'\n').count() as u32;
    }

    pub fn position(&self) -> usize {
        self.joined.original(self.at)
    }

    pub fn line(&self) -> u32 {
        self.line + self.joined.joins_before(self.at) as u32
    }

    /// The next complete command, none at the end. The position moves on only when there is one.
    pub fn next(&mut self) -> Result<Option<List>, SyntaxError> {
        let mut replacements = Replacements::default();
        let mut read = self.read(&self.joined.text, &replacements)?;
        if matches!(read, Read::Alias(_)) {
            let mut text = self.joined.text.clone().into_owned();
            while let Read::Alias(found) = read {
                replacements.replace(&mut text, found, self.line)?;
                read = self.read(&text, &replacements)?;
            }
            if let Read::Command { at, line, .. } = &mut read {
                // Whatever was replaced lies before.
                *at = (*at + self.joined.text.len()).saturating_sub(text.len());
                let passed = self.joined.text.as_bytes().get(self.at..*at).unwrap_or_default();
                *line = self.line + passed.iter().filter(|byte| **byte == b'\n').count() as u32;
            }
        }
        let Read::Command { list, at, line } = read else { return Ok(None) };
        (self.at, self.line) = (at, line);
        Ok(list)
    }

    /// Reads a command of `text`, which is this reader's but for what was replaced.
    fn read(&self, text: &str, replacements: &Replacements) -> Result<Read, SyntaxError> {
        let extent = Extent { text, first_line: self.first_line, depth: self.depth };
        let mut lexer = Lexer::new(extent, self.at, self.line, Some(&self.joined))
            .partial(self.partial)
            .aliases(replacements);
        loop {
            let stop = lexer.run(false)?;
            if let Some(found) = lexer.found.take() {
                return Ok(Read::Alias(found));
            }
            if lexer.tokens.iter().all(|token| token.to_str() == "\n") {
                if stop == Stop::End {
                    return Ok(Read::Command { list: None, at: lexer.position(), line: lexer.line() });
                }
                lexer.tokens.clear();
                continue;
            }
            match brush_parser::parse_tokens(&lexer.tokens, &options()) {
                Ok(program) => {
                    let list = lower::program(program, text, self.depth, &lexer.named_descriptors)?;
                    return Ok(Read::Command { list: Some(list), at: lexer.position(), line: lexer.line() });
                }
                // What looked like the end of a command was none.
                Err(ParseError::ParsingAtEndOfInput) if stop == Stop::Command => {}
                Err(error) => {
                    let line = lexer.line() + self.joined.joins_before(lexer.position()) as u32;
                    return Err(describe(&error, &lexer.tokens, line));
                }
            }
        }
    }

    /// Everything that is left, as one list.
    pub fn rest(&mut self) -> Result<List, SyntaxError> {
        let mut list = List::default();
        while let Some(mut part) = self.next()? {
            list.0.append(&mut part.0);
        }
        Ok(list)
    }
}

fn options() -> ParserOptions {
    ParserOptions { enable_extended_globbing: false, ..ParserOptions::default() }
}

fn describe(error: &ParseError, tokens: &[Token], last_line: u32) -> SyntaxError {
    match error {
        ParseError::ParsingNear(position) => {
            let token = tokens.iter().find(|token| token.location().start.index >= position.index);
            let text = match token.map_or("", Token::to_str) {
                "\n" | NO_WORDS | SELECT => "newline".to_owned(),
                text => format!("\"{text}\""),
            };
            SyntaxError::new(position.line as u32, format!("{text} unexpected"))
        }
        _ => SyntaxError::incomplete(last_line, "end of file unexpected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tree::{Command, Compound, Piece};

    fn read(text: &str) -> Result<List, SyntaxError> {
        Reader::new(text, 1).rest()
    }

    fn first(text: &str) -> Command {
        read(text).unwrap().0[0].and_or.first.stages[0].clone()
    }

    #[test]
    fn complete_commands_are_read_one_at_a_time() {
        let mut reader = Reader::new("echo a\nif b\nthen c\nfi\n)", 1);
        assert!(reader.next().unwrap().is_some());
        assert_eq!(reader.line(), 2);
        assert!(reader.next().unwrap().is_some());
        assert_eq!(reader.next().unwrap_err().line, 5);
    }

    #[test]
    fn what_may_go_on_is_incomplete() {
        for text in
            ["if a\n", "echo 'a\n", "cat <<E\nx\n", "a |\n", "f()\n", "echo $(\n", "case x in\n", "a \\\n"]
        {
            let error = Reader::new(text, 1).partial().next().unwrap_err();
            assert!(error.incomplete, "{text}");
        }
        assert!(Reader::new("# only a comment\n", 1).partial().next().unwrap().is_none());
    }

    #[test]
    fn a_case_inside_a_substitution_keeps_its_parentheses() {
        let Command::Simple(simple) = first("echo $(case x in a) b;; esac)end") else { panic!() };
        assert!(
            matches!(simple.words[1].0.as_slice(), [Piece::Command(_), Piece::Text(end)] if end == "end")
        );
    }

    #[test]
    fn subshells_and_arithmetic_are_told_apart() {
        let compound = |text: &str| match first(text) {
            Command::Compound(compound, _) => *compound,
            other => panic!("{other:?}"),
        };
        assert!(matches!(compound("( (a) )"), Compound::Subshell(_)));
        assert!(matches!(compound("((a); (b))"), Compound::Subshell(_)));
        assert!(matches!(compound("((a + 1))"), Compound::Arithmetic { .. }));
        assert!(matches!(compound("for ((;;)) do a; done"), Compound::ArithmeticFor { .. }));
    }

    #[test]
    fn loops_without_words_are_not_loops_over_parameters() {
        let Command::Compound(compound, _) = first("for x in; do a; done") else { panic!() };
        assert!(matches!(*compound, Compound::For { words: Some(words), .. } if words.is_empty()));
        let Command::Compound(compound, _) = first("for x; do a; done") else { panic!() };
        assert!(matches!(*compound, Compound::For { words: None, .. }));
    }

    #[test]
    fn hostile_nesting_is_refused_and_not_slow() {
        assert!(read(&"(".repeat(10_000)).is_err());
        assert!(read(&"$(".repeat(10_000)).is_err());
        assert!(read(&"${x-".repeat(10_000)).is_err());
        assert!(read(&format!("{}b{}", "case a in a) ".repeat(60), "\nesac".repeat(60))).is_ok());
        assert!(read("echo a 99999999999>f").is_err());
    }
}
