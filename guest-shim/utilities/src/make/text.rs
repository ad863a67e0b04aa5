//! Variables and what stands for texts: references, substitutions, functions.

use std::fs;
use std::io;

use cordon_multicall::say;
use cordon_vm::byte_text::{self, ToText};

use super::run::shell_output;
use super::{Make, Origin, Stop, Variable};

/// Deepest that references and functions nest.
const DEEPEST: usize = 200;

/// Where a reference that opens here closes; the texts are bytes of ASCII where it matters.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}

/// The first place outside of references where `wanted` says that it is.
pub fn outside(text: &str, wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if let Some(after) = rest.strip_prefix('$') {
            at += 1 + match after.chars().next() {
                Some('(') => closing(&after[1..], '(', ')').map_or(after.len(), |end| end + 2),
                Some('{') => closing(&after[1..], '{', '}').map_or(after.len(), |end| end + 2),
                Some(other) => other.len_utf8(),
                None => 0,
            };
            continue;
        }
        if wanted(rest) {
            return Some(at);
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    None
}

/// What a pattern's `%` stands for in a word.
pub fn stem<'w>(pattern: &str, word: &'w str) -> Option<&'w str> {
    match pattern.split_once('%') {
        Some((before, after)) => word
            .strip_prefix(before)?
            .strip_suffix(after)
            .filter(|_| word.len() >= before.len() + after.len()),
        None => (pattern == word).then_some(""),
    }
}

/// A word by a pattern and what stands for it.
fn replaced(pattern: &str, by: &str, word: &str) -> String {
    match stem(pattern, word) {
        Some(stem) if pattern.contains('%') => by.replacen('%', stem, 1),
        Some(_) => by.to_owned(),
        None => word.to_owned(),
    }
}

fn each(text: &str, make: impl Fn(&str) -> String) -> String {
    text.split_whitespace().map(make).collect::<Vec<_>>().join(" ")
}

pub fn directory(word: &str) -> String {
    word.rfind('/').map_or_else(|| "./".to_owned(), |at| word[..=at].to_owned())
}

pub fn file(word: &str) -> String {
    word.rfind('/').map_or(word, |at| &word[at + 1..]).to_owned()
}

/// Where the ending of a file's name begins.
fn ending(word: &str) -> usize {
    let start = word.rfind('/').map_or(0, |at| at + 1);
    word[start..].rfind('.').map_or(word.len(), |at| start + at)
}

/// Files that fit a pattern of the shell; the word itself where it is no pattern and there.
pub fn wildcard(word: &str) -> Vec<String> {
    if !word.contains(['*', '?', '[']) {
        return if fs::symlink_metadata(word).is_ok() { vec![word.to_owned()] } else { vec![] };
    }
    let found = glob::glob(word).into_iter().flatten().flatten();
    let prefix = if word.starts_with("./") { "./" } else { "" };
    let mut found: Vec<String> = found
        .map(|path| path.to_text().into_owned())
        .map(|path| if path.starts_with("./") { path } else { format!("{prefix}{path}") })
        .collect();
    found.sort();
    found
}

