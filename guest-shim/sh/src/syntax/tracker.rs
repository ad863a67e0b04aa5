//! Follows the shape of a command while its tokens are read: where a command name may stand, which `case` a `)` belongs
//! to, whether a newline ends the command. This is not the grammar (the parser decides what is right); it tells the
//! lexer when to hand over and where `$(` ends.

use super::extent::Extent;

const RESERVED: [&str; 19] = [
    "!", "[[", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "then",
    "time", "until", "while", "{", "}",
];

fn is_assignment(word: &str) -> bool {
    let extent = Extent { text: word, first_line: 1, depth: 0 };
    extent.assigned_value(0).is_ok_and(|value| value.is_some())
}

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Paren,
    /// `{`, `if` and what follows it, `while`, `until`, and `for` after its words.
    Block,
    For(ForPart),
    Case(CasePart),
    /// `[[`
    Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ForPart {
    Name,
    In,
    Words { any: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CasePart {
    Subject,
    In,
    Pattern { first: bool },
    Body,
}

#[derive(Debug)]
pub struct Tracker {
    frames: Vec<Frame>,
    /// The next word may be a reserved word or a command name.
    at_start: bool,
    /// Only assignments were read of the command: the next word may still be its name.
    after_assignments: bool,
    /// An operator such as `&&` or `|` wants more.
    wants_more: bool,
    /// The next word belongs to a redirection or to the word `function`.
    skip_word: bool,
    /// The last token was a word that could name a function.
    after_name: bool,
    /// `name (` was read.
    in_function_parens: bool,
}

/// What a `)` closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    Something,
    /// Nothing that was opened here.
    Outer,
}

impl Tracker {
    pub fn new() -> Self {
        Tracker {
            frames: Vec::new(),
            at_start: true,
            after_assignments: false,
            wants_more: false,
            skip_word: false,
            after_name: false,
            in_function_parens: false,
        }
    }

    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Whether a newline here ends a complete command.
    pub fn complete(&self) -> bool {
        self.frames.is_empty() && !self.wants_more
    }

    /// Whether `((` here begins an arithmetic command or the head of an arithmetic `for`.
    pub fn arithmetic_may_start(&self) -> bool {
        (self.at_start && !self.skip_word && !self.in_pattern())
            || self.top() == Some(Frame::For(ForPart::Name))
    }

    /// An arithmetic head was read whole.
    pub fn arithmetic(&mut self) {
        if self.top() == Some(Frame::For(ForPart::Name)) {
            self.set_top(Frame::Block);
        }
        self.wants_more = false;
        self.at_start = true;
    }

    fn top(&self) -> Option<Frame> {
        self.frames.last().copied()
    }

    fn set_top(&mut self, frame: Frame) {
        if let Some(top) = self.frames.last_mut() {
            *top = frame;
        }
    }

    fn in_pattern(&self) -> bool {
        matches!(self.top(), Some(Frame::Case(CasePart::Pattern { .. })))
    }

    pub fn word(&mut self, word: &str) {
        if std::mem::take(&mut self.skip_word) {
            return;
        }
        self.wants_more = false;
        self.after_name = false;
        match self.top() {
            Some(Frame::Test) => {
                if word == "]]" {
                    self.frames.pop();
                    self.at_start = true;
                }
                return;
            }
            Some(Frame::For(ForPart::Name)) => return self.set_top(Frame::For(ForPart::In)),
            Some(Frame::For(ForPart::In)) => {
                if word == "in" {
                    self.set_top(Frame::For(ForPart::Words { any: false }));
                } else if word == "do" {
                    self.set_top(Frame::Block);
                    self.at_start = true;
                }
                return;
            }
            Some(Frame::For(ForPart::Words { .. })) => {
                return self.set_top(Frame::For(ForPart::Words { any: true }));
            }
            Some(Frame::Case(CasePart::Subject)) => return self.set_top(Frame::Case(CasePart::In)),
            Some(Frame::Case(CasePart::In)) => {
                if word == "in" {
                    self.set_top(Frame::Case(CasePart::Pattern { first: true }));
                }
                return;
            }
            Some(Frame::Case(CasePart::Pattern { first })) => {
                if first && word == "esac" {
                    self.frames.pop();
                    self.at_start = true;
                } else {
                    self.set_top(Frame::Case(CasePart::Pattern { first: false }));
                }
                return;
            }
            _ => {}
        }
        if self.at_start {
            self.command_word(word);
        } else {
            self.after_assignments &= is_assignment(word);
        }
    }

    /// Whether a word here may be the name of a command, and is no reserved word: an alias, then.
    pub fn alias_may_stand(&self, word: &str) -> bool {
        let names_nothing = matches!(
            self.top(),
            Some(
                Frame::Test
                    | Frame::For(_)
                    | Frame::Case(CasePart::Subject | CasePart::In | CasePart::Pattern { .. })
            )
        );
        let begins = self.after_assignments || (self.at_start && !RESERVED.contains(&word));
        begins && !self.skip_word && !names_nothing
    }

    fn command_word(&mut self, word: &str) {
        match word {
            "if" | "while" | "until" | "{" => self.frames.push(Frame::Block),
            "for" | "select" => self.frames.push(Frame::For(ForPart::Name)),
            "case" => self.frames.push(Frame::Case(CasePart::Subject)),
            "[[" => self.frames.push(Frame::Test),
            "then" | "elif" | "else" | "do" | "!" | "time" => {}
            "fi" | "done" | "}" => {
                if self.top() == Some(Frame::Block) {
                    self.frames.pop();
                }
            }
            "esac" => {
                if self.top() == Some(Frame::Case(CasePart::Body)) {
                    self.frames.pop();
                }
            }
            "function" => {
                self.skip_word = true;
                self.wants_more = true;
            }
            _ => {
                self.at_start = false;
                self.after_name = true;
                self.after_assignments = is_assignment(word);
            }
        }
    }

    /// Whether a reserved word may stand here.
    pub fn keyword_may_stand(&self) -> bool {
        let elsewhere = matches!(
            self.top(),
            Some(
                Frame::Test
                    | Frame::For(_)
                    | Frame::Case(CasePart::Subject | CasePart::In | CasePart::Pattern { .. })
            )
        );
        self.at_start && !self.skip_word && !elsewhere
    }

    /// Whether a pattern may stand here that is not the first of its arm.
    pub fn later_pattern_may_stand(&self) -> bool {
        self.top() == Some(Frame::Case(CasePart::Pattern { first: false }))
    }

    /// Whether an assignment may stand here.
    pub fn assignment_may_stand(&self) -> bool {
        !self.skip_word && (self.after_assignments || self.keyword_may_stand())
    }

    pub fn in_test(&self) -> bool {
        self.top() == Some(Frame::Test)
    }

    /// Whether the name of a `for` was read and its `in` may follow.
    pub fn for_parameters(&self) -> bool {
        self.top() == Some(Frame::For(ForPart::In))
    }

    /// Whether a separator here must be preceded by a marker, because `for name in` has no words.
    pub fn for_words_are_missing(&self) -> bool {
        self.top() == Some(Frame::For(ForPart::Words { any: false }))
    }

    /// Whether `word` ends a `case` whose last arm has no `;;`.
    pub fn ends_open_arm(&self, word: &str) -> bool {
        word == "esac" && self.at_start && !self.skip_word && self.top() == Some(Frame::Case(CasePart::Body))
    }

    /// Whether a `(` here begins a subshell.
    pub fn subshell_may_start(&self) -> bool {
        self.at_start && !self.in_pattern() && self.top() != Some(Frame::Test)
    }

    /// An operator other than `)`.
    pub fn operator(&mut self, operator: &str) {
        let after_name = std::mem::take(&mut self.after_name);
        self.after_assignments &= operator.contains(['<', '>']);
        match operator {
            "(" => {
                self.wants_more = false;
                if self.in_pattern() || self.top() == Some(Frame::Test) {
                    return;
                }
                self.in_function_parens = after_name;
                self.frames.push(Frame::Paren);
                self.at_start = true;
            }
            "\n" | ";" | "&" => {
                self.skip_word = false;
                match self.top() {
                    Some(Frame::Test) => return,
                    Some(Frame::For(ForPart::Words { .. })) => self.set_top(Frame::Block),
                    Some(Frame::For(ForPart::In)) if operator != "\n" => self.set_top(Frame::Block),
                    _ => {}
                }
                self.at_start = true;
            }
            "&&" | "||" | "|" | "|&" => {
                if self.top() == Some(Frame::Test) || self.in_pattern() {
                    return;
                }
                self.at_start = true;
                self.wants_more = true;
            }
            ";;" | ";&" | ";;&" => {
                if self.top() == Some(Frame::Case(CasePart::Body)) {
                    self.set_top(Frame::Case(CasePart::Pattern { first: true }));
                }
                self.at_start = true;
            }
            _ => {
                if self.top() != Some(Frame::Test) {
                    self.skip_word = true;
                }
            }
        }
    }

    pub fn close(&mut self) -> Closed {
        self.after_name = false;
        match self.top() {
            Some(Frame::Test) => Closed::Something,
            Some(Frame::Case(CasePart::Pattern { .. })) => {
                self.set_top(Frame::Case(CasePart::Body));
                self.at_start = true;
                Closed::Something
            }
            Some(Frame::Paren) => {
                self.frames.pop();
                self.at_start = true;
                // The body of a function may stand on a later line.
                self.wants_more = std::mem::take(&mut self.in_function_parens);
                Closed::Something
            }
            Some(_) | None => Closed::Outer,
        }
    }
}
