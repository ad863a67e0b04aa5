//! Shell patterns (POSIX.1-2024 XCU 2.14): matching of names, of `case` words and of parts of values. Our own because
//! quoted characters stand for themselves, which the crates that match globs by their text can't be told.

use std::collections::BTreeSet;

use super::fields::Field;
use crate::syntax::MAX_NESTING;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Many,
    Bracket {
        negated: bool,
        items: Vec<Item>,
    },
    /// bash's `?(a|b)` and its like.
    Group {
        times: Times,
        alternatives: Vec<Pattern>,
    },
}

/// How often one of the alternatives of a group has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    AtMostOnce,
    Any,
    AtLeastOnce,
    Once,
    /// What is there must not be one of them.
    Not,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Char(char),
    Range(char, char),
    Class(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Alnum,
    Alpha,
    Blank,
    Cntrl,
    Digit,
    Graph,
    Lower,
    Print,
    Punct,
    Space,
    Upper,
    Xdigit,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern(pub Vec<Token>);

/// A character of the pattern's source.
#[derive(Clone, Copy)]
struct Source {
    character: char,
    quoted: bool,
}

impl Pattern {
    pub fn new(field: &Field) -> Pattern {
        let mut source = Vec::new();
        for (text, quoted) in field.parts() {
            let mut characters = text.chars();
            while let Some(character) = characters.next() {
                // A backslash that came out of an expansion protects what follows it.
                if character == '\\' && !quoted {
                    match characters.next() {
                        Some(character) => source.push(Source { character, quoted: true }),
                        None => source.push(Source { character, quoted: true }),
                    }
                } else {
                    source.push(Source { character, quoted });
                }
            }
        }
        Pattern::compile(&source, 0)
    }

    fn compile(source: &[Source], depth: usize) -> Pattern {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(&Source { character, quoted }) = source.get(at) {
            at += 1;
            if !quoted
                && depth < MAX_NESTING
                && let Some((token, end)) = group(source, character, at, depth)
            {
                tokens.push(token);
                at = end;
                continue;
            }
            tokens.push(match character {
                _ if quoted => Token::Char(character),
                '?' => Token::Any,
                '*' if tokens.ends_with(&[Token::Many, Token::Many]) => continue,
                '*' => Token::Many,
                '[' => match bracket(source, at) {
                    Some((token, end)) => {
                        at = end;
                        token
                    }
                    None => Token::Char('['),
                },
                _ => Token::Char(character),
            });
        }
        Pattern(tokens)
    }

    /// The same pattern for letters of either case.
    pub fn ignoring_case(self) -> Pattern {
        let both = |item: Item| {
            let upper = |character: char| character.to_uppercase().next().unwrap_or(character);
            let lower = |character: char| character.to_lowercase().next().unwrap_or(character);
            match item {
                Item::Char(character) => vec![Item::Char(upper(character)), Item::Char(lower(character))],
                Item::Range(first, last) => {
                    vec![Item::Range(upper(first), upper(last)), Item::Range(lower(first), lower(last))]
                }
                Item::Class(Class::Lower | Class::Upper) => vec![Item::Class(Class::Alpha)],
                Item::Class(_) => vec![item],
            }
        };
        let tokens = self.0.into_iter().map(|token| match token {
            Token::Char(character) if character.is_alphabetic() => {
                Token::Bracket { negated: false, items: both(Item::Char(character)) }
            }
            Token::Bracket { negated, items } => {
                Token::Bracket { negated, items: items.into_iter().flat_map(both).collect() }
            }
            Token::Group { times, alternatives } => Token::Group {
                times,
                alternatives: alternatives.into_iter().map(Pattern::ignoring_case).collect(),
            },
            other => other,
        });
        Pattern(tokens.collect())
    }

    fn has_groups(&self) -> bool {
        self.0.iter().any(|token| matches!(token, Token::Group { .. }))
    }

    /// Every place where a match that begins at one of `starts` can end. Steps through all ways at once, so that no
    /// pattern takes longer than the square of the text.
    fn ends(&self, text: &str, starts: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut places = starts;
        for token in &self.0 {
            places = token.ends(text, &places);
            if places.is_empty() {
                break;
            }
        }
        places
    }

    /// The text it matches and nothing else, if it is such a pattern.
    pub fn as_literal(&self) -> Option<String> {
        let characters = self.0.iter().map(|token| match token {
            Token::Char(character) => Some(*character),
            _ => None,
        });
        characters.collect()
    }

    /// The patterns between its slashes.
    pub fn components(&self) -> impl Iterator<Item = Pattern> {
        self.0.split(|token| *token == Token::Char('/')).map(|tokens| Pattern(tokens.to_vec()))
    }

    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        if self.has_groups() {
            return self.ends(text, BTreeSet::from([0])).contains(&text.len());
        }
        let tokens = &self.0;
        let (mut at, mut rest) = (0, text);
        // Where to go on when what follows the last `*` does not match here.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let mut characters = rest.chars();
            let next = characters.next();
            match (tokens.get(at), next) {
                (None, None) => return true,
                (Some(Token::Many), _) => {
                    retry = Some((at, rest));
                    at += 1;
                    continue;
                }
                (Some(token), Some(character)) if token.accepts(character) => {
                    at += 1;
                    rest = characters.as_str();
                    continue;
                }
                _ => {}
            }
            let Some((star, from)) = retry else { return false };
            let mut skipped = from.chars();
            if skipped.next().is_none() {
                return false;
            }
            rest = skipped.as_str();
            retry = Some((star, rest));
            at = star + 1;
        }
    }

    /// What remains of `text` without the prefix that matches.
    pub fn without_prefix<'a>(&self, text: &'a str, longest: bool) -> &'a str {
        let ends = boundaries(text);
        let matching = |end: &usize| self.matches(&text[..*end]);
        let end = if longest { ends.rev().find(matching) } else { ends.clone().find(matching) };
        end.map_or(text, |end| &text[end..])
    }

    /// What remains of `text` without the suffix that matches.
    pub fn without_suffix<'a>(&self, text: &'a str, longest: bool) -> &'a str {
        let starts = boundaries(text);
        let matching = |start: &usize| self.matches(&text[*start..]);
        let start = if longest { starts.clone().find(matching) } else { starts.rev().find(matching) };
        start.map_or(text, |start| &text[..start])
    }

    /// The longest match that begins at `start`, as its end.
    pub fn longest_match_at(&self, text: &str, start: usize) -> Option<usize> {
        boundaries(text).rev().filter(|end| *end >= start).find(|end| self.matches(&text[start..*end]))
    }
}

