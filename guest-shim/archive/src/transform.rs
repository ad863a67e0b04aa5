//! `tar --transform`: names that are changed by expressions of `sed`, over the crate `regex-lite`.

use regex_lite::{Captures, Regex, RegexBuilder};

/// One `s/expression/replacement/flags`.
pub struct Transform {
    expression: Regex,
    replacement: Vec<Part>,
    all: bool,
    /// Which match is replaced first, counted from 1.
    first: usize,
}

enum Part {
    Text(String),
    Group(usize),
}

impl Transform {
    /// Reads expressions that semicolons part.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let wrong = || "Invalid transform expression".to_owned();
        let mut found = vec![];
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let inner = rest.strip_prefix('s').ok_or_else(wrong)?;
            let delimiter = inner.chars().next().filter(|delimiter| *delimiter != '\\').ok_or_else(wrong)?;
            let inner = &inner[delimiter.len_utf8()..];
            let (expression, inner) = part(inner, delimiter).ok_or_else(wrong)?;
            let (replacement, inner) = part(inner, delimiter).ok_or_else(wrong)?;
            let (flags, after) = inner.split_once(';').unwrap_or((inner, ""));
            let (mut all, mut ignores, mut extended, mut first) = (false, false, false, String::new());
            for flag in flags.trim().chars() {
                match flag {
                    'g' => all = true,
                    'i' => ignores = true,
                    'x' => extended = true,
                    // Which kinds of names: all of them.
                    'r' | 'R' | 's' | 'S' | 'h' | 'H' => {}
                    digit if digit.is_ascii_digit() => first.push(digit),
                    other => return Err(format!("Unknown flag in transform expression: {other}")),
                }
            }
            let expression = if extended { expression } else { basic(&expression) };
            let built = RegexBuilder::new(&expression).case_insensitive(ignores).build();
            found.push(Self {
                expression: built.map_err(|error| format!("Invalid transform expression: {error}"))?,
                replacement: parts(&replacement),
                all,
                first: first.parse().unwrap_or(1).max(1),
            });
            rest = after.trim_start();
        }
        Ok(found)
    }

    pub fn apply(&self, name: &str) -> String {
        let (mut made, mut end) = (String::new(), 0);
        for (at, captures) in self.expression.captures_iter(name).enumerate() {
            let Some(whole) = captures.get(0) else { continue };
            if at + 1 < self.first || at + 1 > self.first && !self.all {
                continue;
            }
            made.push_str(&name[end..whole.start()]);
            self.replace(&captures, &mut made);
            end = whole.end();
        }
        made + &name[end..]
    }

    fn replace(&self, captures: &Captures, made: &mut String) {
        for part in &self.replacement {
            match part {
                Part::Text(text) => made.push_str(text),
                Part::Group(group) => made.push_str(captures.get(*group).map_or("", |found| found.as_str())),
            }
        }
    }
}

/// What stands before a delimiter, which a backslash makes an ordinary character, and what stands behind.
fn part(text: &str, delimiter: char) -> Option<(String, &str)> {
    let mut made = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == delimiter {
            return Some((made, &text[at + delimiter.len_utf8()..]));
        }
        if character == '\\' {
            let (_, next) = characters.next()?;
            if next != delimiter {
                made.push('\\');
            }
            made.push(next);
        } else {
            made.push(character);
        }
    }
    None
}

fn parts(text: &str) -> Vec<Part> {
    let mut made = vec![];
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let group = match character {
            '&' => Some(0),
            '\\' => match characters.next() {
                Some(digit) if digit.is_ascii_digit() => digit.to_digit(10),
                Some('n') => {
                    plain.push('\n');
                    None
                }
                other => {
                    plain.extend(other);
                    None
                }
            },
            other => {
                plain.push(other);
                None
            }
        };
        if let Some(group) = group {
            made.push(Part::Text(std::mem::take(&mut plain)));
            made.push(Part::Group(group as usize));
        }
    }
    made.push(Part::Text(plain));
    made
}

/// A basic expression of POSIX, with GNU's additions, as an extended one.
fn basic(text: &str) -> String {
    let mut made = String::new();
    let mut characters = text.chars().peekable();
    // Where a star is a star: at the beginning of an expression, a group or an alternative.
    let mut begins = true;
    while let Some(character) = characters.next() {
        let was_beginning = std::mem::take(&mut begins);
        match character {
            '\\' => match characters.next() {
                Some(bracket @ ('(' | '|')) => {
                    made.push(bracket);
                    begins = true;
                }
                Some(operator @ (')' | '{' | '}' | '+' | '?')) => made.push(operator),
                Some(other) => {
                    made.push('\\');
                    made.push(other);
                }
                None => made.push_str("\\\\"),
            },
            '*' if was_beginning => made.push_str("\\*"),
            '^' if was_beginning => {
                made.push('^');
                begins = true;
            }
            '$' if characters.peek().is_none() => made.push('$'),
            '(' | ')' | '{' | '}' | '+' | '?' | '|' | '^' | '$' => {
                made.push('\\');
                made.push(character);
            }
            '[' => {
                made.push('[');
                // A set is the same in both, its end but for one that comes first.
                let mut is_first = true;
                for inner in characters.by_ref() {
                    match inner {
                        '\\' => made.push_str("\\\\"),
                        ']' if is_first => made.push_str("\\]"),
                        inner => made.push(inner),
                    }
                    if inner == ']' && !is_first {
                        break;
                    }
                    is_first &= inner == '^' && is_first;
                }
            }
            other => made.push(other),
        }
    }
    made
}
