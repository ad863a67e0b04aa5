//! `cd`, `pwd` and `umask`.

use super::{misuse, print_text};
use crate::{
    state::{Outcome, Shell},
    syntax::dialect::Dialect,
    system::{self, FileStatus, FileType},
};

pub fn cd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (physical, rest) = match physical_option(&arguments[1..]) {
        Ok(parsed) => parsed,
        Err(letter) => return Ok(misuse(shell, "cd", &format!("Illegal option -{letter}"))),
    };
    if rest.len() > 1 && shell.dialect == Dialect::Bash {
        shell.report("cd: too many arguments");
        return Ok(1);
    }
    let target = match rest.first().map(String::as_str) {
        None => match shell.variable("HOME") {
            Some(home) => home.to_owned(),
            None => return Ok(misuse(shell, "cd", "HOME not set")),
        },
        Some("-") => match shell.variable("OLDPWD") {
            Some(before) => before.to_owned(),
            None => {
                shell.report("cd: OLDPWD not set");
                return Ok(1);
            }
        },
        Some(path) => path.to_owned(),
    };
    let mut show = rest.first().is_some_and(|word| word == "-");
    if !target.starts_with('/') && !matches!(target.split('/').next(), Some("." | "..")) {
        for directory in shell.variable("CDPATH").unwrap_or_default().split(':') {
            let found = match directory {
                "" => target.clone(),
                _ => format!("{}/{target}", directory.trim_end_matches('/')),
            };
            let is_directory = |status: FileStatus| status.file_type == FileType::Directory;
            if system::status(&found).is_ok_and(is_directory) {
                show |= !directory.is_empty();
                return enter(shell, &found, &target, physical, show);
            }
        }
    }
    enter(shell, &target, &target, physical, show)
}

/// Makes `path` the current directory, which messages call `name`.
fn enter(shell: &mut Shell, path: &str, name: &str, physical: bool, show: bool) -> Outcome {
    let original = system::current_directory();
    let before = shell.variable("PWD").map(str::to_owned).or_else(|| original.clone()).unwrap_or_default();
    let path = if physical && !path.is_empty() { path.to_owned() } else { logical_path(&before, path) };
    if let Err(errno) = system::set_current_directory(&path) {
        let message = system::describe(errno);
        shell.report(&match shell.dialect {
            Dialect::Posix => format!("cd: can't cd to {name}: {message}"),
            Dialect::Bash => format!("cd: {name}: {message}"),
        });
        return Ok(shell.error_status());
    }
    shell.original_directory.get_or_insert_with(|| original.unwrap_or_default().into());
    let now = if physical { system::current_directory().unwrap_or(path) } else { path };
    shell.assign("OLDPWD", before)?;
    shell.assign("PWD", now.clone())?;
    // In bash they are exported from the start, unless a script has other wishes.
    if shell.dialect == Dialect::Posix {
        for name in ["OLDPWD", "PWD"] {
            shell.variable_mut(name).exported = true;
        }
    }
    if show { print_text(shell, "cd", &(now + "\n")) } else { Ok(0) }
}

/// Whether the last of the options `-L` and `-P` is `-P`, and what follows them; else the letter of another option.
fn physical_option(mut words: &[String]) -> Result<(bool, &[String]), char> {
    let mut physical = false;
    while let Some((word, rest)) = words.split_first()
        && let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty())
    {
        words = rest;
        if letters == "-" {
            break;
        }
        for letter in letters.chars() {
            physical = match letter {
                'P' => true,
                'L' => false,
                other => return Err(other),
            };
        }
    }
    Ok((physical, words))
}