/// Every offset at which `text` can be cut.
fn boundaries(text: &str) -> impl DoubleEndedIterator<Item = usize> + Clone {
    text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len()))
}

impl Token {
    fn accepts(&self, character: char) -> bool {
        match self {
            Token::Char(expected) => *expected == character,
            Token::Any => true,
            Token::Many | Token::Group { .. } => false,
            Token::Bracket { negated, items } => {
                let listed = items.iter().any(|item| match item {
                    Item::Char(expected) => *expected == character,
                    Item::Range(first, last) => (*first..=*last).contains(&character),
                    Item::Class(class) => class.contains(character),
                });
                listed != *negated
            }
        }
    }
}

impl Token {
    fn ends(&self, text: &str, starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        let once = |alternatives: &[Pattern], starts: &BTreeSet<usize>| -> BTreeSet<usize> {
            alternatives.iter().flat_map(|alternative| alternative.ends(text, starts.clone())).collect()
        };
        let from = |start: usize| boundaries(&text[start..]).map(move |end| start + end);
        match self {
            Token::Many => starts.first().map(|first| from(*first).collect()).unwrap_or_default(),
            Token::Group { times: Times::Once, alternatives } => once(alternatives, starts),
            Token::Group { times: Times::AtMostOnce, alternatives } => &once(alternatives, starts) | starts,
            Token::Group { times: times @ (Times::Any | Times::AtLeastOnce), alternatives } => {
                let mut found = if *times == Times::Any { starts.clone() } else { BTreeSet::new() };
                let mut new = starts.clone();
                while !new.is_empty() {
                    let next = once(alternatives, &new);
                    new = &next - &found;
                    found.extend(&new);
                }
                found
            }
            Token::Group { times: Times::Not, alternatives } => {
                let rest = |start: &usize| {
                    let matching = once(alternatives, &BTreeSet::from([*start]));
                    from(*start).filter(move |end| !matching.contains(end))
                };
                starts.iter().flat_map(rest).collect()
            }
            single => {
                let step = |start: &usize| {
                    let character = text[*start..].chars().next()?;
                    single.accepts(character).then_some(start + character.len_utf8())
                };
                starts.iter().filter_map(step).collect()
            }
        }
    }
}

/// The group that `sign` begins when a `(` follows, and where it ends.
fn group(source: &[Source], sign: char, start: usize, depth: usize) -> Option<(Token, usize)> {
    let times = match sign {
        '?' => Times::AtMostOnce,
        '*' => Times::Any,
        '+' => Times::AtLeastOnce,
        '@' => Times::Once,
        '!' => Times::Not,
        _ => return None,
    };
    let active = |at: usize, expected: char| {
        source.get(at).is_some_and(|source| !source.quoted && source.character == expected)
    };
    if !active(start, '(') {
        return None;
    }
    let mut alternatives = Vec::new();
    let (mut at, mut begin, mut open) = (start + 1, start + 1, 0usize);
    loop {
        source.get(at)?;
        if active(at, '(') {
            open += 1;
        } else if active(at, ')') && open > 0 {
            open -= 1;
        } else if (active(at, '|') && open == 0) || active(at, ')') {
            alternatives.push(Pattern::compile(&source[begin..at], depth + 1));
            begin = at + 1;
            if active(at, ')') {
                return Some((Token::Group { times, alternatives }, at + 1));
            }
        }
        at += 1;
    }
}

