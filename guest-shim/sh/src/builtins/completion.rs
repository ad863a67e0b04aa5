//! bash's programmed completion as far as scripts use it: `compgen` tells what a word may become, `complete` keeps what is to
//! be done for commands and lists it, and `compopt` changes that. Whoever sits at a terminal gets the completion of `editor`.

use serde::{Deserialize, Serialize};

use super::{misuse, print_text, quote};
use crate::{
    builtins,
    expand::{fields::Field, glob, pattern::Pattern},
    state::{Flow, Outcome, Shell},
    syntax::{
        extent::is_name,
        reader::Reader,
        word::{self, Tildes},
    },
    system::{self, FileType, signals},
    variables::Variable,
};

/// Kinds of words by their letters and names, in the order in which they are listed.
const ACTIONS: [(char, &str); 24] = [
    ('a', "alias"),
    ('b', "builtin"),
    ('c', "command"),
    ('d', "directory"),
    ('e', "export"),
    ('f', "file"),
    ('g', "group"),
    ('j', "job"),
    ('k', "keyword"),
    ('s', "service"),
    ('u', "user"),
    ('v', "variable"),
    ('-', "arrayvar"),
    ('-', "binding"),
    ('-', "disabled"),
    ('-', "enabled"),
    ('-', "function"),
    ('-', "helptopic"),
    ('-', "hostname"),
    ('-', "running"),
    ('-', "setopt"),
    ('-', "shopt"),
    ('-', "signal"),
    ('-', "stopped"),
];
const OPTIONS: [&str; 8] =
    ["bashdefault", "default", "dirnames", "filenames", "noquote", "nosort", "nospace", "plusdirs"];
/// Options with a value, in the order in which they are listed.
const VALUED: [char; 7] = ['G', 'W', 'P', 'S', 'X', 'C', 'F'];
/// As bash has them in its table.
pub const KEYWORDS: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do", "done",
    "in", "function", "time", "{", "}", "!", "[[", "]]", "coproc",
];
const WHAT: &str = "[-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] \
                    [-P prefix] [-S suffix]";

/// What completes a word.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Completion {
    actions: Vec<usize>,
    options: Vec<usize>,
    values: Vec<(char, String)>,
}

impl Completion {
    fn value(&self, letter: char) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str())
    }

    fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.options.is_empty() && self.values.is_empty()
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|index| OPTIONS[*index] == option)
    }

    /// The command that makes it for `name`.
    fn shown(&self, name: &str) -> String {
        let mut text = "complete".to_owned();
        for option in &self.options {
            text += &format!(" -o {}", OPTIONS[*option]);
        }
        for action in &self.actions {
            text += &match ACTIONS[*action] {
                ('-', name) => format!(" -A {name}"),
                (letter, _) => format!(" -{letter}"),
            };
        }
        for letter in VALUED {
            text += &match self.value(letter) {
                Some(function) if letter == 'F' => format!(" -F {function}"),
                Some(value) => format!(" -{letter} '{}'", value.replace('\'', r"'\''")),
                None => String::new(),
            };
        }
        format!("{text} {name}\n")
    }
}

/// What the arguments of these built-in commands say.
#[derive(Default)]
struct Request {
    completion: Completion,
    /// Letters without a value that are no kinds of words: `-p`, `-r`, and the names `-D`, `-E`, `-I`.
    flags: Vec<char>,
    /// Options that `compopt` takes away.
    removed: Vec<usize>,
    operands: Vec<String>,
}

fn usage(name: &str) -> String {
    match name {
        "compgen" => format!("compgen: usage: compgen [-abcdefgjksuv] {WHAT} [word]\n"),
        "compopt" => "compopt: usage: compopt [-o|+o option] [-DEI] [name ...]\n".to_owned(),
        _ => format!("complete: usage: complete [-abcdefgjksuv] [-pr] [-DEI] {WHAT} [name ...]\n"),
    }
}

