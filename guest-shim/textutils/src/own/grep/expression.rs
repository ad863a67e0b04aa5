//! POSIX's regular expressions in the words of the crate `regex`, for lines of ASCII: those that mean the same there for
//! certain. What is left out, back-references above all, and what is wrong is Oniguruma's.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Fixed,
    Basic,
    Extended,
}

/// An expression that matches within a line.
pub struct Expression {
    pub text: String,
    /// It matches nothing that is empty.
    pub takes_something: bool,
}

/// How deeply groups may nest.
const MAX_DEPTH: usize = 50;
/// How often something may be asked to stand there.
const MAX_REPEATS: u32 = 255;

/// None for what is not known.
pub fn translated(text: &str, kind: Kind, ignores_case: bool) -> Option<Expression> {
    if kind == Kind::Fixed {
        return Some(Expression { text: regex::escape(text), takes_something: !text.is_empty() });
    }
    let is_extended = kind == Kind::Extended;
    let mut reader = Reader { rest: text.chars().peekable(), out: String::new(), is_extended, ignores_case };
    let takes_something = reader.alternatives(0)?;
    Some(Expression { text: reader.out, takes_something })
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    is_extended: bool,
    ignores_case: bool,
}

/// What stands at a place, whichever way it is written.
enum Token {
    Literal(char),
    Open,
    Close,
    Or,
    Any,
    Bracket,
    Start,
    End,
    /// How often at least and at most.
    Repeat(u32, Option<u32>),
    /// An assertion, or a set.
    Escape(char),
}

/// The last thing in a sequence, which a repetition would be of.
#[derive(Clone, Copy)]
struct Last {
    /// Where it begins, if it can be repeated.
    start: Option<usize>,
    takes_something: bool,
}

