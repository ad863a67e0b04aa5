//! What bash makes of values: letters of another case, and the operators `@Q` and its like.

use super::pattern::Pattern;
use crate::{quote, state::Shell, syntax::word, variables::Variable};

/// `value` with its first letter, or all of them, in the other case, where they match.
pub fn case(value: &str, upper: bool, all: bool, pattern: Option<&Pattern>) -> String {
    let mut changed = String::with_capacity(value.len());
    for (index, character) in value.chars().enumerate() {
        let applies = (all || index == 0)
            && pattern.is_none_or(|pattern| pattern.matches(character.encode_utf8(&mut [0; 4])));
        match (applies, upper) {
            (false, _) => changed.push(character),
            (true, true) => changed.extend(character.to_uppercase()),
            (true, false) => changed.extend(character.to_lowercase()),
        }
    }
    changed
}

impl Shell {
    /// What the operator makes of one value; none if there is no such operator, or it is not of this kind.
    pub(super) fn transform(&mut self, operator: char, value: &str) -> Option<String> {
        Some(match operator {
            'Q' | 'K' | 'k' => quote::reusable(value),
            'U' => value.to_uppercase(),
            'L' => value.to_lowercase(),
            'u' => case(value, true, false, None),
            'E' => word::unescape_ansi(value),
            'P' => self.prompt(value),
            _ => return None,
        })
    }

    /// A prompt with its escapes and expansions done.
    pub fn prompt(&mut self, text: &str) -> String {
        let mut unescaped = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '\\' {
                unescaped.push(character);
                continue;
            }
            match characters.next() {
                Some('u') => unescaped.push_str(self.variable("USER").unwrap_or("user")),
                Some('h' | 'H') => unescaped.push_str(self.variable("HOSTNAME").unwrap_or("localhost")),
                Some('w') => unescaped.push_str(&self.short_directory()),
                Some('W') => {
                    let directory = self.short_directory();
                    let name = directory.rsplit('/').next().filter(|name| !name.is_empty());
                    unescaped.push_str(name.unwrap_or("/"));
                }
                Some('s') => unescaped.push_str("bash"),
                Some('v') => unescaped.push_str("5.2"),
                Some('V') => unescaped.push_str("5.2.15"),
                Some('$') => unescaped.push('$'),
                Some('n') => unescaped.push('\n'),
                Some('r') => unescaped.push('\r'),
                Some('a') => unescaped.push('\u{7}'),
                Some('e') => unescaped.push('\u{1b}'),
                Some('\\') => unescaped.push_str("\\\\"),
                Some('[' | ']') => {}
                Some(other) => unescaped.extend(['\\', other]),
                None => unescaped.push('\\'),
            }
        }
        let Ok(word) = word::expanded_text(&unescaped, self.line, 0) else { return unescaped };
        let before = (self.status, self.substitution_status, self.line);
        let expanded = self.expand_quoted(&word);
        (self.status, self.substitution_status, self.line) = before;
        expanded.unwrap_or(unescaped)
    }

    /// The current directory, with the home directory as a tilde.
    fn short_directory(&self) -> String {
        let directory = self.variable("PWD").unwrap_or_default();
        match self.variable("HOME").and_then(|home| directory.strip_prefix(home)) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
            _ => directory.to_owned(),
        }
    }
}

/// `@A`: the command that makes the variable.
pub fn declaration(name: &str, variable: &Variable) -> String {
    let attributes = variable.attributes();
    match (&variable.value, attributes.is_empty()) {
        (None, _) => format!("declare -{attributes} {name}"),
        (Some(crate::variables::Value::Text(text)), true) => format!("{name}={}", quote::reusable(text)),
        (Some(crate::variables::Value::Text(text)), false) => {
            format!("declare -{attributes} {name}={}", quote::reusable(text))
        }
        (Some(_), _) => format!("declare -{attributes} {name}={}", variable.shown().unwrap_or_default()),
    }
}
