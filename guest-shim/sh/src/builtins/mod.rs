//! The builtin commands: one table, one function each.

mod alias;
pub mod completion;
mod control;
mod dates;
pub mod declare;
mod directory;
mod history;
mod lines;
mod options;
mod output;
mod printf;
mod process;
mod read;
mod stack;
pub mod test;
mod variables;

use crate::{
    bytes,
    quote::single as quote,
    state::{Flow, Outcome, Shell},
    syntax::dialect::Dialect,
    system::{self, Errno},
};

pub use process::STANDARD_PATH;
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
static BUILTINS: [Builtin; 40] = [
    special(".", control::source),
    special(":", control::succeed),
    regular("[", test::run),
    regular("alias", alias::alias),
    regular("bg", process::go_on_behind),
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
    regular("fg", process::go_on_in_front),
    regular("getopts", variables::getopts),
    regular("hash", process::hash),
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
    regular("source", control::source),
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

/// What bash has beyond, or has differently. Sorted by name.
static BUILTINS_OF_BASH: [Builtin; 24] = [
    regular("bind", completion::bind),
    regular("builtin", process::builtin),
    regular("caller", control::caller),
    regular("compgen", completion::compgen),
    regular("complete", completion::complete),
    regular("compopt", completion::compopt),
    regular("declare", declare::run),
    regular("dirs", stack::dirs),
    regular("disown", process::disown),
    regular("enable", unsupported),
    special("export", declare::run),
    regular("fc", history::fc),
    regular("history", history::run),
    regular("local", declare::run),
    regular("mapfile", lines::mapfile),
    regular("popd", stack::popd),
    regular("pushd", stack::pushd),
    regular("readarray", lines::mapfile),
    special("readonly", declare::run),
    regular("shopt", options::shopt),
    regular("suspend", unsupported),
    regular("type", process::type_of_bash),
    regular("typeset", declare::run),
    special("unset", declare::unset),
];

pub fn find(name: &str, dialect: Dialect) -> Option<&'static Builtin> {
    let within = |table: &'static [Builtin]| {
        // Of a first letter there are few: so their names are hardly compared.
        let first = *name.as_bytes().first()?;
        let start = table.partition_point(|builtin| builtin.name.as_bytes()[0] < first);
        let same = table[start..].iter().take_while(|builtin| builtin.name.as_bytes()[0] == first);
        same.into_iter().find(|builtin| builtin.name == name)
    };
    match dialect {
        Dialect::Posix => within(&BUILTINS).or_else(|| within(&BUILTINS_OF_BASH)),
        Dialect::Bash => within(&BUILTINS_OF_BASH).or_else(|| within(&BUILTINS)),
    }
}

/// The names of all.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().chain(&BUILTINS_OF_BASH).map(|builtin| builtin.name)
}

/// What bash has for whoever sits at it, and this shell has not.
fn unsupported(shell: &mut Shell, arguments: &[String]) -> Outcome {
    shell.report(&format!("{}: not supported", arguments[0]));
    Ok(1)
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

/// The same for text.
fn print_text(shell: &mut Shell, name: &str, text: &str) -> Outcome {
    print(shell, name, &bytes::encode(text))
}

/// Reports wrong usage of a builtin.
fn misuse(shell: &Shell, name: &str, message: &str) -> i32 {
    shell.report(&format!("{name}: {message}"));
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        for table in [&BUILTINS[..], &BUILTINS_OF_BASH] {
            assert!(table.is_sorted_by(|left, right| left.name < right.name));
        }
        let posix = |name| find(name, Dialect::Posix);
        assert!(posix("[").is_some() && posix("wait").is_some() && posix("ls").is_none());
        assert!(posix("declare").is_some() && find("declare", Dialect::Bash).is_some());
    }
}
