//! Pathname expansion: the names in the filesystem that a pattern matches.

use super::{
    fields::Field,
    pattern::{Pattern, Token},
};
use crate::system::{self, FileType};

/// At most this many names come out of one pattern.
const MAX_NAMES: usize = 100_000;

/// The names that match, sorted; the text itself when none does.
pub fn expand(field: &Field) -> Vec<String> {
    let pattern = Pattern::new(field);
    // A bracket that is never closed, as in the command `[`, is no pattern.
    let names = if pattern.as_literal().is_some() { Vec::new() } else { search(&pattern) };
    if names.is_empty() { vec![field.text.clone()] } else { names }
}

fn search(pattern: &Pattern) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut components = pattern.components().collect::<Vec<_>>().into_iter().peekable();
    while let Some(component) = components.next() {
        let last = components.peek().is_none();
        found = match component.as_literal() {
            Some(name) => step_literal(found, &name, last),
            None => step_pattern(&found, &component, last),
        };
        if found.is_empty() {
            return found;
        }
    }
    found.sort_unstable();
    found
}

/// Appends a name that is no pattern. Only the last one has to be looked for: what a later pattern finds proves the
/// others.
fn step_literal(found: Vec<String>, name: &str, last: bool) -> Vec<String> {
    let joined = found.into_iter().map(|mut path| {
        path.push_str(name);
        if !last {
            path.push('/');
        }
        path
    });
    joined.filter(|path| !last || exists(path)).collect()
}

fn exists(path: &str) -> bool {
    if path.ends_with('/') { is_directory(path) } else { system::link_status(path).is_ok() }
}

fn is_directory(path: &str) -> bool {
    system::status(path).is_ok_and(|status| status.file_type == FileType::Directory)
}

fn step_pattern(found: &[String], pattern: &Pattern, last: bool) -> Vec<String> {
    let shows_hidden = pattern.0.first() == Some(&Token::Char('.'));
    let mut next = Vec::new();
    for directory in found {
        let path = if directory.is_empty() { "." } else { directory };
        let mut names = system::directory_names(path).unwrap_or_default();
        if shows_hidden {
            names.extend([".".to_owned(), "..".to_owned()]);
        }
        for name in names {
            if (name.starts_with('.') && !shows_hidden) || !pattern.matches(&name) {
                continue;
            }
            let mut path = format!("{directory}{name}");
            if !last {
                if !is_directory(&path) {
                    continue;
                }
                path.push('/');
            }
            next.push(path);
            if next.len() >= MAX_NAMES {
                return next;
            }
        }
    }
    next
}
