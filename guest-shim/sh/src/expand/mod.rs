//! Word expansion, in the order of POSIX.1-2024 XCU 2.6: tildes, parameters, commands and arithmetic, then splitting,
//! then file names, then quotes are forgotten.

mod arithmetic;
mod braces;
mod expression;
pub mod fields;
pub mod glob;
mod parameter;
pub mod pattern;
mod process;
mod transform;

use std::{borrow::Cow, rc::Rc};

use fields::{Field, Fields};
use pattern::Pattern;
use rustc_hash::FxHashMap;

use crate::{
    state::{Flow, Shell},
    syntax::{
        dialect::Dialect,
        tree::{Element, Operation, Parameter, Piece, Subscript, Word},
    },
};

/// The value of `IFS` that splits at blanks.
const BLANKS: &str = " \t\n";

/// So many compiled patterns are kept.
const MAX_PATTERNS: usize = 64;

/// Words that are patterns as they stand, compiled: loops have the same again and again.
#[derive(Default)]
pub struct Patterns(FxHashMap<String, Rc<Pattern>>);

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
            if braces::may_expand(word) {
                let Some(expanded) = braces::expand(word) else {
                    self.report("brace expansion: too many words");
                    return Err(Flow::Error);
                };
                for word in &expanded {
                    self.expand_word(word, &mut arguments)?;
                }
                continue;
            }
            self.expand_word(word, &mut arguments)?;
        }
        Ok(arguments)
    }

    fn expand_word(&mut self, word: &Word, arguments: &mut Vec<String>) -> Result<(), Flow> {
        // Most words are plain text.
        if let [Piece::Text(text)] = word.0.as_slice()
            && (!text.bytes().any(|byte| b"*?[(".contains(&byte)) || text == "[")
        {
            arguments.push(text.clone());
            return Ok(());
        }
        if let Some(value) = self.expand_plainly(word) {
            arguments.push(value);
            return Ok(());
        }
        if is_one_field(&word.0) {
            let mut text = String::new();
            self.append_text(&word.0, Mode::default(), &mut text)?;
            arguments.push(text);
            return Ok(());
        }
        let mut fields = Fields::new(Some(self.separators()));
        self.expand_pieces(&word.0, Mode::default(), &mut fields)?;
        for field in fields.finish() {
            self.expand_names(field, arguments)?;
        }
        Ok(())
    }

    /// The value of a parameter, if it is kept as text somewhere and nothing else is meant.
    fn kept(&self, name: &str) -> Option<&str> {
        match name.as_bytes().first()? {
            // What is made up is in capitals.
            b'a'..=b'z' => self.variables.get(name).filter(|variable| !variable.reference)?.text(),
            b'1'..=b'9' => {
                self.positional.get(name.parse::<usize>().ok()?.wrapping_sub(1)).map(String::as_str)
            }
            _ => None,
        }
    }

    /// What a word of one plain parameter expands to, where that is one field that matches nothing: what most words of
    /// loops are. None where it has to be looked at more closely.
    fn expand_plainly(&self, word: &Word) -> Option<String> {
        let (piece, quoted) = match word.0.as_slice() {
            [Piece::DoubleQuoted(inner)] => match inner.as_slice() {
                [piece] => (piece, true),
                _ => return None,
            },
            [piece] => (piece, false),
            _ => return None,
        };
        let Piece::Parameter(parameter) = piece else { return None };
        if !is_plain(parameter) {
            return None;
        }
        let value = match self.kept(&parameter.name) {
            Some(value) => Cow::Borrowed(value),
            None if self.variables.get(&parameter.name).is_some_and(|variable| variable.reference) => {
                return None;
            }
            None => Cow::Owned(self.parameter(&parameter.name)?),
        };
        let is_one_field = || {
            !value.is_empty()
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte))
                && self.separators() == BLANKS
        };
        (quoted || is_one_field()).then(|| value.into_owned())
    }

    fn expand_names(&self, field: Field, arguments: &mut Vec<String>) -> Result<(), Flow> {
        if self.options.noglob || !field.has_pattern() {
            arguments.push(field.text);
            return Ok(());
        }
        let mut options = self.extras.patterns;
        options.dotglob |=
            self.dialect == Dialect::Bash && self.variable("GLOBIGNORE").is_some_and(|text| !text.is_empty());
        match glob::expand(&field, options).and_then(|names| self.without_ignored(names)) {
            Some(mut names) => arguments.append(&mut names),
            None if options.failglob && field.has_closed_pattern() => {
                self.report(&format!("no match: {}", field.text));
                return Err(Flow::Error);
            }
            None if options.nullglob && field.has_closed_pattern() => {}
            None => arguments.push(field.text),
        }
        Ok(())
    }

    /// The names that `GLOBIGNORE` leaves; none when that is none.
    fn without_ignored(&self, mut names: Vec<String>) -> Option<Vec<String>> {
        let ignored =
            self.variable("GLOBIGNORE").filter(|_| self.dialect == Dialect::Bash).unwrap_or_default();
        for pattern in glob::split_patterns(ignored) {
            let mut field = Field::default();
            field.push(pattern, false);
            let pattern = Pattern::new(&field);
            names.retain(|name| !pattern.matches(name));
        }
        (!names.is_empty()).then_some(names)
    }

    /// One string, neither split nor matched against names: the value of an assignment, a file to open.
    pub fn expand_text(&mut self, word: &Word) -> Result<String, Flow> {
        match word.0.as_slice() {
            [Piece::Text(text) | Piece::Quoted(text)] => Ok(text.clone()),
            pieces => {
                let mut text = String::new();
                self.append_text(pieces, Mode::default(), &mut text)?;
                Ok(text)
            }
        }
    }

    /// Appends what pieces expand to where nothing is split: the same text, whatever of it is quoted.
    fn append_text(&mut self, pieces: &[Piece], mode: Mode, text: &mut String) -> Result<(), Flow> {
        for piece in pieces {
            match piece {
                Piece::Text(own) | Piece::Quoted(own) => text.push_str(own),
                Piece::DoubleQuoted(inner) => {
                    self.append_text(inner, Mode { quoted: true, ..mode }, text)?;
                }
                Piece::Arithmetic(expression) => {
                    text.push_str(&self.expand_arithmetic(expression)?.to_string());
                }
                Piece::Parameter(parameter)
                    if is_plain(parameter)
                        && let Some(value) = self.kept(&parameter.name) =>
                {
                    text.push_str(value);
                }
                other => {
                    let mut fields = Fields::new(None);
                    self.expand_pieces(std::slice::from_ref(other), mode, &mut fields)?;
                    text.push_str(&fields.join().text);
                }
            }
        }
        Ok(())
    }

    pub fn expand_pattern(&mut self, word: &Word) -> Result<Rc<Pattern>, Flow> {
        let pattern = self.expand_exact_pattern(word)?;
        Ok(if self.extras.patterns.nocasematch {
            Rc::new(Pattern::clone(&pattern).ignoring_case())
        } else {
            pattern
        })
    }

    /// A pattern for which `nocasematch` makes no difference: of what is taken away at the ends of a value.
    pub fn expand_exact_pattern(&mut self, word: &Word) -> Result<Rc<Pattern>, Flow> {
        let [Piece::Text(text)] = word.0.as_slice() else {
            return Ok(Rc::new(Pattern::new(&self.expand_field(word)?)));
        };
        let mut patterns = self.patterns.borrow_mut();
        if let Some(pattern) = patterns.0.get(text) {
            return Ok(pattern.clone());
        }
        let mut field = Field::default();
        field.push(text, false);
        let pattern = Rc::new(Pattern::new(&field));
        if patterns.0.len() >= MAX_PATTERNS {
            patterns.0.clear();
        }
        patterns.0.insert(text.clone(), pattern.clone());
        Ok(pattern)
    }

    /// The elements of an array as a script wrote them.
    pub fn expand_elements(
        &mut self,
        elements: &[Element],
    ) -> Result<Vec<(Option<String>, bool, String)>, Flow> {
        let mut expanded = Vec::with_capacity(elements.len());
        for element in elements {
            match &element.subscript {
                Some(subscript) => {
                    let key = self.expand_text(subscript)?;
                    expanded.push((Some(key), element.append, self.expand_text(&element.value)?));
                }
                None => {
                    let words = self.expand_words(std::slice::from_ref(&element.value))?;
                    expanded.extend(words.into_iter().map(|word| (None, false, word)));
                }
            }
        }
        Ok(expanded)
    }

    fn expand_field(&mut self, word: &Word) -> Result<Field, Flow> {
        let mut fields = Fields::new(None);
        self.expand_pieces(&word.0, Mode::default(), &mut fields)?;
        Ok(fields.join())
    }

    /// Text as between double quotes: a here-document, an arithmetic expression.
    pub fn expand_quoted(&mut self, word: &Word) -> Result<String, Flow> {
        let mut text = String::new();
        self.append_text(&word.0, Mode { quoted: true, inside: false }, &mut text)?;
        Ok(text)
    }

    pub fn expand_arithmetic(&mut self, word: &Word) -> Result<i64, Flow> {
        if let [Piece::Text(text)] = word.0.as_slice() {
            return self.arithmetic(text);
        }
        let text = self.expand_quoted(word)?;
        self.arithmetic(&text)
    }

    fn separators(&self) -> &str {
        self.variable("IFS").unwrap_or(BLANKS)
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
                Piece::Process { writes, list } => {
                    let path = self.substitute_process(*writes, &list.0)?;
                    fields.quoted(&path);
                }
                Piece::Array(elements) => {
                    let elements = self.expand_elements(elements)?;
                    fields.quoted(&crate::builtins::declare::pack(&elements));
                }
            }
        }
        Ok(())
    }

    /// The directory that a tilde stands for.
    fn tilde(&self, name: &str) -> Option<String> {
        let variable = match name {
            "" => "HOME",
            "+" => "PWD",
            "-" => "OLDPWD",
            name => return crate::system::home_of(name),
        };
        self.variable(variable).map(str::to_owned)
    }
}

