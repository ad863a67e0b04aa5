//! The shell's own syntax tree: what the executor walks, what a function keeps, and what travels to another instance
//! of the shell when a part of a script has to run concurrently (there is no fork). Hence everything here is plain data
//! with serde derives, and words are taken apart once, when they are read, not each time a loop passes them.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// Commands in sequence.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct List(pub Vec<Item>);

/// One element of a list: everything up to a `;`, `&` or newline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    pub and_or: AndOr,
    pub background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AndOr {
    pub first: Pipeline,
    pub rest: Vec<(Connector, Pipeline)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connector {
    And,
    Or,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipeline {
    pub negated: bool,
    /// The keyword `time` stands before it.
    pub timed: bool,
    pub stages: Vec<Command>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Simple(Simple),
    Compound(Box<Compound>, Vec<Redirect>),
    Function { name: String, body: Rc<FunctionBody> },
}

/// What a call of a function runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FunctionBody {
    /// The body as the script has it.
    pub text: String,
    pub body: Compound,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Simple {
    pub line: u32,
    pub assignments: Vec<Assignment>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub name: String,
    /// Of one element of an array.
    pub subscript: Option<Word>,
    pub append: bool,
    pub value: Assigned,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Assigned {
    Word(Word),
    /// `(a b [3]=c)`
    Array(Vec<Element>),
}

impl Assigned {
    /// Whether expanding it runs commands.
    pub fn runs_commands(&self) -> bool {
        match self {
            Assigned::Word(word) => word.runs_commands(),
            Assigned::Array(elements) => elements.iter().any(Element::runs_commands),
        }
    }
}

/// An element of an array as a script writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    pub subscript: Option<Word>,
    pub append: bool,
    pub value: Word,
}

impl Element {
    fn runs_commands(&self) -> bool {
        self.value.runs_commands() || self.subscript.as_ref().is_some_and(Word::runs_commands)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Compound {
    Group(List),
    Subshell(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    /// `while`, and `until` when `until` is set.
    Loop {
        until: bool,
        condition: List,
        body: List,
    },
    /// Without `words` it runs over the positional parameters.
    For {
        line: u32,
        variable: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    Select {
        line: u32,
        variable: String,
        words: Vec<Word>,
        body: List,
    },
    Case {
        line: u32,
        subject: Word,
        arms: Vec<Arm>,
    },
    /// `(( ))`
    Arithmetic {
        line: u32,
        expression: Word,
    },
    /// `for (( ; ; ))`
    ArithmeticFor {
        line: u32,
        start: Word,
        condition: Word,
        step: Word,
        body: List,
    },
    /// `coproc`
    Coprocess {
        line: u32,
        name: String,
        body: Box<Command>,
    },
    /// `[[ ]]`
    Test {
        line: u32,
        test: Test,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arm {
    pub patterns: Vec<Word>,
    pub body: List,
    pub then: AfterArm,
}

/// `;;`, `;&` and `;;&`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterArm {
    Leave,
    FallThrough,
    TestNext,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Test {
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Not(Box<Test>),
    /// The operator with its dash, as the builtin `test` has it.
    Unary(String, Word),
    Binary(String, Word, Word),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Redirect {
    /// The descriptor, where the script names one.
    pub number: Option<u32>,
    /// The variable that gets the number: `{name}>file`.
    pub variable: Option<String>,
    pub kind: RedirectKind,
    /// A file name, a descriptor, or the text of a here-document.
    pub target: Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedirectKind {
    Read,
    Write,
    Append,
    ReadWrite,
    /// `>|`
    Clobber,
    /// `<&` and `>&`
    Duplicate {
        output: bool,
    },
    HereDocument,
    /// `<<<`: the target gets a newline appended.
    HereString,
    /// `&>` and `&>>`
    Both {
        append: bool,
    },
}

/// A word before expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word(pub Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Unquoted text: its pattern characters are active.
    Text(String),
    /// Text that a quote or a backslash protects.
    Quoted(String),
    DoubleQuoted(Vec<Piece>),
    /// `~` (empty) or `~name`.
    Tilde(String),
    Parameter(Box<Parameter>),
    Command(Substitution),
    Arithmetic(Word),
    /// `<(list)`, and `>(list)` when `writes` is set: a path that leads to a pipe.
    Process {
        writes: bool,
        list: Substitution,
    },
    /// The array that an operand of `declare` and its like assigns.
    Array(Vec<Element>),
}

/// A command substitution. Two are never equal, which is all that comparing words is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Substitution(pub Rc<List>);

impl PartialEq for Substitution {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Substitution {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// A variable's name, a number, or one of `@*#?-$!`.
    pub name: String,
    pub subscript: Option<Subscript>,
    /// `${!x}`: what is expanded is what the value names.
    pub indirect: bool,
    pub operation: Operation,
}

/// What of an array is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subscript {
    /// `[@]`
    All,
    /// `[*]`
    Joined,
    Element(Word),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    Value,
    Length,
    /// `-`, `=`, `?`, `+`, each with or without the colon that makes a null value count as unset.
    Default {
        colon: bool,
        word: Word,
    },
    Assign {
        colon: bool,
        word: Word,
    },
    Error {
        colon: bool,
        word: Option<Word>,
    },
    Alternative {
        colon: bool,
        word: Word,
    },
    RemoveSuffix {
        longest: bool,
        pattern: Word,
    },
    RemovePrefix {
        longest: bool,
        pattern: Word,
    },
    Substring {
        offset: Word,
        length: Option<Word>,
    },
    Replace {
        pattern: Word,
        replacement: Word,
        place: Place,
    },
    /// `^`, `^^`, `,`, `,,`
    Case {
        upper: bool,
        all: bool,
        pattern: Option<Word>,
    },
    /// `@Q` and its like.
    Transform(char),
    /// `${!a[@]}`: the subscripts there are.
    Subscripts,
    /// `${!prefix@}`, and `${!prefix*}` when `joined` is set: the variables whose names begin like that.
    Names {
        joined: bool,
    },
    /// Something else stood between the braces. That is an error of the expansion, not of the syntax.
    Bad(String),
}

/// Where `${x/pattern/replacement}` replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    First,
    All,
    Start,
    End,
}

impl Word {
    /// A word that expands to exactly `text`.
    pub fn literal(text: &str) -> Word {
        Word(vec![Piece::Quoted(text.to_owned())])
    }

    /// Whether it is written as exactly `text`, without quotes.
    pub fn is_text(&self, text: &str) -> bool {
        matches!(self.0.as_slice(), [Piece::Text(own)] if own == text)
    }

    /// Whether expanding it runs commands.
    pub fn runs_commands(&self) -> bool {
        self.0.iter().any(Piece::runs_commands)
    }
}

impl Piece {
    fn runs_commands(&self) -> bool {
        match self {
            Piece::Text(_) | Piece::Quoted(_) | Piece::Tilde(_) => false,
            Piece::Command(_) | Piece::Process { .. } => true,
            Piece::Array(elements) => elements.iter().any(Element::runs_commands),
            Piece::DoubleQuoted(pieces) => pieces.iter().any(Piece::runs_commands),
            Piece::Arithmetic(word) => word.runs_commands(),
            Piece::Parameter(parameter) => match &parameter.operation {
                _ if matches!(&parameter.subscript, Some(Subscript::Element(word)) if word.runs_commands()) => {
                    true
                }
                Operation::Value | Operation::Length | Operation::Bad(_) => false,
                Operation::Transform(_) | Operation::Subscripts | Operation::Names { .. } => false,
                Operation::Case { pattern, .. } => pattern.as_ref().is_some_and(Word::runs_commands),
                Operation::Error { word: None, .. } => false,
                Operation::Default { word, .. }
                | Operation::Assign { word, .. }
                | Operation::Error { word: Some(word), .. }
                | Operation::Alternative { word, .. } => word.runs_commands(),
                Operation::RemoveSuffix { pattern, .. } | Operation::RemovePrefix { pattern, .. } => {
                    pattern.runs_commands()
                }
                Operation::Substring { offset, length } => {
                    offset.runs_commands() || length.as_ref().is_some_and(Word::runs_commands)
                }
                Operation::Replace { pattern, replacement, .. } => {
                    pattern.runs_commands() || replacement.runs_commands()
                }
            },
        }
    }
}
