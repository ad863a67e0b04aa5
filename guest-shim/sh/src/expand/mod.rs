//! Word expansion, in the order of POSIX.1-2024 XCU 2.6: tildes, parameters, commands and arithmetic, then splitting,
//! then file names, then quotes are forgotten.

mod arithmetic;
pub mod fields;
mod glob;
mod parameter;
pub mod pattern;

use fields::{Field, Fields};
use pattern::Pattern;

use crate::{
    state::{Flow, Shell},
    syntax::tree::{Piece, Word},
};

/// How the pieces of a word are taken.
#[derive(Clone, Copy, Default)]
struct Mode {
    /// Between double quotes.
    quoted: bool,
    /// Within an expansion, whose literal text is split too: `${x-a b}`.
    inside: bool,
}

impl Shell {
    /// The arguments that words become.
    pub fn expand_words(&mut self, words: &[Word]) -> Result<Vec<String>, Flow> {
        let mut arguments = Vec::with_capacity(words.len());
        for word in words {
            // Most words are plain text.
            if let [Piece::Text(text)] = word.0.as_slice()
                && (!text.contains(['*', '?', '[']) || text == "[")
            {
                arguments.push(text.clone());
                continue;
            }
            let mut fields = Fields::new(Some(self.separators()));
            self.expand_pieces(&word.0, Mode::default(), &mut fields)?;
            for field in fields.finish() {
                self.expand_names(field, &mut arguments);
            }
        }
        Ok(arguments)
    }

    fn expand_names(&self, field: Field, arguments: &mut Vec<String>) {
        if !self.options.noglob && field.has_pattern() {
            arguments.append(&mut glob::expand(&field));
            return;
        }
        arguments.push(field.text);
    }

    /// One string, neither split nor matched against names: the value of an assignment, a file to open.
    pub fn expand_text(&mut self, word: &Word) -> Result<String, Flow> {
        Ok(self.expand_field(word)?.text)
    }

    pub fn expand_pattern(&mut self, word: &Word) -> Result<Pattern, Flow> {
        Ok(Pattern::new(&self.expand_field(word)?))
    }

    fn expand_field(&mut self, word: &Word) -> Result<Field, Flow> {
        let mut fields = Fields::new(None);
        self.expand_pieces(&word.0, Mode::default(), &mut fields)?;
        Ok(fields.join())
    }

    /// Text as between double quotes: a here-document, an arithmetic expression.
    pub fn expand_quoted(&mut self, word: &Word) -> Result<String, Flow> {
        let mut fields = Fields::new(None);
        self.expand_pieces(&word.0, Mode { quoted: true, inside: false }, &mut fields)?;
        Ok(fields.join().text)
    }

    pub fn expand_arithmetic(&mut self, word: &Word) -> Result<i64, Flow> {
        let text = self.expand_quoted(word)?;
        self.arithmetic(&text)
    }

    fn separators(&self) -> &str {
        match self.variables.get("IFS") {
            Some(variable) => variable.value.as_deref().unwrap_or(" \t\n"),
            None => " \t\n",
        }
    }

    fn expand_pieces(&mut self, pieces: &[Piece], mode: Mode, fields: &mut Fields) -> Result<(), Flow> {
        for piece in pieces {
            match piece {
                Piece::Text(text) if mode.quoted => fields.quoted(text),
                Piece::Text(text) if mode.inside => fields.expansion(text),
                Piece::Text(text) => fields.literal(text),
                Piece::Quoted(text) => fields.quoted(text),
                Piece::DoubleQuoted(inner) if inner.is_empty() => fields.quoted(""),
                Piece::DoubleQuoted(inner) => {
                    self.expand_pieces(inner, Mode { quoted: true, ..mode }, fields)?;
                }
                Piece::Tilde(name) => match self.tilde(name) {
                    Some(directory) => fields.quoted(&directory),
                    None => fields.literal(&format!("~{name}")),
                },
                Piece::Parameter(parameter) => self.expand_parameter(parameter, mode, fields)?,
                Piece::Command(command) => {
                    let output = self.substitute(&command.0)?;
                    add(fields, &output, mode);
                }
                Piece::Arithmetic(expression) => {
                    let value = self.expand_arithmetic(expression)?;
                    add(fields, &value.to_string(), mode);
                }
            }
        }
        Ok(())
    }

    /// The directory that a tilde stands for. There is one user in a VM, so a name names nobody.
    fn tilde(&self, name: &str) -> Option<String> {
        let variable = match name {
            "" => "HOME",
            "+" => "PWD",
            "-" => "OLDPWD",
            _ => return None,
        };
        self.variable(variable).map(str::to_owned)
    }
}

fn add(fields: &mut Fields, text: &str, mode: Mode) {
    if mode.quoted {
        fields.quoted(text);
    } else {
        fields.expansion(text);
    }
}