impl Reader<'_> {
    /// Everything up to the end of a group. Whether it takes something, whichever alternative matches.
    fn alternatives(&mut self, depth: usize) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        const NOTHING: Last = Last { start: None, takes_something: false };
        let mut every_takes = true;
        let mut takes = false;
        let mut begins = true;
        let mut last = NOTHING;
        loop {
            let Some(token) = self.token(begins)? else {
                return (depth == 0).then_some(every_takes && (takes || last.takes_something));
            };
            let start = self.out.len();
            let mut is_new = true;
            let was_beginning = std::mem::replace(&mut begins, false);
            let next = match token {
                Token::Close if depth > 0 => return Some(every_takes && (takes || last.takes_something)),
                Token::Close => return None,
                Token::Or => {
                    self.out.push('|');
                    every_takes &= takes || last.takes_something;
                    (takes, begins, last) = (false, true, NOTHING);
                    continue;
                }
                Token::Start => {
                    self.out.push('^');
                    begins = was_beginning;
                    NOTHING
                }
                Token::End => {
                    self.out.push('$');
                    NOTHING
                }
                Token::Repeat(least, most) => {
                    let repeated = self.out.split_off(last.start?);
                    let most = most.map_or_else(String::new, |most| most.to_string());
                    self.out.push_str(&format!("(?:{repeated}{{{least},{most}}})"));
                    is_new = false;
                    Last { takes_something: last.takes_something && least > 0, ..last }
                }
                Token::Open => {
                    self.out.push_str("(?:");
                    let takes_something = self.alternatives(depth + 1)?;
                    self.out.push(')');
                    Last { start: Some(start), takes_something }
                }
                Token::Literal(letter) => {
                    self.out.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
                    Last { start: Some(start), takes_something: true }
                }
                Token::Any => {
                    self.out.push('.');
                    Last { start: Some(start), takes_something: true }
                }
                Token::Bracket => {
                    self.bracket()?;
                    Last { start: Some(start), takes_something: true }
                }
                Token::Escape(letter) => {
                    let (text, is_set) = escape(letter)?;
                    self.out.push_str(text);
                    Last { start: is_set.then_some(start), takes_something: is_set }
                }
            };
            if is_new {
                takes |= last.takes_something;
            }
            last = next;
        }
    }

    /// The next one: none for what is not known, in it none at the end.
    fn token(&mut self, begins: bool) -> Option<Option<Token>> {
        let Some(letter) = self.rest.next() else { return Some(None) };
        let is_escaped = letter == '\\';
        let letter = if is_escaped { self.rest.next()? } else { letter };
        Some(Some(match letter {
            // Signs that mean something with a backslash in basic expressions, and without one in others.
            '(' | ')' | '|' | '+' | '?' | '{' if is_escaped != self.is_extended => match letter {
                '(' => Token::Open,
                ')' => Token::Close,
                '|' => Token::Or,
                '+' => Token::Repeat(1, None),
                '?' => Token::Repeat(0, Some(1)),
                _ => self.interval()?,
            },
            '*' if !is_escaped && begins => {
                if self.is_extended {
                    return None;
                }
                Token::Literal('*')
            }
            '*' if !is_escaped => Token::Repeat(0, None),
            '.' if !is_escaped => Token::Any,
            '[' if !is_escaped => Token::Bracket,
            '^' if !is_escaped && (self.is_extended || begins) => Token::Start,
            '$' if !is_escaped && (self.is_extended || self.is_at_end()) => Token::End,
            letter if !is_escaped || letter.is_ascii_punctuation() && !"`'<>".contains(letter) => {
                Token::Literal(letter)
            }
            letter => Token::Escape(letter),
        }))
    }

    /// Whether a basic expression, or an alternative of it, ends here.
    fn is_at_end(&self) -> bool {
        let mut rest = self.rest.clone();
        match rest.next() {
            None => true,
            Some('\\') => matches!(rest.next(), Some(')' | '|')),
            Some(_) => false,
        }
    }

    /// `{n}`, `{n,}`, `{n,m}` or `{,m}`, of which the bracket was read.
    fn interval(&mut self) -> Option<Token> {
        let least = self.number();
        let most = if self.rest.next_if_eq(&',').is_some() { self.number() } else { Some(least?) };
        if !self.is_extended {
            self.rest.next_if_eq(&'\\')?;
        }
        self.rest.next_if_eq(&'}')?;
        let least = least.or(most.map(|_| 0))?;
        let is_known = least <= most.unwrap_or(least) && most.unwrap_or(least) <= MAX_REPEATS;
        is_known.then_some(Token::Repeat(least, most))
    }

    fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok()
    }

    /// A set of characters, of which the bracket was read.
    fn bracket(&mut self) -> Option<()> {
        let is_negated = self.rest.next_if_eq(&'^').is_some();
        let mut members = [false; 128];
        let mut is_first = true;
        loop {
            let letter = self.rest.next()?;
            if letter == ']' && !is_first {
                break;
            }
            if letter == ':' && is_first {
                // Most likely a class without its own brackets, which is an error.
                return None;
            }
            is_first = false;
            if letter == '[' && self.rest.peek() == Some(&':') {
                self.rest.next();
                let class = class(&self.name()?)?;
                (0..128).filter(class).for_each(|byte| members[usize::from(byte)] = true);
                continue;
            }
            let from = self.member(letter)?;
            let mut ahead = self.rest.clone();
            let to = match (ahead.next(), ahead.next()) {
                (Some('-'), Some(to)) if to != ']' => {
                    self.rest.nth(1);
                    self.member(to)?
                }
                _ => from,
            };
            if to < from {
                return None;
            }
            members[usize::from(from)..=usize::from(to)].fill(true);
        }
        if self.ignores_case {
            for letter in b'a'..=b'z' {
                let upper = usize::from(letter.to_ascii_uppercase());
                let either = members[usize::from(letter)] || members[upper];
                (members[usize::from(letter)], members[upper]) = (either, either);
            }
        }
        self.out.push('[');
        let mut is_empty = true;
        for byte in (0..128u8).filter(|byte| *byte != b'\n' && members[usize::from(*byte)] != is_negated) {
            self.out.push_str(&format!("\\x{byte:02x}"));
            is_empty = false;
        }
        self.out.push(']');
        (!is_empty).then_some(())
    }

    /// A character of a set that stands for itself.
    fn member(&self, letter: char) -> Option<u8> {
        let is_special = letter == '[' && matches!(self.rest.clone().next(), Some('.' | '=' | ':'));
        u8::try_from(letter).ok().filter(|byte| byte.is_ascii() && !is_special)
    }

    /// What stands before `:]`.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        while let Some(letter) = self.rest.next_if(char::is_ascii_lowercase) {
            name.push(letter);
        }
        self.rest.next_if_eq(&':')?;
        self.rest.next_if_eq(&']')?;
        Some(name)
    }
}

