//! What each scope asks about, as a language: the texts that a pattern could ever be put to. A pattern that matches none
//! of them is a mistake (`"/bin/rm"` for a program, `"data/**"` for a path) and would be silently without effect.
//!
//! It is decided exactly, not by looks: pattern and language are walked together, as automata over bytes.

use std::collections::HashSet;

use regex_automata::nfa::thompson::{self, NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

use super::pattern::{self, Kind, Pattern};
use crate::abi::Signal;

/// What a scope asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Absolute paths without empty, `.` and `..` parts.
    Path,
    /// Paths of URLs as [`super::network`] puts them to patterns: decoded, without empty parts but for the last.
    UrlPath,
    /// Names of programs.
    Program,
    /// Names of signals.
    Signal,
    /// Names of environment variables.
    Variable,
    /// Names that a host function can have. Which there are is not asked: rules are written before functions are
    /// registered, and once for many VMs.
    HostFunction,
}

impl Subject {
    /// Checks a pattern for these.
    ///
    /// # Errors
    /// It is no glob, or can match none of them; then what would match is said.
    pub(crate) fn check(self, pattern: &Pattern) -> Result<(), String> {
        let text = pattern.as_str();
        if self == Subject::UrlPath && text.contains('%') {
            return Err(format!(
                "{text:?} matches no path: \"%\" and two digits are decoded before; write the character itself"
            ));
        }
        if self.meets(text)? {
            return Ok(());
        }
        Err(match self {
            Subject::Path => format!(
                "{text:?} matches no path: paths begin with \"/\" and have no empty, \".\" or \"..\" part, as in \"/data/**\""
            ),
            Subject::UrlPath => format!(
                "{text:?} matches no path of an URL: paths begin with \"/\", have no empty, \".\" or \"..\" part before the \
                 last, no query and no backslash, as in \"/v1/**\""
            ),
            Subject::Program => format!(
                "{text:?} matches no program: programs go by their name alone, whatever path leads to them, as in \"rm\""
            ),
            Subject::Signal => {
                format!("{text:?} matches no signal: signals go by their whole name, as in \"SIGTERM\"")
            }
            Subject::Variable => {
                format!(
                    "{text:?} matches no variable: a name is not empty and has no \"=\" or NUL, as in \"*_TOKEN\""
                )
            }
            Subject::HostFunction => format!(
                "{text:?} matches no host function: those are called \"name\" or \"collection.name\", as in \"orders.*\""
            ),
        })
    }

    fn kind(self) -> Kind {
        match self {
            Subject::Path | Subject::UrlPath => Kind::Path,
            _ => Kind::Name,
        }
    }

    /// Whether the pattern matches any of these.
    fn meets(self, text: &str) -> Result<bool, String> {
        let expression = pattern::expression(text, self.kind())?;
        let nfa = NFA::compiler()
            .syntax(pattern::syntax())
            .configure(thompson::Config::new().utf8(false).which_captures(thompson::WhichCaptures::None))
            .build(&expression)
            .map_err(|_| format!("the pattern {text:?} is too large"))?;
        Ok(match self {
            Subject::Path => meets(&nfa, &PATHS),
            Subject::UrlPath => meets(&nfa, &URL_PATHS),
            Subject::Program => meets(&nfa, &PROGRAMS),
            Subject::Variable => meets(&nfa, &VARIABLES),
            Subject::HostFunction => meets(&nfa, &HOST_FUNCTIONS),
            Subject::Signal => Signal::ALL.iter().any(|signal| meets(&nfa, &Only(signal.name().as_bytes()))),
        })
    }
}

/// A set of texts, as an automaton that takes one byte after the other and begins in state 0, to which it never returns.
trait Language {
    /// The state after a byte; none where no text goes on with it.
    fn step(&self, state: usize, byte: u8) -> Option<usize>;
    /// Whether a text may end in a state.
    fn ends(&self, state: usize) -> bool;
    /// Bytes of which any two beside each other are alike, and between which they are not.
    fn edges(&self) -> &[u8];
}

/// A language of few states, over few kinds of bytes.
struct Table {
    /// Where the next kind of byte begins.
    edges: &'static [u8],
    step: fn(usize, u8) -> Option<usize>,
    ends: &'static [usize],
}

impl Language for Table {
    fn step(&self, state: usize, byte: u8) -> Option<usize> {
        (self.step)(state, byte)
    }