/// Reads the arguments; what is wrong was reported, and gives the status.
fn read(shell: &Shell, arguments: &[String], flags: &str) -> Result<Request, i32> {
    let name = arguments[0].as_str();
    let mut request = Request::default();
    let mut words = arguments[1..].iter();
    let wrong = |message: &str, is_usage: bool| {
        let status = misuse(shell, name, message);
        if is_usage {
            show_usage(shell, name);
        }
        status
    };
    while let Some(word) = words.next() {
        let adds = word.starts_with('-');
        let letters = word.strip_prefix('-').or_else(|| word.strip_prefix('+').filter(|_| name == "compopt"));
        let letters = match letters {
            Some("-") => {
                request.operands.extend(words.cloned());
                break;
            }
            Some(letters) if !letters.is_empty() => letters,
            _ => {
                request.operands.push(word.clone());
                request.operands.extend(words.cloned());
                break;
            }
        };
        for (at, letter) in letters.char_indices() {
            if flags.contains(letter) {
                request.flags.push(letter);
                continue;
            }
            let action = ACTIONS.iter().position(|(known, _)| *known == letter && letter != '-');
            if let Some(action) = action.filter(|_| name != "compopt") {
                request.completion.actions.push(action);
                continue;
            }
            let takes_value =
                letter == 'o' || name != "compopt" && (letter == 'A' || VALUED.contains(&letter));
            if !takes_value {
                return Err(wrong(&format!("-{letter}: invalid option"), true));
            }
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() { words.next().cloned() } else { Some(rest.to_owned()) };
            let Some(value) = value else {
                return Err(wrong(&format!("-{letter}: option requires an argument"), true));
            };
            match letter {
                'A' => match ACTIONS.iter().position(|(_, known)| *known == value) {
                    Some(action) => request.completion.actions.push(action),
                    None => return Err(wrong(&format!("{value}: invalid action name"), false)),
                },
                'o' => match OPTIONS.iter().position(|known| *known == value) {
                    Some(option) if adds => request.completion.options.push(option),
                    Some(option) => request.removed.push(option),
                    None => return Err(wrong(&format!("{value}: invalid option name"), false)),
                },
                letter => {
                    request.completion.values.retain(|(known, _)| *known != letter);
                    request.completion.values.push((letter, value));
                }
            }
            break;
        }
    }
    for listed in [&mut request.completion.actions, &mut request.completion.options] {
        listed.sort_unstable();
        listed.dedup();
    }
    Ok(request)
}

fn show_usage(shell: &Shell, name: &str) {
    if let Ok(handle) = shell.descriptors.get(2) {
        // Nobody is left to tell otherwise.
        let _ = handle.write_text(&usage(name));
    }
}

pub fn compgen(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let request = match read(shell, arguments, "") {
        Ok(request) => request,
        Err(status) => return Ok(status),
    };
    if request.completion.is_empty() {
        return Ok(0);
    }
    let word = request.operands.first().cloned().unwrap_or_default();
    let found = generate(shell, &request.completion, &word)?;
    let text: String = found.iter().map(|line| format!("{line}\n")).collect();
    let status = print_text(shell, "compgen", &text)?;
    Ok(if found.is_empty() { 1 } else { status })
}

