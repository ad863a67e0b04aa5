//! What a word may become: a command, a variable, the name of a file.

use rustyline::completion::{Pair, Quote, escape, extract_word, unescape};

use crate::{
    builtins,
    state::Shell,
    system::{self, FileType},
};

const ESCAPE: Option<char> = Some('\\');

/// What ends a word and is escaped within one.
fn breaks(character: char) -> bool {
    " \t\n\"'`\\$<>=;|&{}()*?[]!#:".contains(character)
}

/// Where the word before `position` begins, and what may stand in its place, sorted.
pub fn complete(shell: &Shell, line: &str, position: usize) -> (usize, Vec<Pair>) {
    let (start, typed) = extract_word(line, position, ESCAPE, breaks);
    let before = &line[..start];
    let mut found = if before.ends_with('$') || before.ends_with("${") {
        variables(shell, typed)
    } else if !typed.contains('/') && is_command(before) {
        commands(shell, typed)
    } else {
        let quote = if before.ends_with(['"', '\'']) { Quote::Single } else { Quote::None };
        files(shell, typed, quote)
    };
    found.sort_by(|left, right| left.display.cmp(&right.display));
    found.dedup_by(|left, right| left.display == right.display);
    (start, found)
}

/// Whether what follows is the name of a command.
fn is_command(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    let last = before.rsplit([' ', '\t', ';']).next().unwrap_or_default();
    before.is_empty()
        || before.ends_with([';', '|', '&', '(', '\n', '`'])
        || ["if", "then", "else", "elif", "while", "until", "do", "!", "{", "exec", "command"].contains(&last)
}

fn plain(name: &str) -> Pair {
    Pair { display: name.to_owned(), replacement: name.to_owned() }
}

fn variables(shell: &Shell, typed: &str) -> Vec<Pair> {
    shell.variables.keys().filter(|name| name.starts_with(typed)).map(|name| plain(name)).collect()
}

fn commands(shell: &Shell, typed: &str) -> Vec<Pair> {
    let mut names: Vec<String> = builtins::names().map(str::to_owned).collect();
    names.extend(shell.functions.keys().cloned());
    names.extend(shell.aliases.keys().cloned());
    for directory in shell.variable("PATH").unwrap_or_default().split(':').filter(|path| !path.is_empty()) {
        names.extend(system::directory_names(directory).unwrap_or_default());
    }
    names.iter().filter(|name| name.starts_with(typed)).map(|name| plain(name)).collect()
}

fn files(shell: &Shell, typed: &str, quote: Quote) -> Vec<Pair> {
    let path = unescape(typed, ESCAPE).into_owned();
    let (directory, part) = match path.rsplit_once('/') {
        Some((directory, part)) => (format!("{directory}/"), part),
        None => (String::new(), path.as_str()),
    };
    let place = match (directory.strip_prefix("~/"), shell.variable("HOME")) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ if directory.is_empty() => ".".to_owned(),
        _ => directory.clone(),
    };
    let names = system::directory_names(&place).unwrap_or_default();
    let is_meant =
        |name: &&String| name.starts_with(part) && (part.starts_with('.') || !name.starts_with('.'));
    let candidate = |name: &String| {
        let is_directory = system::status(&format!("{place}/{name}"))
            .is_ok_and(|status| status.file_type == FileType::Directory);
        let slash = if is_directory { "/" } else { "" };
        let replacement = escape(format!("{directory}{name}"), ESCAPE, breaks, quote);
        Pair { display: format!("{name}{slash}"), replacement: format!("{replacement}{slash}") }
    };
    names.iter().filter(is_meant).map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_at_the_beginning_of_one() {
        for before in ["", "  ", "a; ", "a | ", "a && ", "(", "if ", "x; then ", "! "] {
            assert!(is_command(before), "{before}");
        }
        for before in ["a ", "a >", "echo then x ", "x="] {
            assert!(!is_command(before), "{before}");
        }
    }
}
