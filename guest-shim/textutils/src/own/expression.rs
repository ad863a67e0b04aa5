//! Regular expressions of POSIX, basic and extended with GNU's additions, over the crates that match.
//!
//! Owns: how an expression is read, and which crate does it. `regex-automata` does all without references back, of which
//! it takes the first alternative; where another may match more, it is asked for the longest. `onig` does those that refer
//! back to groups. Errors are in the words of glibc.

use std::cell::RefCell;

use onig::{EncodedBytes, MatchParam, RegexOptions, Region, SearchOptions};
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternID};

/// How an expression is meant.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub is_extended: bool,
    pub folds: bool,
    /// Both ends of lines are meant by `^` and `$`, and no dot is a newline.
    pub is_of_lines: bool,
    pub end_of_line: u8,
    /// Of characters, or of bytes.
    pub is_of_characters: bool,
}

/// Whether texts are of characters (UTF-8), by the environment.
pub fn is_of_characters() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let value = names.iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    value.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.ends_with(".utf-8") || value.ends_with(".utf8")
    })
}

/// Where something was found.
pub type Place = (usize, usize);

enum Engine {
    Automata {
        first: Regex,
        /// The same for the longest match from a place on, if that may be another.
        longest: Option<Regex>,
        slots: RefCell<Vec<Option<regex_automata::util::primitives::NonMaxUsize>>>,
    },
    Onig {
        regex: onig::Regex,
        is_of_characters: bool,
        region: RefCell<Region>,
    },
}

pub struct Expression {
    engine: Engine,
    /// How many groups there are.
    pub groups: usize,
}

/// The largest number of a repetition.
const MOST: u32 = 32767;

impl Expression {
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &[u8], kind: Kind) -> Result<Self, &'static str> {
        let letters = letters(text, kind.is_of_characters);
        let made = Translation::new(&letters, kind, false).made()?;
        let groups = made.groups;
        if made.refers {
            let made = Translation::new(&letters, kind, true).made()?;
            return Self::onig(&made, kind);
        }
        let build = |matches| {
            Regex::builder()
                .syntax(
                    syntax::Config::new()
                        .unicode(kind.is_of_characters)
                        .utf8(false)
                        .case_insensitive(kind.folds)
                        .multi_line(kind.is_of_lines)
                        .dot_matches_new_line(!kind.is_of_lines)
                        .line_terminator(b'\n'),
                )
                .configure(
                    meta::Config::new()
                        .match_kind(matches)
                        .utf8_empty(false)
                        .line_terminator(kind.end_of_line),
                )
                .build(&made.out)
                .map_err(|_| "Regular expression too big")
        };
        let first = build(MatchKind::LeftmostFirst)?;
        let longest = if made.may_be_longer { Some(build(MatchKind::All)?) } else { None };
        let slots = RefCell::new(vec![None; (groups + 1) * 2]);
        Ok(Expression { engine: Engine::Automata { first, longest, slots }, groups })
    }

    fn onig(made: &Made, kind: Kind) -> Result<Self, &'static str> {
        let mut options = RegexOptions::REGEX_OPTION_CAPTURE_GROUP;
        if kind.folds {
            options |= RegexOptions::REGEX_OPTION_IGNORECASE;
        }
        if !kind.is_of_lines {
            options |= RegexOptions::REGEX_OPTION_MULTILINE;
        }
        if made.may_be_longer {
            options |= RegexOptions::REGEX_OPTION_FIND_LONGEST;
        }
        // What is of bytes is written with escapes for them.
        let pattern = made.out.as_bytes();
        let built = if kind.is_of_characters {
            onig::Regex::with_options(&made.out, options, onig::Syntax::ruby())
        } else {
            let pattern = EncodedBytes::ascii(pattern);
            onig::Regex::with_options_and_encoding(pattern, options, onig::Syntax::ruby())
        };
        let regex = built.map_err(|_| "Invalid preceding regular expression")?;
        let (is_of_characters, region) = (kind.is_of_characters, RefCell::new(Region::new()));
        Ok(Expression { engine: Engine::Onig { regex, is_of_characters, region }, groups: made.groups })
    }

    /// The first place from one on.
    pub fn find(&self, text: &[u8], from: usize) -> Option<Place> {
        match &self.engine {
            Engine::Automata { first, longest, .. } => {
                let found = first.search(&Input::new(text).range(from..))?;
                let end = match longest {
                    Some(longest) => longest
                        .search(&Input::new(text).range(found.start()..).anchored(Anchored::Yes))
                        .map_or(found.end(), |found| found.end().max(found.start())),
                    None => found.end(),
                };
                Some((found.start(), end))
            }
            Engine::Onig { regex, is_of_characters, region } => {
                let mut region = region.borrow_mut();
                search(regex, *is_of_characters, text, from, &mut region).then(|| region.pos(0)).flatten()
            }
        }
    }

    /// The same with the places of the groups behind it.
    pub fn groups(&self, text: &[u8], from: usize, places: &mut Vec<Option<Place>>) -> bool {
        places.clear();
        match &self.engine {
            Engine::Automata { first, longest, slots } => {
                let mut slots = slots.borrow_mut();
                let whole = match longest {
                    None => Input::new(text).range(from..),
                    Some(_) => {
                        let Some(found) = first.search(&Input::new(text).range(from..)) else { return false };
                        Input::new(text).range(found.start()..).anchored(Anchored::Yes)
                    }
                };
                let regex = longest.as_ref().unwrap_or(first);
                if regex.search_slots(&whole, &mut slots) != Some(PatternID::ZERO) {
                    return false;
                }
                places.extend(slots.chunks(2).map(|pair| match pair {
                    [Some(start), Some(end)] => Some((start.get(), end.get())),
                    _ => None,
                }));
                true
            }
            Engine::Onig { regex, is_of_characters, region } => {
                let mut region = region.borrow_mut();
                if !search(regex, *is_of_characters, text, from, &mut region) {
                    return false;
                }
                places.extend((0..=self.groups).map(|number| region.pos(number)));
                true
            }
        }
    }
}