/// What `word` may become.
fn generate(shell: &mut Shell, completion: &Completion, word: &str) -> Result<Vec<String>, Flow> {
    let mut found = vec![];
    for action in &completion.actions {
        let name = ACTIONS[*action].1;
        let candidates = match name {
            "file" | "directory" => paths(shell, word, name == "directory"),
            name => of_kind(shell, name),
        };
        found.extend(candidates.into_iter().filter(|candidate| candidate.starts_with(word)));
    }
    if let Some(pattern) = completion.value('G') {
        let mut field = Field::default();
        field.push(pattern, false);
        found.extend(glob::expand(&field, shell.extras.patterns).unwrap_or_default());
    }
    if let Some(list) = completion.value('W') {
        found.extend(words_of(shell, list)?.into_iter().filter(|candidate| candidate.starts_with(word)));
    }
    if let Some(function) = completion.value('F') {
        shell.report("compgen: warning: -F option may not work as you expect");
        match shell.functions.get(function).cloned() {
            Some(body) => {
                let arguments = ["compgen", word, ""].map(str::to_owned).to_vec();
                shell.call(function, &body, arguments)?;
                let reply = shell.find("COMPREPLY").map(Variable::elements).unwrap_or_default();
                found.extend(reply.into_iter().map(|(_, value)| value));
                shell.unset("COMPREPLY")?;
            }
            None => shell.report(&format!("completion: function `{function}' not found")),
        }
    }
    if let Some(command) = completion.value('C') {
        shell.report("compgen: warning: -C option may not work as you expect");
        let text = format!("{command} compgen {} ''", quote(word));
        match Reader::new(&text, shell.line).rest() {
            Ok(list) => found.extend(shell.substitute(&list)?.lines().map(str::to_owned)),
            Err(error) => shell.report(&format!("compgen: {}", error.message)),
        }
    }
    if let Some(filter) = completion.value('X') {
        let (keeps, filter) = filter.strip_prefix('!').map_or((false, filter), |filter| (true, filter));
        let mut field = Field::default();
        for (at, part) in filter.split('&').enumerate() {
            if at > 0 {
                field.push(word, true);
            }
            field.push(part, false);
        }
        let pattern = Pattern::new(&field);
        found.retain(|candidate| pattern.matches(candidate) == keeps);
    }
    let (before, after) = (completion.value('P').unwrap_or(""), completion.value('S').unwrap_or(""));
    if !before.is_empty() || !after.is_empty() {
        found.iter_mut().for_each(|candidate| *candidate = format!("{before}{candidate}{after}"));
    }
    if completion.has("plusdirs") || found.is_empty() && completion.has("dirnames") {
        found.extend(paths(shell, word, true));
    }
    if found.is_empty() && (completion.has("default") || completion.has("bashdefault")) {
        found.extend(paths(shell, word, false));
    }
    Ok(found)
}

/// The words of a list, each expanded, but not to names of files.
fn words_of(shell: &mut Shell, list: &str) -> Result<Vec<String>, Flow> {
    let mut words = vec![];
    let separators = shell.variable("IFS").unwrap_or(" \t\n").to_owned();
    let globs = std::mem::replace(&mut shell.options.noglob, true);
    for text in separated(list, &separators) {
        // What is no word stands for itself.
        match word::word(text, shell.line, 0, Tildes::AtStart) {
            Ok(word) => match shell.expand_words(&[word]) {
                Ok(expanded) => words.extend(expanded),
                Err(flow) => {
                    shell.options.noglob = globs;
                    return Err(flow);
                }
            },
            Err(_) => words.push(text.to_owned()),
        }
    }
    shell.options.noglob = globs;
    Ok(words)
}

/// Cuts a text at characters that are neither quoted nor in an expansion.
fn separated<'a>(text: &'a str, separators: &str) -> Vec<&'a str> {
    let mut words = vec![];
    let mut start = None;
    let mut quoted = None;
    // What ends the expansions around.
    let mut around = vec![];
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if quoted.is_none() && around.is_empty() && separators.contains(character) {
            words.extend(start.take().map(|start| &text[start..at]));
            continue;
        }
        start.get_or_insert(at);
        match (quoted, character) {
            (None | Some('"'), '\\') => drop(characters.next()),
            (None, '\'' | '"') => quoted = Some(character),
            (Some(quote), character) if quote == character => quoted = None,
            (Some('\''), _) => {}
            (_, character) if around.last() == Some(&character) => drop(around.pop()),
            (_, '$') if text[at + 1..].starts_with('(') => around.push(')'),
            (_, '$') if text[at + 1..].starts_with('{') => around.push('}'),
            (_, '`') => around.push('`'),
            (_, '(') if !around.is_empty() && !text[..at].ends_with('$') => around.push(')'),
            _ => {}
        }
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