impl Make {
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).or_else(|| self.variables.get(name))
    }

    pub fn value(&mut self, name: &str) -> Result<String, Stop> {
        let Some(variable) = self.variable(name) else {
            // `$(@D)` and its like are parts of what the automatic ones are.
            let mut letters = name.chars();
            let parts = (letters.next(), letters.next(), letters.next());
            if let (
                Some(first @ ('@' | '<' | '^' | '+' | '?' | '*' | '|' | '%')),
                Some(part @ ('D' | 'F')),
                None,
            ) = parts
            {
                let whole = self.value(&first.to_string())?;
                return Ok(each(&whole, |word| {
                    if part == 'F' {
                        return file(word);
                    }
                    let directory = directory(word);
                    let bare = directory.trim_end_matches('/');
                    if bare.is_empty() { "/".into() } else { bare.into() }
                }));
            }
            return Ok(String::new());
        };
        let text = variable.value.clone();
        if !variable.recursive {
            return Ok(text);
        }
        if self.expanding.iter().any(|other| other == name) {
            return Err(self.stop(&format!("Recursive variable '{name}' references itself (eventually)")));
        }
        self.expanding.push(name.to_owned());
        let outcome = self.expand(&text);
        self.expanding.pop();
        outcome
    }

    /// An error at the place that is read or run.
    pub fn stop(&self, message: &str) -> Stop {
        let place = self.place.as_ref().map(|(file, line)| format!("{file}:{line}: ")).unwrap_or_default();
        Stop(format!("{place}*** {message}.  Stop."))
    }

    pub fn expand(&mut self, text: &str) -> Result<String, Stop> {
        if !text.contains('$') {
            return Ok(text.to_owned());
        }
        if self.depth == DEEPEST {
            return Err(self.stop("references nest too deeply"));
        }
        self.depth += 1;
        let outcome = self.expand_here(text);
        self.depth -= 1;
        outcome
    }

    fn expand_here(&mut self, text: &str) -> Result<String, Stop> {
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            made.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(first) = rest.chars().next() else {
                made.push('$');
                break;
            };
            let (open, close) = match first {
                '$' => {
                    made.push('$');
                    rest = &rest[1..];
                    continue;
                }
                '(' => ('(', ')'),
                '{' => ('{', '}'),
                first => {
                    made.push_str(&self.value(&first.to_string())?);
                    rest = &rest[first.len_utf8()..];
                    continue;
                }
            };
            let Some(end) = closing(&rest[1..], open, close) else {
                return Err(self.stop("unterminated variable reference"));
            };
            let inner = &rest[1..=end];
            rest = &rest[end + 2..];
            made.push_str(&self.reference(inner, open, close)?);
        }
        made.push_str(rest);
        Ok(made)
    }

    fn reference(&mut self, inner: &str, open: char, close: char) -> Result<String, Stop> {
        let name = inner.split([' ', '\t', '\n']).next().unwrap_or_default();
        if FUNCTIONS.contains(&name) && name.len() < inner.len() {
            let text = inner[name.len()..].trim_start();
            let mut arguments = vec![];
            let (mut depth, mut start) = (0_usize, 0);
            for (at, character) in text.char_indices() {
                match character {
                    ',' if depth == 0 => {
                        arguments.push(&text[start..at]);
                        start = at + 1;
                    }
                    character if character == open => depth += 1,
                    character if character == close => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            arguments.push(&text[start..]);
            return self.function(name, &arguments);
        }
        let whole = self.expand(inner)?;
        if let Some((name, change)) = whole.split_once(':')
            && let Some((from, to)) = change.split_once('=')
        {
            let value = self.value(name)?;
            let (from, to) = if from.contains('%') {
                (from.to_owned(), to.to_owned())
            } else {
                (format!("%{from}"), format!("%{to}"))
            };
            return Ok(each(&value, |word| replaced(&from, &to, word)));
        }
        self.value(&whole)
    }

    /// The last argument may have commas in it.
    fn joined(&mut self, arguments: &[&str], from: usize) -> Result<String, Stop> {
        let text = arguments.get(from..).unwrap_or_default().join(",");
        self.expand(&text)
    }

    fn number(&mut self, text: &str, function: &str) -> Result<usize, Stop> {
        text.trim().parse().map_err(|_| {
            self.stop(&format!("non-numeric first argument to '{function}' function: '{}'", text.trim()))
        })
    }

    fn function(&mut self, name: &str, arguments: &[&str]) -> Result<String, Stop> {
        // Those that choose what of their arguments they look at.
        match name {
            "if" => {
                let condition = self.expand(arguments[0].trim())?;
                return match (condition.is_empty(), arguments.get(1)) {
                    (false, Some(then)) => self.expand(then),
                    (true, _) => self.joined(arguments, 2),
                    (false, None) => Ok(String::new()),
                };
            }
            "or" | "and" => {
                let mut last = String::new();
                for argument in arguments {
                    last = self.expand(argument.trim())?;
                    if last.is_empty() == (name == "and") {
                        return Ok(last);
                    }
                }
                return Ok(last);
            }
            "foreach" => {
                let [variable, list, ..] = arguments else {
                    return Err(self.stop(&format!(
                        "insufficient number of arguments ({}) to function 'foreach'",
                        arguments.len()
                    )));
                };
                let variable = self.expand(variable.trim())?;
                let list = self.expand(list)?;
                let body = arguments[2..].join(",");
                let mut made = vec![];
                for word in list.split_whitespace() {
                    self.scopes.push([(variable.clone(), Variable::simple(word, Origin::Automatic))].into());
                    let outcome = self.expand(&body);
                    self.scopes.pop();
                    made.push(outcome?);
                }
                return Ok(made.join(" "));
            }
            "call" => {
                let mut values = vec![];
                for argument in arguments {
                    values.push(self.expand(argument)?);
                }
                let function = values[0].trim().to_owned();
                let plain: Vec<&str> = values[1..].iter().map(String::as_str).collect();
                if FUNCTIONS.contains(&function.as_str()) {
                    return self.function(&function, &plain);
                }
                let body =
                    self.variable(&function).map(|variable| variable.value.clone()).unwrap_or_default();
                let scope = values.iter().enumerate().map(|(at, value)| {
                    (
                        at.to_string(),
                        Variable::simple(if at == 0 { &function } else { value }, Origin::Automatic),
                    )
                });
                self.scopes.push(scope.collect());
                let outcome = self.expand(&body);
                self.scopes.pop();
                return outcome;
            }
            _ => {}
        }
        let mut values = vec![];
        for (at, argument) in arguments.iter().enumerate() {
            let takes = takes(name);
            if at + 1 == takes {
                values.push(self.joined(arguments, at)?);
                break;
            }
            values.push(self.expand(argument)?);
        }
        let argument = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let (first, second, third) = (argument(0), argument(1), argument(2));
        Ok(match name {
            "subst" if first.is_empty() => format!("{third}{second}"),
            "subst" => third.replace(first, second),
            "patsubst" => each(third, |word| replaced(first.trim(), second.trim(), word)),
            "strip" => each(first, str::to_owned),
            "findstring" => {
                if second.contains(first) {
                    first.to_owned()
                } else {
                    String::new()
                }
            }
            "filter" | "filter-out" => {
                let patterns: Vec<&str> = first.split_whitespace().collect();
                let words = second.split_whitespace().filter(|word| {
                    patterns.iter().any(|pattern| stem(pattern, word).is_some()) == (name == "filter")
                });
                words.collect::<Vec<_>>().join(" ")
            }
            "sort" => {
                let mut words: Vec<&str> = first.split_whitespace().collect();
                words.sort_unstable();
                words.dedup();
                words.join(" ")
            }
            "word" => {
                let at = self.number(first, name)?;
                if at == 0 {
                    return Err(self.stop("first argument to 'word' function must be greater than 0"));
                }
                second.split_whitespace().nth(at - 1).unwrap_or_default().to_owned()
            }
            "wordlist" => {
                let (start, end) = (self.number(first, name)?, self.number(second, name)?);
                let words =
                    third.split_whitespace().skip(start.max(1) - 1).take((end + 1).saturating_sub(start));
                words.collect::<Vec<_>>().join(" ")
            }
            "words" => first.split_whitespace().count().to_string(),
            "firstword" => first.split_whitespace().next().unwrap_or_default().to_owned(),
            "lastword" => first.split_whitespace().last().unwrap_or_default().to_owned(),
            "dir" => each(first, directory),
            "notdir" => each(first, file),
            "suffix" => {
                let endings = first
                    .split_whitespace()
                    .map(|word| &word[ending(word)..])
                    .filter(|ending| !ending.is_empty());
                endings.collect::<Vec<_>>().join(" ")
            }
            "basename" => each(first, |word| word[..ending(word)].to_owned()),
            "addsuffix" => each(second, |word| format!("{word}{first}")),
            "addprefix" => each(second, |word| format!("{first}{word}")),
            "join" => {
                let (mut left, mut right) = (first.split_whitespace(), second.split_whitespace());
                let mut words = vec![];
                loop {
                    match (left.next(), right.next()) {
                        (None, None) => break,
                        (one, other) => {
                            words.push(format!("{}{}", one.unwrap_or_default(), other.unwrap_or_default()))
                        }
                    }
                }
                words.join(" ")
            }
            "wildcard" => first.split_whitespace().flat_map(wildcard).collect::<Vec<_>>().join(" "),
            "realpath" => {
                let found = first.split_whitespace().filter_map(|word| fs::canonicalize(word).ok());
                found.map(|path| path.to_text().into_owned()).collect::<Vec<_>>().join(" ")
            }
            "abspath" => {
                let base = std::env::current_dir().unwrap_or_default().to_text().into_owned();
                each(first, |word| absolute(&base, word))
            }
            "error" => return Err(self.stop(first)),
            "warning" => {
                let place =
                    self.place.as_ref().map(|(file, line)| format!("{file}:{line}: ")).unwrap_or_default();
                say(&mut io::stderr(), &format!("{place}{first}"));
                String::new()
            }
            "info" => {
                say(&mut io::stdout(), first);
                String::new()
            }
            "shell" => {
                let (text, status) = shell_output(self, first)?;
                self.variables
                    .insert(".SHELLSTATUS".into(), Variable::simple(&status.to_string(), Origin::File));
                text
            }
            "origin" => {
                self.variable(first).map_or("undefined", |variable| variable.origin.name()).to_owned()
            }
            "flavor" => match self.variable(first) {
                None => "undefined",
                Some(variable) if variable.recursive => "recursive",
                Some(_) => "simple",
            }
            .to_owned(),
            "value" => self.variable(first).map(|variable| variable.value.clone()).unwrap_or_default(),
            "eval" => {
                self.read_text(first, None)?;
                String::new()
            }
            "file" => self.file_function(first, values.get(1).map(String::as_str))?,
            _ => String::new(),
        })
    }

    fn file_function(&self, operation: &str, text: Option<&str>) -> Result<String, Stop> {
        let operation = operation.trim();
        let (appends, name) =
            match (operation.strip_prefix(">>"), operation.strip_prefix('>'), operation.strip_prefix('<')) {
                (Some(name), ..) => (true, name.trim()),
                (_, Some(name), _) => (false, name.trim()),
                (.., Some(name)) => {
                    return Ok(fs::read_to_string(name.trim())
                        .unwrap_or_default()
                        .trim_end_matches('\n')
                        .to_owned());
                }
                _ => return Err(self.stop(&format!("file: invalid file operation: {operation}"))),
            };
        let mut contents = text.unwrap_or_default().to_owned();
        if text.is_some() && !contents.ends_with('\n') {
            contents.push('\n');
        }
        let opened =
            fs::OpenOptions::new().create(true).write(true).append(appends).truncate(!appends).open(name);
        let written =
            opened.and_then(|mut file| io::Write::write_all(&mut file, &byte_text::encode(&contents)));
        written.map_err(|error| {
            self.stop(&format!("open: {name}: {}", cordon_multicall::files::reason(&error)))
        })?;
        Ok(String::new())
    }
}

fn absolute(base: &str, word: &str) -> String {
    let whole = if word.starts_with('/') { word.to_owned() } else { format!("{base}/{word}") };
    let mut parts: Vec<&str> = vec![];
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Arguments that a function takes; commas behind belong to the last.
fn takes(name: &str) -> usize {
    match name {
        "subst" | "patsubst" | "wordlist" => 3,
        "findstring" | "filter" | "filter-out" | "word" | "addsuffix" | "addprefix" | "join" | "file" => 2,
        _ => 1,
    }
}

const FUNCTIONS: [&str; 36] = [
    "abspath",
    "addprefix",
    "addsuffix",
    "and",
    "basename",
    "call",
    "dir",
    "error",
    "eval",
    "file",
    "filter",
    "filter-out",
    "findstring",
    "firstword",
    "flavor",
    "foreach",
    "if",
    "info",
    "join",
    "lastword",
    "notdir",
    "or",
    "origin",
    "patsubst",
    "realpath",
    "shell",
    "sort",
    "strip",
    "subst",
    "suffix",
    "value",
    "warning",
    "wildcard",
    "word",
    "wordlist",
    "words",
];
