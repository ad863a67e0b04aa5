//! Patterns of names as utilities take them, by the crate `glob`: `*`, `?`, brackets, and a backslash before what is to
//! stand for itself. A slash is a character like others, and a dot at the beginning too.

use std::borrow::Cow;

use glob::{MatchOptions, Pattern};

/// Whether a name fits a pattern, the case of letters aside if `folds`. A bracket that is not closed stands for itself.
pub fn fits(pattern: &str, name: &str, folds: bool) -> bool {
    NamePattern::new(pattern, folds).fits(name)
}

/// A pattern that many names are compared with.
pub struct NamePattern {
    folds: bool,
    form: Form,
}

enum Form {
    /// What has no stars but at its ends and nothing else of a pattern, and whether it has one before and one behind it.
    Plain(String, bool, bool),
    General(Pattern),
    /// No name fits it.
    None,
}

impl NamePattern {
    pub fn new(pattern: &str, folds: bool) -> NamePattern {
        let pattern = if folds { pattern.to_lowercase() } else { pattern.to_owned() };
        let plain = pattern.trim_matches('*');
        let form = if plain.is_empty() || plain.contains(['*', '?', '[', '\\']) {
            // What `translated` makes is a pattern; no name is fitted by what is none.
            Pattern::new(&translated(&pattern)).map_or(Form::None, Form::General)
        } else {
            Form::Plain(plain.to_owned(), pattern.starts_with('*'), pattern.ends_with('*'))
        };
        NamePattern { folds, form }
    }

    pub fn fits(&self, name: &str) -> bool {
        let name: Cow<'_, str> = if self.folds { name.to_lowercase().into() } else { name.into() };
        match &self.form {
            Form::Plain(text, false, false) => *name == *text,
            Form::Plain(text, true, false) => name.ends_with(text),
            Form::Plain(text, false, true) => name.starts_with(text),
            Form::Plain(text, true, true) => name.contains(text),
            Form::General(pattern) => pattern.matches_with(&name, MatchOptions::new()),
            Form::None => false,
        }
    }
}

/// In the words of the crate, which knows no backslash, no `[^`, and takes two stars for something else.
fn translated(pattern: &str) -> String {
    let mut translated = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\\' => {
                let next = rest.chars().next();
                rest = &rest[next.map_or(0, char::len_utf8)..];
                translated.push_str(&Pattern::escape(next.unwrap_or(letter).encode_utf8(&mut [0; 4])));
            }
            '*' if translated.ends_with('*') => {}
            '[' => match bracket(rest) {
                Some((is_negated, inside, after)) => {
                    translated.push_str(if is_negated { "[!" } else { "[" });
                    translated.push_str(inside);
                    translated.push(']');
                    rest = after;
                }
                None => translated.push_str("[[]"),
            },
            letter => translated.push(letter),
        }
    }
    translated
}

/// What is in a bracket that has been opened, whether that is what may not stand there, and what follows.
fn bracket(text: &str) -> Option<(bool, &str, &str)> {
    let inside = text.strip_prefix(['!', '^']);
    let is_negated = inside.is_some();
    let text = inside.unwrap_or(text);
    // One that comes first closes nothing.
    let first = text.chars().next()?.len_utf8();
    let end = first + text[first..].find(']')?;
    Some((is_negated, &text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn names_fit_patterns() {
        for (pattern, name) in [
            ("*.c", ".c"),
            ("a*c", "a/b/c"),
            ("a**c", "abc"),
            ("?", "\u{e9}"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a-c]x", "dx"),
            ("[]]", "]"),
            ("[!]]", "a"),
            ("\\*", "*"),
            ("a\\", "a\\"),
            ("[a", "[a"),
            ("[", "["),
            ("*[", "x["),
            ("*", ""),
            ("*.txt", ".txt"),
            ("**b*", "abc"),
            ("a*", "a"),
        ] {
            assert!(fits(pattern, name, false), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.c", "c"),
            ("[!a]", "a"),
            ("[^a]", "a"),
            ("\\*", "a"),
            ("a", "A"),
            ("", "a"),
            ("[]]", "a"),
            ("a*", "ba"),
            ("*a", "ab"),
            ("*b*", "ac"),
        ] {
            assert!(!fits(pattern, name, false), "{pattern} {name}");
        }
        assert!(!fits("A*[X-Z]", "bay0", true) && fits("A*[X-Z]", "aby", true));
    }
}