/// What a backslash and a letter mean, and whether that is a character of a set. Newlines are in none.
fn escape(letter: char) -> Option<(&'static str, bool)> {
    Some(match letter {
        '<' => (r"\b{start}", false),
        '>' => (r"\b{end}", false),
        'b' => (r"\b", false),
        'B' => (r"\B", false),
        'w' => ("[0-9A-Za-z_]", true),
        'W' => (r"[^0-9A-Za-z_\n]", true),
        's' => (r"[\t\x0b\x0c\r ]", true),
        'S' => (r"[^\t\n\x0b\x0c\r ]", true),
        _ => return None,
    })
}

fn class(name: &str) -> Option<fn(&u8) -> bool> {
    Some(match name {
        "alnum" => u8::is_ascii_alphanumeric,
        "alpha" => u8::is_ascii_alphabetic,
        "blank" => |byte| matches!(byte, b' ' | b'\t'),
        "cntrl" => u8::is_ascii_control,
        "digit" => u8::is_ascii_digit,
        "graph" => u8::is_ascii_graphic,
        "lower" => u8::is_ascii_lowercase,
        "print" => |byte| matches!(byte, b' '..=b'~'),
        "punct" => u8::is_ascii_punctuation,
        "space" => |byte| matches!(byte, b' ' | 9..=13),
        "upper" => u8::is_ascii_uppercase,
        "xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::bytes::RegexBuilder;

    fn matches(kind: Kind, ignores_case: bool, text: &str, line: &str) -> Option<bool> {
        let expression = translated(text, kind, ignores_case)?;
        let regex = RegexBuilder::new(&expression.text)
            .unicode(false)
            .multi_line(true)
            .case_insensitive(ignores_case)
            .build()
            .unwrap();
        Some(regex.is_match(line.as_bytes()))
    }

    #[test]
    fn expressions_match_what_they_do_in_posix() {
        use Kind::{Basic, Extended};
        for (kind, text, matching, other) in [
            (Basic, "a*b", "xb", "ac"),
            (Basic, "*a", "*a", "a"),
            (Basic, "^*a", "*a", "xa"),
            (Basic, "\\(ab\\)\\{2\\}", "abab", "ab"),
            (Basic, "a\\|b", "b", "c"),
            (Basic, "a+", "a+", "aa"),
            (Basic, "a\\+b", "aab", "b"),
            (Basic, "(a)", "(a)", "a"),
            (Basic, "a$\\|^b", "xa", "ax"),
            (Basic, "a\\{,2\\}b$", "aab", "a"),
            (Basic, "\\<foo\\>", "a foo b", "food"),
            (Extended, "^(a|bc)+$", "abca", "abb"),
            (Extended, "a{2,3}x", "aax", "ax"),
            (Extended, "a+?", "b", "\n"),
            (Extended, "[^a-c]$", "xd", "xa"),
            (Extended, "[]a-]x", "-x", "bx"),
            (Extended, "[[:digit:]_]+", "_1", "a"),
            (Extended, "\\.\\(", "a.(", "a("),
            (Extended, "\\w\\W\\s\\S", "a  b", "aabb"),
            (Extended, "a\\b", "a b", "ab"),
        ] {
            assert_eq!(matches(kind, false, text, matching), Some(true), "{text}");
            if other != "\n" {
                assert_eq!(matches(kind, false, text, other), Some(false), "{text}");
            }
        }
        assert_eq!(matches(Basic, true, "[^A]", "a"), Some(false));
        assert_eq!(matches(Basic, true, "[B-D]X", "cx"), Some(true));
        assert_eq!(matches(Kind::Fixed, false, "a.b", "axb"), Some(false));
    }

    #[test]
    fn what_is_not_known_is_left() {
        for text in [
            "(a)\\1",
            "*a",
            "a|*b",
            "(",
            "a)",
            "[[.a.]]",
            "[[=a=]]",
            "[:digit:]",
            "[é]",
            "a{x}",
            "a{3,2}",
            "[",
            "a\\",
        ] {
            assert!(translated(text, Kind::Extended, false).is_none(), "{text}");
        }
        for text in ["\\(a\\)\\1", "\\(", "a\\)", "\\{1\\}", "a\\{1", "\\+a", "\\d"] {
            assert!(translated(text, Kind::Basic, false).is_none(), "{text}");
        }
    }

    #[test]
    fn whether_something_is_taken() {
        for (text, expected) in [
            ("a", true),
            ("a*", false),
            ("a*b", true),
            ("a|b*", false),
            ("(a|b)c?", true),
            ("(a?)+", false),
            ("^", false),
            ("", false),
        ] {
            let expression = translated(text, Kind::Extended, false).unwrap();
            assert_eq!(expression.takes_something, expected, "{text}");
        }
    }
}
