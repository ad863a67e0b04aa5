//! Globs of permission rules: their texts, and what they are compiled to.
//!
//! Reading one costs its bytes and nothing more. It is compiled where a configuration is checked and where a policy is
//! made, after all patterns together were found to be within bounds.

use globset::GlobBuilder;
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest pattern, in bytes.
const LONGEST: usize = 4096;
/// Bytes that a thread may keep of what it learned about one rule's patterns while it matched them.
const CACHE_BYTES: usize = 256 * 1024;

/// A glob: `?`, `*` (within one part of a path), `**` (any parts), `[…]` (no `/` in a path), `{a,b}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern as it is written; whether it is a glob is found out when a configuration is checked.
    ///
    /// # Errors
    /// It is too long.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        if text.len() > LONGEST {
            return Err(format!("a pattern is longer than {LONGEST} bytes"));
        }
        Ok(Pattern(text))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
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

/// What patterns are put to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Absolute paths: `*`, `?` and classes stay within one part.
    Path,
    /// Names, of which a slash is a part like any other.
    Name,
}

/// The patterns of one rule, compiled.
#[derive(Debug)]
pub(super) struct Matcher(Regex);

impl Matcher {
    /// Compiles patterns.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn new(patterns: &[Pattern], kind: Kind) -> Result<Matcher, String> {
        let expressions: Result<Vec<String>, String> =
            patterns.iter().map(|pattern| expression(pattern.as_str(), kind)).collect();
        Regex::builder()
            .configure(
                meta::Config::new().which_captures(WhichCaptures::None).hybrid_cache_capacity(CACHE_BYTES),
            )
            .syntax(syntax())
            .build_many(&expressions?)
            .map(Matcher)
            .map_err(|_| "the patterns of one rule are too large".to_owned())
    }

    /// Whether one of the patterns matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// How the expressions of globs are read.
pub(super) fn syntax() -> syntax::Config {
    syntax::Config::new().utf8(false).dot_matches_new_line(true)
}

/// The expression of a glob as `globset` reads it, and for paths as it does not: there `[!a]` would match a `/`.
pub(super) fn expression(text: &str, kind: Kind) -> Result<String, String> {
    let glob = GlobBuilder::new(text)
        .literal_separator(kind == Kind::Path)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map_err(|error| format!("the pattern {text:?} is no glob: {}", error.kind()))?;
    Ok(match kind {
        Kind::Path => without_separators(glob.regex()),
        Kind::Name => glob.regex().to_owned(),
    })
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

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pattern::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
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