/// `target` seen from `directory`, with `.` and `..` taken as parts of the name, as the shell counts them.
fn logical_path(directory: &str, target: &str) -> String {
    let joined = if target.starts_with('/') { target.to_owned() } else { format!("{directory}/{target}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

pub fn pwd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (physical, _) = match physical_option(&arguments[1..]) {
        Ok(parsed) => parsed,
        Err(letter) => return Ok(misuse(shell, "pwd", &format!("Illegal option -{letter}"))),
    };
    let directory = match shell.variable("PWD") {
        Some(directory) if !physical && directory.starts_with('/') => directory.to_owned(),
        _ => match system::current_directory() {
            Some(directory) => directory,
            None => {
                shell.report("pwd: getcwd() failed: No such file or directory");
                return Ok(1);
            }
        },
    };
    print_text(shell, "pwd", &(directory + "\n"))
}

pub fn umask(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let symbolic = arguments.get(1).is_some_and(|word| word == "-S");
    let operand = arguments.get(1 + usize::from(symbolic));
    // The mask can only be read by setting it.
    let current = system::set_umask(0o022);
    system::set_umask(current);
    if operand.is_some_and(|operand| operand == "-p") && shell.dialect == Dialect::Bash {
        return print_text(shell, "umask", &format!("umask {current:04o}\n"));
    }
    if let Some(option) = operand.filter(|operand| operand.starts_with('-')) {
        return Ok(misuse(shell, "umask", &format!("Illegal option {option}")));
    }
    let Some(operand) = operand else {
        let text = if symbolic { symbolic_mask(current) } else { format!("{current:04o}") };
        return print_text(shell, "umask", &(text + "\n"));
    };
    match parse_mask(operand, current) {
        Some(mask) => {
            shell.original_umask.get_or_insert(current);
            system::set_umask(mask);
            Ok(0)
        }
        None => {
            let status = misuse(shell, "umask", &format!("Illegal mode: {operand}"));
            Ok(if shell.dialect == Dialect::Bash { 1 } else { status })
        }
    }
}

fn symbolic_mask(mask: u32) -> String {
    let letters = |shift: u32| -> String {
        let allowed = !mask >> shift;
        [(4, 'r'), (2, 'w'), (1, 'x')]
            .into_iter()
            .filter(|(bit, _)| allowed & bit != 0)
            .map(|(_, c)| c)
            .collect()
    };
    format!("u={},g={},o={}", letters(6), letters(3), letters(0))
}

/// An octal mask, or clauses such as `u=rwx,go-w` that change what is allowed.
fn parse_mask(text: &str, current: u32) -> Option<u32> {
    if text.starts_with(|character: char| character.is_ascii_digit()) {
        return u32::from_str_radix(text, 8).ok().filter(|mask| *mask <= 0o777);
    }
    let mut allowed = !current & 0o777;
    for clause in text.split(',') {
        let at = clause.find(['=', '+', '-'])?;
        let who = &clause[..at];
        let mut groups = 0;
        for letter in if who.is_empty() { "a" } else { who }.chars() {
            groups |= match letter {
                'u' => 0o700,
                'g' => 0o070,
                'o' => 0o007,
                'a' => 0o777,
                _ => return None,
            };
        }
        let mut bits = 0;
        for letter in clause[at + 1..].chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                _ => return None,
            };
        }
        allowed = match clause.as_bytes().get(at)? {
            b'=' => (allowed & !groups) | (bits & groups),
            b'+' => allowed | (bits & groups),
            _ => allowed & !(bits & groups),
        };
    }
    Some(!allowed & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        assert_eq!(parse_mask("027", 0), Some(0o027));
        assert_eq!(parse_mask("u=rwx,g=rx,o=", 0o777), Some(0o027));
        assert_eq!(parse_mask("go-w", 0), Some(0o022));
        assert_eq!(parse_mask("9", 0), None);
        assert_eq!(symbolic_mask(0o022), "u=rwx,g=rx,o=rx");
    }

    #[test]
    fn logical_paths() {
        assert_eq!(logical_path("/a/b", "../c/./d"), "/a/c/d");
        assert_eq!(logical_path("/", ".."), "/");
        assert_eq!(logical_path("/a", "/x//y/"), "/x/y");
    }
}
