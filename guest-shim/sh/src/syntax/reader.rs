//! Reads a script one complete command at a time.

use brush_parser::{ParseError, ParserOptions, Token};

use super::{
    SyntaxError,
    extent::Extent,
    lexer::{Lexer, NO_WORDS, Stop},
    lower,
    tree::List,
};

/// A position in the text of a script.
pub struct Reader<'a> {
    extent: Extent<'a>,
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
        Reader { extent: Extent { text, first_line, depth }, at: 0, line: first_line, partial: false }
    }

    /// The text is only what has been read so far; a command that might go on is reported as incomplete.
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Goes on from another place, which must be the start of a line.
    pub fn set_position(&mut self, at: usize) {
        self.line = self.extent.line(at);
        self.at = at;
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn line(&self) -> u32 {
        self.line
    }

    /// The next complete command, none at the end. The position moves on only when there is one.
    pub fn next(&mut self) -> Result<Option<List>, SyntaxError> {
        let mut lexer = Lexer::new(self.extent, self.at, self.line).partial(self.partial);
        loop {
            let stop = lexer.run(false)?;
            if lexer.tokens.iter().all(|token| token.to_str() == "\n") {
                self.at = lexer.position();
                self.line = lexer.line();
                if stop == Stop::End {
                    return Ok(None);
                }
                lexer.tokens.clear();
                continue;
            }
            match brush_parser::parse_tokens(&lexer.tokens, &options()) {
                Ok(program) => {
                    self.at = lexer.position();
                    self.line = lexer.line();
                    return lower::program(program, self.extent.depth).map(Some);
                }
                // What looked like the end of a command was none.
                Err(ParseError::ParsingAtEndOfInput) if stop == Stop::Command => {}
                Err(error) => return Err(describe(&error, &lexer.tokens, lexer.line())),
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
                "\n" | NO_WORDS => "newline".to_owned(),
                text => format!("\"{text}\""),
            };
            SyntaxError::new(position.line as u32, format!("{text} unexpected"))
        }
        _ => SyntaxError::incomplete(last_line, "end of file unexpected"),
    }
}