/// The bracket expression after a `[`, and where it ends. None when no `]` closes it: then `[` is an ordinary character.
fn bracket(source: &[Source], start: usize) -> Option<(Token, usize)> {
    let active = |at: usize, expected: char| {
        source.get(at).is_some_and(|source| !source.quoted && source.character == expected)
    };
    let mut at = start;
    let negated = active(at, '!') || active(at, '^');
    at += usize::from(negated);
    let first = at;
    let mut items = Vec::new();
    loop {
        let Source { character, .. } = *source.get(at)?;
        if active(at, ']') && at > first {
            return Some((Token::Bracket { negated, items }, at + 1));
        }
        if active(at, '[') && active(at + 1, ':') {
            let close = (at + 2..source.len()).find(|&at| active(at, ':') && active(at + 1, ']'));
            if let Some(close) = close {
                let name: String = source[at + 2..close].iter().map(|source| source.character).collect();
                items.extend(Class::named(&name).map(Item::Class));
                at = close + 2;
                continue;
            }
        }
        // A collating symbol or an equivalence class: in this locale, the character itself.
        if active(at, '[')
            && let Some(sign) = ['.', '='].into_iter().find(|sign| active(at + 1, *sign))
            && active(at + 3, sign)
            && active(at + 4, ']')
        {
            items.push(Item::Char(source.get(at + 2)?.character));
            at += 5;
            continue;
        }
        let end = source.get(at + 2).filter(|_| active(at + 1, '-') && !active(at + 2, ']'));
        match end {
            Some(end) => {
                items.push(Item::Range(character, end.character));
                at += 3;
            }
            None => {
                items.push(Item::Char(character));
                at += 1;
            }
        }
    }
}

impl Class {
    fn named(name: &str) -> Option<Class> {
        Some(match name {
            "alnum" => Class::Alnum,
            "alpha" => Class::Alpha,
            "blank" => Class::Blank,
            "cntrl" => Class::Cntrl,
            "digit" => Class::Digit,
            "graph" => Class::Graph,
            "lower" => Class::Lower,
            "print" => Class::Print,
            "punct" => Class::Punct,
            "space" => Class::Space,
            "upper" => Class::Upper,
            "xdigit" => Class::Xdigit,
            _ => return None,
        })
    }

    fn contains(self, character: char) -> bool {
        match self {
            Class::Alnum => character.is_alphanumeric(),
            Class::Alpha => character.is_alphabetic(),
            Class::Blank => matches!(character, ' ' | '\t'),
            Class::Cntrl => character.is_control(),
            Class::Digit => character.is_ascii_digit(),
            Class::Graph => !character.is_control() && !character.is_whitespace(),
            Class::Lower => character.is_lowercase(),
            Class::Print => !character.is_control(),
            Class::Punct => character.is_ascii_punctuation(),
            Class::Space => character.is_whitespace(),
            Class::Upper => character.is_uppercase(),
            Class::Xdigit => character.is_ascii_hexdigit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut field = Field::default();
        field.push(text, false);
        Pattern::new(&field)
    }

    #[test]
    fn stars_backtrack() {
        assert!(pattern("*a*b").matches("xaxbab"));
        assert!(!pattern("*a*b").matches("xaxba"));
        assert!(pattern("").matches(""));
        assert!(pattern("***").matches("anything"));
    }

    #[test]
    fn brackets() {
        assert!(pattern("[a-c]x").matches("bx"));
        assert!(pattern("[!a-c]").matches("d"));
        assert!(pattern("[]]").matches("]"));
        assert!(pattern("[[:digit:]_]").matches("7"));
        assert!(pattern("[a").matches("[a"));
        assert!(pattern("[a-]").matches("-"));
    }

    #[test]
    fn groups_of_bash() {
        for (text, yes, no) in [
            ("@(a|bc)d", "bcd", "bd"),
            ("?(a)b", "b", "aab"),
            ("*(ab)c", "ababc", "abac"),
            ("+(a|b)", "abba", ""),
            ("!(*.txt)", "a.c", "a.txt"),
            ("a!(b)c", "axc", "abc"),
            ("@(a|@(b|c))", "c", "d"),
        ] {
            assert!(pattern(text).matches(yes), "{text}");
            assert!(!pattern(text).matches(no), "{text}");
        }
        assert!(!pattern("+(a|aa|aaa)b").matches(&"a".repeat(200)));
        assert!(pattern("AbC[x-z]").ignoring_case().matches("aBcY"));
    }

    #[test]
    fn quoted_characters_stand_for_themselves() {
        let mut field = Field::default();
        field.push("*", true);
        field.push("?", false);
        assert!(Pattern::new(&field).matches("*x"));
        assert!(!Pattern::new(&field).matches("yx"));
        assert!(pattern("\\*").matches("*"));
    }

    #[test]
    fn prefixes_and_suffixes() {
        assert_eq!(pattern("*/").without_prefix("a/b/c", false), "b/c");
        assert_eq!(pattern("*/").without_prefix("a/b/c", true), "c");
        assert_eq!(pattern(".*").without_suffix("a.b.c", false), "a.b");
        assert_eq!(pattern(".*").without_suffix("a.b.c", true), "a");
        assert_eq!(pattern("é").without_suffix("caffé", true), "caff");
    }
}
