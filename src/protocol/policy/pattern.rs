//! Globs of permission rules, compiled when they are read.

use globset::GlobBuilder;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest pattern, in bytes.
const LONGEST: usize = 4096;

/// A glob: `?`, `*` (within one part of a path), `**` (any parts), `[…]` (no `/` in a path), `{a,b}`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    path: Regex,
    name: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a pattern is longer than {LONGEST} bytes"));
        }
        Ok(Pattern { text: text.to_owned(), path: compile(text, true)?, name: compile(text, false)? })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn matches_path(&self, path: &str) -> bool {
        self.path.is_match(path)
    }

    pub(super) fn matches_name(&self, name: &str) -> bool {
        self.name.is_match(name)
    }

    /// Whether the pattern may match something below `directory`. Errs on the side of yes.
    pub(super) fn reaches_below(&self, directory: &str) -> bool {
        let text = self.as_str();
        let fixed = &text[..text.find(['?', '*', '[', '{', '\\']).unwrap_or(text.len())];
        let directory = directory.trim_end_matches('/');
        if fixed.len() == text.len() {
            return fixed.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
        }
        match fixed.strip_prefix(directory) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => directory.starts_with(fixed),
        }
    }
}

/// Compiles a glob as `globset` reads it, and for paths as it does not: there `[!a]` would match a `/`.
fn compile(text: &str, for_paths: bool) -> Result<Regex, String> {
    let glob = GlobBuilder::new(text)
        .literal_separator(for_paths)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map_err(|error| format!("the pattern {text:?} is no glob: {}", error.kind()))?;
    let expression = if for_paths { without_separators(glob.regex()) } else { glob.regex().to_owned() };
    Regex::builder()
        .syntax(syntax::Config::new().utf8(false).dot_matches_new_line(true))
        .build(&expression)
        .map_err(|_| format!("the pattern {text:?} is too large"))
}

/// Takes `/` out of every class of an expression. A bracket that is no class's is escaped in it.
fn without_separators(expression: &str) -> String {
    let mut result = String::with_capacity(expression.len());
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => result.extend([character].into_iter().chain(characters.next())),
            '[' => result.push_str("[["),
            ']' => result.push_str("]&&[^/]]"),
            _ => result.push(character),
        }
    }
    result
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pattern::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
mod schema {
    //! On the wire a pattern is a string.
    use std::borrow::Cow;

    impl ts_rs::TS for super::Pattern {
        type WithoutGenerics = Self;
        type OptionInnerType = Self;
        fn name(_: &ts_rs::Config) -> String {
            "string".to_owned()
        }
        fn inline(config: &ts_rs::Config) -> String {
            Self::name(config)
        }
    }

    impl schemars::JsonSchema for super::Pattern {
        fn schema_name() -> Cow<'static, str> {
            "Pattern".into()
        }
        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            schemars::json_schema!({ "type": "string", "maxLength": super::LONGEST })
        }
    }
}