/// A text that is not UTF-8 is searched as far as it is. What takes too long to find is not there.
fn search(
    regex: &onig::Regex,
    is_of_characters: bool,
    text: &[u8],
    from: usize,
    region: &mut Region,
) -> bool {
    let options = SearchOptions::SEARCH_OPTION_NONE;
    let limits = MatchParam::default();
    region.clear();
    let found = if is_of_characters {
        let valid = match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
        };
        if from > valid.len() {
            return false;
        }
        regex.search_with_param(valid, from, valid.len(), options, Some(region), limits)
    } else {
        regex.search_with_param(EncodedBytes::ascii(text), from, text.len(), options, Some(region), limits)
    };
    matches!(found, Ok(Some(_)))
}

/// A byte that is part of no character.
const BYTES: u32 = 0x11_0000;

fn letters(text: &[u8], is_of_characters: bool) -> Vec<u32> {
    if !is_of_characters {
        return text
            .iter()
            .map(|byte| if byte.is_ascii() { u32::from(*byte) } else { BYTES + u32::from(*byte) })
            .collect();
    }
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.extend(chunk.valid().chars().map(u32::from));
        out.extend(chunk.invalid().iter().map(|byte| BYTES + u32::from(*byte)));
    }
    out
}

/// An expression as the crates read it.
struct Made {
    out: String,
    groups: usize,
    /// There are references back to groups.
    refers: bool,
    /// The first that matches need not be the longest.
    may_be_longer: bool,
}

