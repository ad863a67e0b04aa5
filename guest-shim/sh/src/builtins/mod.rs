//! The builtin commands: one table, one function each.

mod alias;
mod control;
mod directory;
mod output;
mod printf;
mod process;
mod read;
pub mod test;
mod variables;

use crate::{
    state::{Flow, Outcome, Shell},
    system::{self, Errno},
};

pub use read::read_line;
pub use variables::apply_options;

pub struct Builtin {
    name: &'static str,
    /// A special builtin of POSIX: assignments before it last, and its errors end the shell.
    pub special: bool,
    /// Gets all arguments, the name first.
    pub run: fn(&mut Shell, &[String]) -> Outcome,
}

const fn special(name: &'static str, run: fn(&mut Shell, &[String]) -> Outcome) -> Builtin {
    Builtin { name, special: true, run }
}

const fn regular(name: &'static str, run: fn(&mut Shell, &[String]) -> Outcome) -> Builtin {
    Builtin { name, special: false, run }
}

/// Sorted by name.
static BUILTINS: [Builtin; 38] = [
    special(".", control::source),
    special(":", control::succeed),
    regular("[", test::run),
    regular("alias", alias::alias),
    special("break", control::leave_loops),
    regular("cd", directory::cd),
    regular("command", process::command),
    special("continue", control::next_turn),
    regular("echo", output::echo),
    special("eval", control::eval),
    special("exec", control::exec),
    special("exit", control::exit),
    special("export", variables::export),
    regular("false", control::fail),
    regular("getopts", variables::getopts),
    regular("hash", control::succeed),
    regular("jobs", process::jobs),
    regular("kill", process::kill),
    regular("let", variables::arithmetic),
    special("local", variables::local),
    regular("printf", printf::run),
    regular("pwd", directory::pwd),
    regular("read", read::run),
    special("readonly", variables::readonly),
    special("return", control::leave_function),
    special("set", variables::set),
    special("shift", variables::shift),
    special("source", control::source),
    regular("test", test::run),
    special("times", process::times),
    special("trap", control::trap),
    regular("true", control::succeed),
    regular("type", process::describe),
    regular("ulimit", process::ulimit),
    regular("umask", directory::umask),
    regular("unalias", alias::unalias),
    special("unset", variables::unset),
    regular("wait", process::wait),
];

pub fn find(name: &str) -> Option<&'static Builtin> {
    let index = BUILTINS.binary_search_by(|builtin| builtin.name.cmp(name)).ok()?;
    BUILTINS.get(index)
}

/// The status of a process that SIGPIPE ended.
const BROKEN_PIPE: i32 = 141;

/// Writes to standard output for the builtin `name`.
fn print(shell: &mut Shell, name: &str, bytes: &[u8]) -> Outcome {
    if bytes.is_empty() {
        return Ok(0);
    }
    match shell.descriptors.get(1).and_then(|handle| handle.write(bytes)) {
        Ok(()) => Ok(0),
        Err(Errno::Epipe) if shell.ends_at_broken_pipe => Err(Flow::Exit(BROKEN_PIPE)),
        Err(errno) => {
            shell.report(&format!("{name}: I/O error: {}", system::describe(errno)));
            Ok(1)
        }
    }
}

/// Reports wrong usage of a builtin.
fn misuse(shell: &Shell, name: &str, message: &str) -> i32 {
    shell.report(&format!("{name}: {message}"));
    2
}

/// `text` so that the shell reads it back as one word.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(BUILTINS.is_sorted_by(|left, right| left.name < right.name));
        assert!(find("[").is_some() && find("wait").is_some() && find("ls").is_none());
    }
}