/// All names of a kind.
fn of_kind(shell: &Shell, kind: &str) -> Vec<String> {
    let variables = |wanted: fn(&Variable) -> bool| {
        let all =
            shell.variables.iter().filter(move |(_, variable)| variable.value.is_some() && wanted(variable));
        all.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let keys = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    match kind {
        "alias" => shell.aliases.keys().cloned().collect(),
        "arrayvar" => variables(Variable::is_array),
        "builtin" | "enabled" | "helptopic" => {
            let mut names = keys(builtins::names().collect());
            names.sort_unstable();
            names.dedup();
            names
        }
        "command" => {
            let mut names: Vec<String> = shell.aliases.keys().cloned().collect();
            names.extend(keys(KEYWORDS.to_vec()));
            names.extend(shell.functions.keys().cloned());
            names.extend(of_kind(shell, "builtin"));
            let path = shell.variable("PATH").unwrap_or_default();
            for directory in path.split(':').filter(|path| !path.is_empty()) {
                names.extend(system::directory_names(directory).unwrap_or_default());
            }
            names
        }
        "export" => variables(|variable| variable.exported),
        "function" => shell.functions.keys().filter(|name| is_name(name)).cloned().collect(),
        "group" | "user" => vec!["root".to_owned(), "user".to_owned()],
        "hostname" => vec!["localhost".to_owned(), system::machine("hostname")],
        "job" | "running" | "stopped" => {
            let jobs = shell.jobs.iter().filter(|job| match kind {
                "job" => true,
                kind => job.poll().is_none() && job.is_stopped() == (kind == "stopped"),
            });
            jobs.filter_map(|job| job.command.split(' ').next().map(str::to_owned)).collect()
        }
        "keyword" => keys(KEYWORDS.to_vec()),
        "setopt" => {
            let mut options = shell.options;
            let mut names = keys(options.table().into_iter().map(|(name, ..)| name).collect());
            names.extend(keys(crate::state::WITHOUT_EFFECT.to_vec()));
            names.extend(keys(crate::state::WITHOUT_EFFECT_IN_BASH.to_vec()));
            names.sort_unstable();
            names
        }
        "shopt" => keys(shell.shopts().into_iter().map(|(name, _)| name).collect()),
        "signal" => signals::names().map(|(name, _)| format!("SIG{name}")).collect(),
        "variable" => variables(|_| true),
        _ => vec![],
    }
}

/// The names of files, or of directories, that begin like `word`.
fn paths(shell: &Shell, word: &str, only_directories: bool) -> Vec<String> {
    let (directory, part) = match word.rfind('/') {
        Some(slash) => word.split_at(slash + 1),
        None => ("", word),
    };
    let place = match (directory.strip_prefix("~/"), shell.variable("HOME")) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ if directory.is_empty() => ".".to_owned(),
        _ => directory.to_owned(),
    };
    let is_directory = |name: &str| {
        let status = system::status(&format!("{place}/{name}"));
        status.is_ok_and(|status| status.file_type == FileType::Directory)
    };
    let mut names = system::directory_names(&place).unwrap_or_default();
    names.retain(|name| name.starts_with(part) && (!only_directories || is_directory(name)));
    names.into_iter().map(|name| format!("{directory}{name}")).collect()
}

/// The names that stand for commands: those given, or what `-D`, `-E` and `-I` stand for.
fn targets(request: &Request) -> Vec<String> {
    let special = request.flags.iter().filter(|flag| "DEI".contains(**flag));
    let special: Vec<String> = special.map(|flag| format!("-{flag}")).collect();
    if special.is_empty() { request.operands.clone() } else { special }
}

