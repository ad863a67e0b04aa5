//! Regular expressions of `=~`: from POSIX's extended ones, of which a script may have quoted parts, to those of the crate
//! that matches them. Pure.

use super::fields::Field;
use crate::{
    state::{Flow, Shell},
    syntax::tree::Word,
};

impl Shell {
    /// The expression that a word is, its expansions done.
    pub fn expand_expression(&mut self, word: &Word) -> Result<String, Flow> {
        Ok(translate(&self.expand_field(word)?))
    }
}

fn translate(field: &Field) -> String {
    let mut source: Vec<(char, bool)> = Vec::new();
    for (text, quoted) in field.parts() {
        source.extend(text.chars().map(|character| (character, quoted)));
    }
    let mut expression = String::new();
    let mut at = 0;
    while let Some(&(character, quoted)) = source.get(at) {
        at += 1;
        if quoted {
            literal(&mut expression, character);
            continue;
        }
        match character {
            '[' => at = bracket(&source, at, &mut expression),
            '\\' => match source.get(at) {
                Some(&(next, _)) => {
                    at += 1;
                    match next {
                        // GNU's: ends of words, and classes.
                        '<' => expression.push_str("\\b"),
                        '>' => expression.push_str("\\b"),
                        'b' | 'B' | 'w' | 'W' | 's' | 'S' => expression.extend(['\\', next]),
                        _ => literal(&mut expression, next),
                    }
                }
                None => expression.push_str("\\\\"),
            },
            '{' => match source.get(at) {
                Some(&(',', false)) => expression.push_str("{0"),
                Some(&(digit, false)) if digit.is_ascii_digit() => expression.push('{'),
                _ => expression.push_str("\\{"),
            },
            _ => expression.push(character),
        }
    }
    expression
}

fn literal(expression: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        expression.push('\\');
    }
    expression.push(character);
}

/// A bracket expression, whose `[` was read; where it ends.
fn bracket(source: &[(char, bool)], start: usize, expression: &mut String) -> usize {
    let is = |at: usize, expected: char| {
        source.get(at).is_some_and(|(character, quoted)| *character == expected && !quoted)
    };
    let mut at = start;
    let mut inside = String::from("[");
    if is(at, '^') {
        inside.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let Some(&(character, _)) = source.get(at) else {
            // Never closed: the bracket is itself.
            expression.push_str("\\[");
            return start;
        };
        if is(at, ']') && at > first {
            inside.push(']');
            expression.push_str(&inside);
            return at + 1;
        }
        if is(at, '[') && is(at + 1, ':') {
            let close = (at + 2..source.len()).find(|&at| is(at, ':') && is(at + 1, ']'));
            if let Some(close) = close {
                inside.extend(source[at..close + 2].iter().map(|(character, _)| *character));
                at = close + 2;
                continue;
            }
        }
        if character == '-' && at > first && !is(at + 1, ']') {
            inside.push('-');
        } else if "\\[]&~^-".contains(character) {
            inside.extend(['\\', character]);
        } else {
            inside.push(character);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_posix_become_those_of_the_crate() {
        for (text, quoted, expected) in [
            ("^a+(b|c)$", "", "^a+(b|c)$"),
            ("a", ".b", "a\\.b"),
            ("[[:alpha:]_-]+", "", "[[:alpha:]_\\-]+"),
            ("[a\\.]", "", "[a\\\\.]"),
            ("x{,3}", "", "x{0,3}"),
            ("a{b", "", "a\\{b"),
            ("[]a]", "", "[\\]a]"),
            ("[a", "", "\\[a"),
        ] {
            let mut field = Field::default();
            field.push(text, false);
            field.push(quoted, true);
            let expression = translate(&field);
            assert_eq!(expression, expected, "{text}");
            assert!(regex_lite::Regex::new(&expression).is_ok(), "{text}");
        }
    }
}