/// Whether it is one value as it is.
fn is_plain(parameter: &Parameter) -> bool {
    parameter.operation == Operation::Value && parameter.subscript.is_none() && is_one_value(parameter)
}

/// Whether it is about one value, not a list of them.
fn is_one_value(parameter: &Parameter) -> bool {
    let is_whole = match parameter.subscript {
        None => !matches!(parameter.name.as_str(), "@" | "*"),
        Some(Subscript::Element(_)) => true,
        Some(Subscript::All | Subscript::Joined) => false,
    };
    is_whole && !parameter.indirect
}

/// Whether a word is one field that matches no names, whatever is in its values: these are between double quotes.
fn is_one_field(pieces: &[Piece]) -> bool {
    let is_literal = |text: &str| !text.bytes().any(|byte| b"*?[(".contains(&byte));
    let is_one = |piece: &Piece| match piece {
        Piece::Text(_) | Piece::Quoted(_) | Piece::Arithmetic(_) | Piece::Command(_) => true,
        Piece::Parameter(parameter) => {
            let makes_one = matches!(
                parameter.operation,
                Operation::Value
                    | Operation::Length
                    | Operation::RemoveSuffix { .. }
                    | Operation::RemovePrefix { .. }
                    | Operation::Substring { .. }
            );
            makes_one && is_one_value(parameter)
        }
        _ => false,
    };
    pieces.iter().all(|piece| match piece {
        Piece::Text(text) => is_literal(text),
        Piece::Quoted(_) => true,
        Piece::DoubleQuoted(inner) => inner.iter().all(is_one),
        _ => false,
    }) && pieces.iter().any(|piece| !matches!(piece, Piece::Text(_)))
}

fn add(fields: &mut Fields, text: &str, mode: Mode) {
    if mode.quoted {
        fields.quoted(text);
    } else {
        fields.expansion(text);
    }
}