pub fn complete(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let request = match read(shell, arguments, "prDEI") {
        Ok(request) => request,
        Err(status) => return Ok(status),
    };
    let targets = targets(&request);
    let mut status = 0;
    if request.flags.contains(&'r') {
        let known = &mut shell.extras.completions;
        let was_empty = known.is_empty();
        if targets.is_empty() {
            known.clear();
        }
        for target in targets {
            let before = shell.extras.completions.len();
            shell.extras.completions.retain(|(name, _)| *name != target);
            if shell.extras.completions.len() == before && !was_empty {
                shell.report(&format!("complete: {target}: no completion specification"));
                status = 1;
            }
        }
        return Ok(status);
    }
    if request.flags.contains(&'p') || targets.is_empty() && request.completion.is_empty() {
        let mut text = String::new();
        if targets.is_empty() {
            text.extend(shell.extras.completions.iter().map(|(name, completion)| completion.shown(name)));
        }
        for target in targets {
            match shell.extras.completions.iter().find(|(name, _)| *name == target) {
                Some((name, completion)) => text += &completion.shown(name),
                None => {
                    shell.report(&format!("complete: {target}: no completion specification"));
                    status = 1;
                }
            }
        }
        return Ok(print_text(shell, "complete", &text)?.max(status));
    }
    if targets.is_empty() {
        show_usage(shell, "complete");
        return Ok(2);
    }
    for target in targets {
        let known = &mut shell.extras.completions;
        match known.iter_mut().find(|(name, _)| *name == target) {
            Some((_, completion)) => *completion = request.completion.clone(),
            None => known.push((target, request.completion.clone())),
        }
    }
    Ok(0)
}

pub fn compopt(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let request = match read(shell, arguments, "DEI") {
        Ok(request) => request,
        Err(status) => return Ok(status),
    };
    let targets = targets(&request);
    if targets.is_empty() {
        shell.report("compopt: not currently executing completion function");
        return Ok(1);
    }
    let mut status = 0;
    for target in targets {
        let Some((_, completion)) = shell.extras.completions.iter_mut().find(|(name, _)| *name == target)
        else {
            shell.report(&format!("compopt: {target}: no completion specification"));
            status = 1;
            continue;
        };
        if request.completion.options.is_empty() && request.removed.is_empty() {
            let listed = OPTIONS
                .iter()
                .map(|option| format!(" {}o {option}", if completion.has(option) { '-' } else { '+' }));
            let text = format!("compopt{} {target}\n", listed.collect::<String>());
            print_text(shell, "compopt", &text)?;
            continue;
        }
        completion.options.extend(&request.completion.options);
        completion.options.retain(|option| !request.removed.contains(option));
        completion.options.sort_unstable();
        completion.options.dedup();
    }
    Ok(status)
}

/// Keys belong to whoever sits at a terminal, and there they are what they are.
pub fn bind(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if shell.extras.editor.is_some() {
        shell.report("bind: not supported");
        return Ok(1);
    }
    shell.report("bind: warning: line editing not enabled");
    match arguments.get(1).map(String::as_str) {
        Some("-q" | "-u") => {
            let name = arguments.get(2).map_or("", String::as_str);
            shell.report(&format!("bind: `{name}': unknown function name"));
            Ok(1)
        }
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_lists_are_quoted_like_others() {
        assert_eq!(separated(" a  b\n", " \n"), ["a", "b"]);
        assert_eq!(separated("a\\ b 'c d' \"e \\\" f\"", " "), ["a\\ b", "'c d'", "\"e \\\" f\""]);
        assert_eq!(separated("a:b c", ":"), ["a", "b c"]);
        assert_eq!(separated("$(a b (c d)) ${x y} `a b` e", " "), ["$(a b (c d))", "${x y}", "`a b`", "e"]);
        assert!(separated("", " ").is_empty());
    }

    #[test]
    fn completions_are_shown_as_they_were_asked_for() {
        let completion = Completion {
            actions: vec![5, 16],
            options: vec![1, 6],
            values: vec![('F', "f".into()), ('W', "a 'b".into())],
        };
        assert_eq!(
            completion.shown("x"),
            "complete -o default -o nospace -f -A function -W 'a '\\''b' -F f x\n"
        );
    }
}