struct Translation<'a> {
    letters: &'a [u32],
    at: usize,
    kind: Kind,
    is_for_onig: bool,
    out: String,
    /// Where that begins which may be repeated.
    atom: Option<usize>,
    /// It is already.
    is_repeated: bool,
    /// Nothing is before it but an anchor, or what opens.
    is_first: bool,
    /// Where groups begin that are open, each with its number.
    open: Vec<(usize, usize)>,
    closed: Vec<usize>,
    made: Made,
}

/// What means something else to one of the crates, somewhere.
const SPECIAL: &str = "\\.+*?()|[]{}^$#&-~";

const WRONG_REPETITION: &str = "Invalid preceding regular expression";
const UNMATCHED_BRACKET: &str = "Unmatched [, [^, [:, [., or [=";

impl<'a> Translation<'a> {
    fn new(letters: &'a [u32], kind: Kind, is_for_onig: bool) -> Self {
        let made = Made { out: String::new(), groups: 0, refers: false, may_be_longer: false };
        Translation {
            letters,
            at: 0,
            kind,
            is_for_onig,
            out: String::with_capacity(letters.len() + 16),
            atom: None,
            is_repeated: false,
            is_first: true,
            open: vec![],
            closed: vec![],
            made,
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).and_then(|letter| char::from_u32(*letter))
    }

