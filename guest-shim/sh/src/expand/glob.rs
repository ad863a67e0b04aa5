//! Pathname expansion: the names in the filesystem that a pattern matches.

use super::{
    fields::Field,
    pattern::{Pattern, Token},
};
use crate::{
    bash::PatternOptions,
    syntax::dialect::is_bash,
    system::{self, FileType},
};

/// At most this many names come out of one pattern.
const MAX_NAMES: usize = 100_000;

/// The names that match, sorted; none when none does.
pub fn expand(field: &Field, options: PatternOptions) -> Option<Vec<String>> {
    let pattern = Pattern::new(field);
    // A bracket that is never closed, as in the command `[`, is no pattern.
    if pattern.as_literal().is_some() {
        return None;
    }
    let pattern = if options.nocaseglob { pattern.ignoring_case() } else { pattern };
    Some(search(&pattern, options)).filter(|names| !names.is_empty())
}

/// Patterns with colons between them, of which classes such as `[:alpha:]` have some of their own.
pub fn split_patterns(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    let separates = move |character: char| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ':' && depth == 0
    };
    text.split(separates).filter(|pattern| !pattern.is_empty())
}

fn search(pattern: &Pattern, options: PatternOptions) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut components = pattern.components().collect::<Vec<_>>().into_iter().peekable();
    while let Some(component) = components.next() {
        let last = components.peek().is_none();
        // `**` reads as one star: only its own text tells.
        let deep = options.globstar && component.0 == [Token::Many, Token::Many];
        found = match component.as_literal() {
            Some(name) => step_literal(found, &name, last),
            None if deep => step_deep(&found, last, options),
            None => step_pattern(&found, &component, last, options),
        };
        if found.is_empty() {
            return found;
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// `**`: the directory itself and all below it, and at the end also what is in them.
fn step_deep(found: &[String], last: bool, options: PatternOptions) -> Vec<String> {
    let mut next = Vec::new();
    let mut waiting: Vec<String> = found.iter().rev().cloned().collect();
    while let Some(directory) = waiting.pop() {
        if !last || !directory.is_empty() {
            next.push(directory.clone());
        }
        let path = if directory.is_empty() { "." } else { &directory };
        for name in system::directory_names(path).unwrap_or_default() {
            if name.starts_with('.') && !options.dotglob {
                continue;
            }
            let path = format!("{directory}{name}");
            let is_own = |status: system::FileStatus| status.file_type == FileType::Directory;
            if system::link_status(&path).is_ok_and(is_own) {
                if last {
                    next.push(path.clone());
                }
                waiting.push(path + "/");
            } else if last {
                next.push(path);
            }
            if next.len() + waiting.len() >= MAX_NAMES {
                return next;
            }
        }
    }
    if last {
        // A directory is there with and without its slash: the one that was begun from stays as it was written.
        next.retain(|path| !path.ends_with('/') || found.contains(path));
    }
    next
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

fn step_pattern(found: &[String], pattern: &Pattern, last: bool, options: PatternOptions) -> Vec<String> {
    let names_hidden = pattern.0.first() == Some(&Token::Char('.'));
    let shows_hidden = names_hidden || options.dotglob;
    let mut next = Vec::new();
    for directory in found {
        let path = if directory.is_empty() { "." } else { directory };
        let mut names = system::directory_names(path).unwrap_or_default();
        if names_hidden && !is_bash() {
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
