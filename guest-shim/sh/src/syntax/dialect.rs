//! Whose ways a shell has, where they differ: those of `sh`, which are dash's, or bash's. Both read the same language. It
//! belongs to the program and not to an execution environment, since it holds for whatever one instance of it reads.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    #[default]
    Posix,
    Bash,
}

impl Dialect {
    /// What a shell that was started by this name speaks.
    pub fn of_program(name: &str) -> Dialect {
        let name = name.trim_start_matches('-');
        match name.rsplit_once('/').map_or(name, |(_, file)| file) {
            "bash" => Dialect::Bash,
            _ => Dialect::Posix,
        }
    }
}

thread_local! {
    static CURRENT: Cell<Dialect> = const { Cell::new(Dialect::Posix) };
    static EXTENDED_PATTERNS: Cell<bool> = const { Cell::new(false) };
    static TELLS_PROCESSES_APART: Cell<bool> = const { Cell::new(false) };
}

/// What holds for everything that is read from now on.
pub fn set(dialect: Dialect) {
    CURRENT.set(dialect);
}

pub fn is_bash() -> bool {
    CURRENT.get() == Dialect::Bash
}

/// Whether `!(...)` is a pattern: bash's option `extglob`. The other patterns of that kind can be nothing else.
pub fn set_extended_patterns(on: bool) {
    EXTENDED_PATTERNS.set(on);
}

pub fn extended_patterns() -> bool {
    EXTENDED_PATTERNS.get()
}

/// Something that was read asks for `BASHPID`.
pub fn tell_processes_apart() {
    if is_bash() {
        TELLS_PROCESSES_APART.set(true);
    }
}

/// Whether subshells have to be processes of their own, because they may ask which they are.
pub fn are_processes_told_apart() -> bool {
    TELLS_PROCESSES_APART.get()
}