    fn made(mut self) -> Result<Made, &'static str> {
        while let Some(&letter) = self.letters.get(self.at) {
            self.at += 1;
            let is_extended = self.kind.is_extended;
            match char::from_u32(letter) {
                Some('\\') => self.escaped()?,
                Some('[') => self.bracket()?,
                Some('.') => self.atom("."),
                Some('*') => self.repeat("*")?,
                Some('+') if is_extended => self.repeat("+")?,
                Some('?') if is_extended => self.repeat("?")?,
                Some('{') if is_extended => self.interval()?,
                Some('(') if is_extended => self.open(),
                Some(')') if is_extended => self.close()?,
                Some('|') if is_extended => self.alternative(),
                Some('^') if is_extended || self.is_first => {
                    self.anchor(if self.kind.is_of_lines { "^" } else { "\\A" });
                }
                Some('$') if is_extended || self.is_last() => {
                    self.anchor(if self.kind.is_of_lines { "$" } else { "\\z" });
                    // Another may follow only there.
                    self.is_first = is_extended;
                }
                _ => self.literal(letter),
            }
        }
        if !self.open.is_empty() {
            return Err("Unmatched ( or \\(");
        }
        self.made.out = self.out;
        Ok(self.made)
    }

    /// Whether a `$` is at an end, in basic expressions.
    fn is_last(&self) -> bool {
        match self.peek(0) {
            None => self.at >= self.letters.len(),
            Some('\\') => matches!(self.peek(1), Some(')' | '|')),
            Some(_) => false,
        }
    }

    fn atom(&mut self, text: &str) {
        self.atom = Some(self.out.len());
        self.out.push_str(text);
        (self.is_repeated, self.is_first) = (false, false);
    }

    /// What matches nothing but a place, and cannot be repeated.
    fn anchor(&mut self, text: &str) {
        self.out.push_str(text);
        (self.atom, self.is_first) = (None, true);
    }

    fn literal(&mut self, letter: u32) {
        let mut text = String::new();
        self.escape(letter, &mut text);
        self.atom(&text);
    }

    fn escape(&self, letter: u32, out: &mut String) {
        match char::from_u32(letter) {
            Some(letter) if SPECIAL.contains(letter) => out.extend(['\\', letter]),
            Some(letter) if letter.is_ascii_control() => {
                out.push_str(&format!("\\x{:02x}", u32::from(letter)))
            }
            Some(letter) => out.push(letter),
            None if self.kind.is_of_characters && !self.is_for_onig => {
                out.push_str(&format!("(?-u:\\x{:02x})", letter - BYTES));
            }
            None => out.push_str(&format!("\\x{:02x}", letter - BYTES)),
        }
    }

    fn escaped(&mut self) -> Result<(), &'static str> {
        let Some(&letter) = self.letters.get(self.at) else { return Err("Trailing backslash") };
        self.at += 1;
        let is_basic = !self.kind.is_extended;
        match char::from_u32(letter) {
            Some('(') if is_basic => self.open(),
            Some(')') if is_basic => self.close()?,
            Some('|') if is_basic => self.alternative(),
            Some('{') if is_basic => self.interval()?,
            Some('+') if is_basic => self.repeat("+")?,
            Some('?') if is_basic => self.repeat("?")?,
            Some(digit @ '1'..='9') => {
                let number = digit as usize - '0' as usize;
                if !self.closed.contains(&number) {
                    return Err("Invalid back reference");
                }
                self.made.refers = true;
                self.atom(&format!("(?:\\{digit})"));
            }
            Some('n') => self.literal(u32::from('\n')),
            Some(class @ ('w' | 'W' | 's' | 'S')) => self.atom(&format!("\\{class}")),
            Some(place @ ('b' | 'B')) => self.anchor(&format!("\\{place}")),
            Some('<') => self.anchor(if self.is_for_onig { "\\b(?=\\w)" } else { "\\b{start}" }),
            Some('>') => self.anchor(if self.is_for_onig { "\\b(?<=\\w)" } else { "\\b{end}" }),
            Some('`') => self.anchor("\\A"),
            Some('\'') => self.anchor("\\z"),
            _ => self.literal(letter),
        }
        Ok(())
    }

    fn open(&mut self) {
        self.made.groups += 1;
        self.open.push((self.out.len(), self.made.groups));
        self.out.push('(');
        (self.atom, self.is_first) = (None, true);
    }

    fn close(&mut self) -> Result<(), &'static str> {
        let Some((start, number)) = self.open.pop() else { return Err("Unmatched ) or \\)") };
        self.out.push(')');
        self.closed.push(number);
        self.atom = Some(start);
        (self.is_repeated, self.is_first) = (false, false);
        Ok(())
    }

    fn alternative(&mut self) {
        self.out.push('|');
        self.made.may_be_longer = true;
        (self.atom, self.is_first) = (None, true);
    }

    fn repeat(&mut self, how: &str) -> Result<(), &'static str> {
        let Some(start) = self.atom else {
            if self.kind.is_extended || how.starts_with('{') {
                return Err(WRONG_REPETITION);
            }
            self.literal(how.chars().next().map_or(0, u32::from));
            return Ok(());
        };
        // A group that may be left out can stand in the way of what follows it.
        self.made.may_be_longer |= self.out[start..].starts_with('(') && how != "+";
        if self.is_repeated {
            self.out.insert_str(start, "(?:");
            self.out.push(')');
        }
        self.out.push_str(how);
        (self.is_repeated, self.is_first) = (true, false);
        Ok(())
    }

    fn interval(&mut self) -> Result<(), &'static str> {
        if self.atom.is_none() {
            return Err(WRONG_REPETITION);
        }
        let (least, has_least) = self.number()?;
        let mut most = Some(least);
        if self.peek(0) == Some(',') {
            self.at += 1;
            let (number, is_there) = self.number()?;
            most = is_there.then_some(number);
        }
        let is_closed = if self.kind.is_extended {
            self.peek(0) == Some('}')
        } else {
            self.peek(0) == Some('\\') && self.peek(1) == Some('}')
        };
        if !is_closed || !has_least && most == Some(least) {
            let close = u32::from('}');
            let is_open = !self.letters[self.at.min(self.letters.len())..].contains(&close);
            return Err(if is_open { "Unmatched \\{" } else { "Invalid content of \\{\\}" });
        }
        self.at += if self.kind.is_extended { 1 } else { 2 };
        if most.is_some_and(|most| most < least) {
            return Err("Invalid content of \\{\\}");
        }
        if least > MOST || most.is_some_and(|most| most > MOST) {
            return Err("Regular expression too big");
        }
        let most = most.map(|most| most.to_string()).unwrap_or_default();
        self.repeat(&format!("{{{least},{most}}}"))
    }

    /// A number, which may be left out.
    fn number(&mut self) -> Result<(u32, bool), &'static str> {
        let (mut number, from) = (0u32, self.at);
        while let Some(digit) = self.peek(0).and_then(|letter| letter.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        Ok((number, self.at > from))
    }

    /// A bracket expression that has been opened.
    fn bracket(&mut self) -> Result<(), &'static str> {
        let mut text = String::from("[");
        if self.peek(0) == Some('^') {
            self.at += 1;
            text.push('^');
            if self.kind.is_of_lines {
                text.push_str("\\n");
            }
        }
        let begin = self.at;
        loop {
            let Some(&letter) = self.letters.get(self.at) else { return Err(UNMATCHED_BRACKET) };
            if letter == u32::from(']') && self.at > begin {
                self.at += 1;
                break;
            }
            if letter == u32::from('[') && self.peek(1) == Some(':') {
                let name = self.named(':')?;
                text.push_str(self.class(&name).ok_or("Invalid character class name")?);
                continue;
            }
            let start = self.element()?;
            if self.peek(0) == Some('-') && !matches!(self.peek(1), Some(']') | None) {
                self.at += 1;
                let end = self.element()?;
                if end < start {
                    return Err("Invalid range end");
                }
                self.in_set(start, &mut text);
                if end > start {
                    text.push('-');
                    self.in_set(end, &mut text);
                }
            } else {
                self.in_set(start, &mut text);
            }
        }
        text.push(']');
        self.atom(&text);
        Ok(())
    }

    /// A member of a set: a byte that is part of no character can be one only where all are bytes.
    fn in_set(&self, letter: u32, out: &mut String) {
        match char::from_u32(letter) {
            None if self.kind.is_of_characters => out.push_str(&format!("\\x{{{:x}}}", letter - BYTES)),
            _ => self.escape(letter, out),
        }
    }

    /// One end of a range.
    fn element(&mut self) -> Result<u32, &'static str> {
        let Some(&letter) = self.letters.get(self.at) else { return Err(UNMATCHED_BRACKET) };
        if letter == u32::from('[') {
            for kind in ['.', '='] {
                if self.peek(1) == Some(kind) {
                    let name = self.named(kind)?;
                    let mut name = name.chars();
                    return match (name.next(), name.next()) {
                        (Some(letter), None) => Ok(u32::from(letter)),
                        _ => Err("Invalid collation character"),
                    };
                }
            }
        }
        self.at += 1;
        Ok(letter)
    }

    /// What is between `[:` and `:]`, or their like.
    fn named(&mut self, kind: char) -> Result<String, &'static str> {
        self.at += 2;
        let mut name = String::new();
        loop {
            let letter = self.letters.get(self.at).ok_or(UNMATCHED_BRACKET)?;
            self.at += 1;
            if *letter == u32::from(kind) && self.peek(0) == Some(']') {
                self.at += 1;
                return Ok(name);
            }
            name.push(char::from_u32(*letter).unwrap_or('\u{fffd}'));
        }
    }

    fn class(&self, name: &str) -> Option<&'static str> {
        let (bytes, characters) = match name {
            "alpha" => ("[:alpha:]", "\\p{Alphabetic}"),
            "digit" => ("[:digit:]", "0-9"),
            "alnum" => ("[:alnum:]", "\\p{Alphabetic}\\p{Nd}"),
            "upper" => ("[:upper:]", "\\p{Uppercase}"),
            "lower" => ("[:lower:]", "\\p{Lowercase}"),
            "space" => ("\\t\\n\\x0b\\x0c\\r\\x20", "\\s"),
            "blank" => ("\\t\\x20", "\\t\\p{Zs}"),
            "punct" => ("[:punct:]", "\\p{P}\\p{S}"),
            "print" => ("[:print:]", "[^\\p{C}]"),
            "graph" => ("[:graph:]", "[^\\p{C}\\p{Z}]"),
            "cntrl" => ("[:cntrl:]", "\\p{Cc}"),
            "xdigit" => ("[:xdigit:]", "0-9A-Fa-f"),
            _ => return None,
        };
        Some(if self.kind.is_of_characters { characters } else { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(is_extended: bool) -> Kind {
        Kind { is_extended, folds: false, is_of_lines: false, end_of_line: b'\n', is_of_characters: true }
    }

    fn found(pattern: &str, is_extended: bool, text: &str) -> Option<Place> {
        Expression::new(pattern.as_bytes(), kind(is_extended)).unwrap().find(text.as_bytes(), 0)
    }

    #[test]
    fn basic_and_extended_expressions_differ() {
        for (pattern, is_extended, text, wanted) in [
            ("a+", false, "a+", Some((0, 2))),
            ("a+", true, "aa", Some((0, 2))),
            ("a\\+", false, "aa", Some((0, 2))),
            ("a\\+", true, "aa", None),
            ("*a", false, "b*a", Some((1, 3))),
            ("a^b$c", false, "a^b$c", Some((0, 5))),
            ("\\(^a\\|b$\\)", false, "cb", Some((1, 2))),
            ("foo|foobar", true, "xfoobar", Some((1, 7))),
            ("a?(ab)?", true, "ab", Some((0, 2))),
            ("a{2}{2}", true, "aaaaa", Some((0, 4))),
            ("[]a]*", true, "a]b", Some((0, 2))),
            ("[a\\]*", true, "a\\]", Some((0, 2))),
            ("(.)x\\1", true, "axbx\u{e9}x\u{e9}", Some((4, 9))),
            ("(a|ab)\\1", true, "abab", Some((0, 4))),
            ("[[:alpha:]]*", true, "a\u{e9}1", Some((0, 3))),
            ("\\<b\\>", true, "ab b", Some((3, 4))),
        ] {
            assert_eq!(found(pattern, is_extended, text), wanted, "{pattern}");
        }
    }

    #[test]
    fn bytes_and_groups() {
        let of_bytes = Kind { is_of_characters: false, ..kind(true) };
        let expression = Expression::new(b"(\xff|.)(.)\\2", of_bytes).unwrap();
        let mut places = vec![];
        assert!(expression.groups(b"ab\xff\xc3\xc3", 0, &mut places));
        assert_eq!(places, [Some((2, 5)), Some((2, 3)), Some((3, 4))]);
        let expression = Expression::new(b"\xff.", kind(true)).unwrap();
        assert_eq!(expression.find("\u{ff}a".as_bytes(), 0), None);
        assert_eq!(expression.find(b"\xff\xc3\xa9", 0), Some((0, 3)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (pattern, is_extended, wanted) in [
            ("*a", true, WRONG_REPETITION),
            ("a|*b", true, WRONG_REPETITION),
            ("^*", true, WRONG_REPETITION),
            ("\\{1\\}", false, WRONG_REPETITION),
            ("a{", true, "Unmatched \\{"),
            ("a{2,1}", true, "Invalid content of \\{\\}"),
            ("a{x}", true, "Invalid content of \\{\\}"),
            ("a{1,99999}", true, "Regular expression too big"),
            ("(a", true, "Unmatched ( or \\("),
            ("a\\)", false, "Unmatched ) or \\)"),
            ("[a", false, UNMATCHED_BRACKET),
            ("[b-a]", false, "Invalid range end"),
            ("[[:nope:]]", false, "Invalid character class name"),
            ("(a)\\2", true, "Invalid back reference"),
            ("a\\", true, "Trailing backslash"),
        ] {
            let outcome = Expression::new(pattern.as_bytes(), kind(is_extended)).err();
            assert_eq!(outcome, Some(wanted), "{pattern}");
        }
    }
}
