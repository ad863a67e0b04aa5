//! From the text of a script to the syntax tree. The grammar is that of the crate `brush-parser`; around it are our
//! own lexer (which reads one complete command at a time, as a POSIX shell must) and our own parser of words.
//! Knows nothing of variables or processes.

pub mod aliases;
pub mod dialect;
pub mod extent;
mod joined;
pub mod lexer;
mod lower;
pub mod reader;
mod tracker;
pub mod tree;
pub mod word;

/// How deeply commands, quotes and expansions may be nested in each other. Reading and running are recursive, and the
/// stack of a wasm program is small: this is what ends a hostile script instead of a trap.
pub const MAX_NESTING: usize = 100;

/// Why a script can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub line: u32,
    pub message: String,
    /// More text might have completed it.
    pub incomplete: bool,
}

impl SyntaxError {
    pub fn new(line: u32, message: impl Into<String>) -> Self {
        SyntaxError { line, message: message.into(), incomplete: false }
    }

    pub fn incomplete(line: u32, message: impl Into<String>) -> Self {
        SyntaxError { line, message: message.into(), incomplete: true }
    }
}
