//! `cd`, `pwd` and `umask`.

use super::{misuse, print};
use crate::{
    state::{Outcome, Shell},
    system,
};

pub fn cd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut physical = false;
    let mut operand = None;
    for word in &arguments[1..] {
        match word.as_str() {
            "-P" => physical = true,
            "-L" => physical = false,
            "--" => {}
            _ => operand = Some(word.as_str()),
        }
    }
    let mut show = false;
    let target = match operand {
        None => shell.variable("HOME").map(str::to_owned),
        Some("-") => {
            show = true;
            shell.variable("OLDPWD").map(str::to_owned)
        }
        Some(path) => Some(path.to_owned()),
    };
    let Some(target) = target.filter(|target| !target.is_empty()) else {
        let name = if show { "OLDPWD" } else { "HOME" };
        return Ok(misuse(shell, "cd", &format!("{name} not set")));
    };
    let before = shell.variable("PWD").map_or_else(system::current_directory, str::to_owned);
    let path = if physical { target.clone() } else { logical_path(&before, &target) };
    let original = system::current_directory();
    if let Err(errno) = system::set_current_directory(&path) {
        shell.report(&format!("cd: can't cd to {target}: {}", system::describe(errno)));
        return Ok(2);
    }
    shell.original_directory.get_or_insert_with(|| original.into());
    let now = if physical { system::current_directory() } else { path };
    shell.assign("OLDPWD", before)?;
    shell.assign("PWD", now.clone())?;
    if show { print(shell, "cd", (now + "\n").as_bytes()) } else { Ok(0) }
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
    let physical = arguments[1..].iter().any(|word| word == "-P");
    let directory = match shell.variable("PWD") {
        Some(directory) if !physical && directory.starts_with('/') => directory.to_owned(),
        _ => system::current_directory(),
    };
    print(shell, "pwd", (directory + "\n").as_bytes())
}

pub fn umask(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let symbolic = arguments.get(1).is_some_and(|word| word == "-S");
    let operand = arguments.get(1 + usize::from(symbolic));
    // The mask can only be read by setting it.
    let current = system::set_umask(0o022);
    system::set_umask(current);
    let Some(operand) = operand else {
        let text = if symbolic { symbolic_mask(current) } else { format!("{current:04o}") };
        return print(shell, "umask", (text + "\n").as_bytes());
    };
    match parse_mask(operand, current) {
        Some(mask) => {
            shell.original_umask.get_or_insert(current);
            system::set_umask(mask);
            Ok(0)
        }
        None => Ok(misuse(shell, "umask", &format!("Illegal mode: {operand}"))),
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