    fn ends(&self, state: usize) -> bool {
        self.ends.contains(&state)
    }

    fn edges(&self) -> &[u8] {
        self.edges
    }
}

/// 1: the root; 2: after a further `/`; 3: `.`; 4: `..`; 5: any other part.
const PATHS: Table = Table {
    edges: &[0, 1, b'.', b'/', b'0'],
    step: |state, byte| match (state, byte) {
        (_, 0) => None,
        (0, b'/') => Some(1),
        (0, _) | (1..=4, b'/') => None,
        (5, b'/') => Some(2),
        (1 | 2, b'.') => Some(3),
        (3, b'.') => Some(4),
        _ => Some(5),
    },
    ends: &[1, 5],
};

/// As of [`PATHS`], but the last part may be empty, and there are no controls and no backslash.
const URL_PATHS: Table = Table {
    edges: &[0, b' ', b'.', b'/', b'0', b'\\', b']', 0x7f, 0x80],
    step: |state, byte| match byte {
        0..b' ' | b'\\' | 0x7f => None,
        _ => (PATHS.step)(state, byte),
    },
    ends: &[1, 2, 5],
};

/// 1: a name.
const PROGRAMS: Table = Table {
    edges: &[0, 1, b'/', b'0'],
    step: |_, byte| (byte != 0 && byte != b'/').then_some(1),
    ends: &[1],
};

/// 1: a name.
const VARIABLES: Table = Table {
    edges: &[0, 1, b'=', b'>'],
    step: |_, byte| (byte != 0 && byte != b'=').then_some(1),
    ends: &[1],
};

/// 1: the first name; 2: after the `.`; 3: the second.
const HOST_FUNCTIONS: Table = Table {
    edges: &[0, b'$', b'%', b'.', b'/', b'0', b':', b'A', b'[', b'_', b'`', b'a', b'{'],
    step: |state, byte| match (state, byte) {
        (0 | 1, b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'$') | (1, b'0'..=b'9') => Some(1),
        (1, b'.') => Some(2),
        (2 | 3, b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'$') | (3, b'0'..=b'9') => Some(3),
        _ => None,
    },
    ends: &[1, 3],
};

/// One text.
struct Only<'a>(&'a [u8]);

impl Language for Only<'_> {
    fn step(&self, state: usize, byte: u8) -> Option<usize> {
        (self.0.get(state) == Some(&byte)).then_some(state + 1)
    }

    fn ends(&self, state: usize) -> bool {
        state == self.0.len()
    }

    fn edges(&self) -> &[u8] {
        self.0
    }
}

/// Where a walk of both is. `over`: the pattern has asked for the end of the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    pattern: StateID,
    text: usize,
    over: bool,
}

