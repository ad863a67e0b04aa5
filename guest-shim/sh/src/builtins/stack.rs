//! `pushd`, `popd` and `dirs`: directories that are put aside.

use std::rc::Rc;

use super::{directory, misuse, print_text};
use crate::state::{Outcome, Shell};

/// As many directories can be put aside.
const MAX_DIRECTORIES: usize = 10_000;

/// Goes to the first of `directories` and puts the others aside.
fn change(shell: &mut Shell, mut directories: Vec<String>, quiet: bool) -> Outcome {
    if directories.is_empty() {
        return Ok(0);
    }
    let first = directories.remove(0);
    let status = directory::cd(shell, &["cd".to_owned(), "--".to_owned(), first])?;
    if status != 0 {
        return Ok(status);
    }
    shell.extras.directories = Rc::new(directories);
    if quiet { Ok(0) } else { dirs(shell, &["dirs".to_owned()]) }
}

/// The place in the list that `+1` or `-1` names.
fn place(text: &str, count: usize) -> Option<usize> {
    let number = text.get(1..)?.parse::<usize>().ok();
    match text.as_bytes().first()? {
        b'+' => number.filter(|number| *number < count),
        b'-' => number.and_then(|number| count.checked_sub(number + 1)),
        _ => None,
    }
}

pub fn pushd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut directories = shell.directory_stack();
    match arguments.get(1).map(String::as_str) {
        None if directories.len() < 2 => {
            shell.report("pushd: no other directory");
            Ok(1)
        }
        None => {
            directories.swap(0, 1);
            change(shell, directories, false)
        }
        Some(word) if word.starts_with(['+', '-']) && word.len() > 1 => {
            let Some(index) = place(word, directories.len()) else {
                shell.report(&format!("pushd: {word}: directory stack index out of range"));
                return Ok(1);
            };
            directories.rotate_left(index);
            change(shell, directories, false)
        }
        Some(_) if directories.len() >= MAX_DIRECTORIES => {
            shell.report("pushd: too many directories");
            Ok(1)
        }
        Some(directory) => {
            directories.insert(0, directory.to_owned());
            change(shell, directories, false)
        }
    }
}

pub fn popd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut directories = shell.directory_stack();
    if directories.len() < 2 {
        shell.report("popd: directory stack empty");
        return Ok(1);
    }
    let index = match arguments.get(1) {
        None => 0,
        Some(word) => match place(word, directories.len()) {
            Some(index) => index,
            None => {
                shell.report(&format!("popd: {word}: directory stack index out of range"));
                return Ok(1);
            }
        },
    };
    directories.remove(index);
    if index == 0 {
        return change(shell, directories, false);
    }
    directories.remove(0);
    shell.extras.directories = Rc::new(directories);
    dirs(shell, &["dirs".to_owned()])
}

pub fn dirs(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (mut long, mut each, mut numbered) = (false, false, false);
    for word in &arguments[1..] {
        match word.as_str() {
            "-c" => {
                shell.extras.directories = Rc::default();
                return Ok(0);
            }
            "-l" => long = true,
            "-p" => each = true,
            "-v" => (each, numbered) = (true, true),
            word if place(word, shell.directory_stack().len()).is_some() => {
                let index = place(word, shell.directory_stack().len()).unwrap_or(0);
                let directory = shell.directory_stack().into_iter().nth(index).unwrap_or_default();
                return print_text(shell, "dirs", &format!("{directory}\n"));
            }
            other => return Ok(misuse(shell, "dirs", &format!("{other}: invalid option"))),
        }
    }
    let home = shell.variable("HOME").unwrap_or_default().to_owned();
    let short = |directory: String| match directory.strip_prefix(&home) {
        Some(rest) if !long && !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => {
            format!("~{rest}")
        }
        _ => directory,
    };
    let shown: Vec<String> = shell.directory_stack().into_iter().map(short).collect();
    let text = if numbered {
        shown.iter().enumerate().map(|(index, directory)| format!("{index:2}  {directory}\n")).collect()
    } else if each {
        shown.iter().map(|directory| format!("{directory}\n")).collect()
    } else {
        format!("{}\n", shown.join(" "))
    };
    print_text(shell, "dirs", &text)
}