/// Whether a pattern matches a text of the language. Visits each pair of states once.
fn meets(nfa: &NFA, language: &impl Language) -> bool {
    let start = Place { pattern: nfa.start_anchored(), text: 0, over: false };
    let (mut seen, mut open) = (HashSet::from([start]), vec![start]);
    while let Some(place) = open.pop() {
        let mut visit = |next: Place| {
            if seen.insert(next) {
                open.push(next);
            }
        };
        let mut consume = |from: u8, to: u8, next: StateID| {
            if place.over {
                return;
            }
            // One byte of each kind that the range holds stands for all of them.
            let firsts = language.edges().iter().filter(|&&edge| from < edge && edge <= to);
            for &byte in firsts.chain([&from]) {
                if let Some(text) = language.step(place.text, byte) {
                    visit(Place { pattern: next, text, over: false });
                }
            }
        };
        match nfa.state(place.pattern) {
            State::ByteRange { trans } => consume(trans.start, trans.end, trans.next),
            State::Sparse(sparse) => {
                sparse.transitions.iter().for_each(|trans| consume(trans.start, trans.end, trans.next));
            }
            State::Dense(dense) => (0..=u8::MAX).for_each(|byte| {
                if let Some(next) = dense.matches_byte(byte) {
                    consume(byte, byte, next);
                }
            }),
            State::Look { look: Look::Start, next } => {
                if place.text == 0 {
                    visit(Place { pattern: *next, ..place });
                }
            }
            State::Look { look: Look::End, next } => visit(Place { pattern: *next, over: true, ..place }),
            // No glob asks for more; if one did, it would not be refused.
            State::Look { next, .. } | State::Capture { next, .. } => {
                visit(Place { pattern: *next, ..place })
            }
            State::Union { alternates } => {
                alternates.iter().for_each(|next| visit(Place { pattern: *next, ..place }));
            }
            State::BinaryUnion { alt1, alt2 } => {
                [alt1, alt2].into_iter().for_each(|next| visit(Place { pattern: *next, ..place }));
            }
            State::Fail => {}
            State::Match { .. } => {
                if language.ends(place.text) {
                    return true;
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pattern::Matcher;
    use super::*;

    fn checked(subject: Subject, text: &str) -> Result<(), String> {
        subject.check(&Pattern::new(text).unwrap())
    }

    #[test]
    fn what_can_match_is_taken_and_what_cannot_is_refused() {
        type Case = (Subject, &'static [&'static str], &'static [&'static str]);
        let cases: [Case; 5] = [
            (
                Subject::Path,
                &[
                    "/", "/**", "**", "**/x", "/a{,/**}", "{a,/b}", "/a/*.key", "/...", "/.a", "/a/?",
                    "/[ab]", "/\\*",
                ],
                &[
                    "", "a", "*", "?", "*.key", "data/**", "./a", "/a/", "/a//b", "//", "/.", "/..",
                    "/a/../b", "/a/./b", "/a/..", "{a,b}", "/a[/]b", "/a\0b", "[/]a", "\\/\\/",
                ],
            ),
            (
                Subject::Program,
                &["rm", "*", "?", "[", "**", "{/bin/,}rm", "[!a]", "a b"],
                &["", "/bin/rm", "/bin/*", "rm/", "*/rm", "a\0"],
            ),
            (
                Subject::Signal,
                &["SIGTERM", "*", "SIG*", "*TERM", "SIG{INT,FOO}", "SIGUSR?"],
                &["", "TERM", "15", "sigterm", "SIG", "SIGRTMIN", "SIGUSR??"],
            ),
            (
                Subject::Variable,
                &["TOKEN", "*", "*_TOKEN", "a/b", "[!=]", "A.B"],
                &["", "A=B", "A=*", "*=", "=", "[=]", "A\0"],
            ),
            (
                Subject::HostFunction,
                &["add", "orders.*", "*", "*.list", "*.*", "$x", "a[0-9]", "*a*.*b*"],
                &["", "orders/list", "a.b.c", "*.*.*", "1a", "a-b", ".a", "a.", "a b", "*-*", "ä"],
            ),
        ];
        for (subject, good, bad) in cases {
            for text in good.iter().filter(|&&text| text != "[") {
                assert_eq!(checked(subject, text), Ok(()), "{subject:?} {text:?}");
            }
            for text in bad {
                let told = checked(subject, text).expect_err(text);
                assert!(
                    told.contains(" matches no ") && told.contains("as in"),
                    "{subject:?} {text:?}: {told}"
                );
            }
        }
        assert!(checked(Subject::Program, "[").unwrap_err().contains("no glob"));
    }

    /// What patterns are made of.
    const PIECES: &[&str] = &[
        "/", "a", ".", "*", "**", "/**", "?", "[!a]", "[.-0]", "{a,", "{,", "}", ",", "=", "\0", "\\", "SIG",
        "TERM", "é",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
        #[test]
        fn a_pattern_that_is_refused_matches_nothing_that_is_asked_about(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..8),
            path in "(/(a|\\.a|\\.\\.\\.|é|=)){1,4}|/",
            program in "(a|\\.|=|é){1,4}",
            variable in "(a|\\.|/|é){1,4}",
            function in "(a|SIG){1,2}(\\.(a|TERM)){0,1}",
            signal in prop::sample::select(Signal::ALL),
        ) {
            let text = pieces.concat();
            let subjects = [
                (Subject::Path, path.as_str()), (Subject::Program, &program), (Subject::Variable, &variable),
                (Subject::HostFunction, &function), (Subject::Signal, signal.name()),
            ];
            for (subject, asked) in subjects {
                let Ok(matcher) = Matcher::new(&[Pattern::new(text.as_str()).unwrap()], subject.kind()) else { continue };
                if matcher.matches(asked) {
                    prop_assert_eq!(checked(subject, &text), Ok(()), "matches {:?}", asked);
                }
            }
        }
    }
}
