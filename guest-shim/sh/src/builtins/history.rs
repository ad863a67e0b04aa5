//! `history`: the commands that somebody has typed at a terminal.

use super::{misuse, print_text};
use crate::state::{Outcome, Shell};

pub fn run(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let editor = shell.extras.editor.clone();
    let count = match arguments.get(1).map(String::as_str) {
        Some("-c") => {
            if let Some(editor) = editor {
                editor.borrow_mut().forget();
            }
            return Ok(0);
        }
        Some(count) => match count.parse() {
            Ok(count) => count,
            Err(_) if count.starts_with('-') => {
                return Ok(misuse(shell, "history", &format!("{count}: not supported")));
            }
            Err(_) => return Ok(misuse(shell, "history", &format!("{count}: numeric argument required"))),
        },
        None => usize::MAX,
    };
    // A shell that nobody types at has none.
    let Some(editor) = editor else { return Ok(0) };
    let commands: Vec<String> = editor
        .borrow()
        .commands()
        .iter()
        .enumerate()
        .map(|(index, command)| format!("{:5}  {command}\n", index + 1))
        .collect();
    let text = commands[commands.len().saturating_sub(count)..].concat();
    print_text(shell, "history", &text)
}

/// `fc`: lists commands that were typed, or runs one of them again. There is no editor for them.
pub fn fc(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut letters = String::new();
    let mut operands = vec![];
    let mut words = arguments[1..].iter();
    while let Some(word) = words.next() {
        match word.strip_prefix('-').filter(|_| operands.is_empty()) {
            Some("-") => operands.extend(words.by_ref().cloned()),
            Some("e") => drop(words.next()),
            Some(number) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                operands.push(word.clone());
            }
            Some(flags) if !flags.is_empty() => {
                if let Some(wrong) = flags.chars().find(|flag| !"lnrse".contains(*flag)) {
                    let status = misuse(shell, "fc", &format!("-{wrong}: invalid option"));
                    let usage =
                        "fc: usage: fc [-e ename] [-lnr] [first] [last] or fc -s [pat=rep] [command]\n";
                    if let Ok(handle) = shell.descriptors.get(2) {
                        // Nobody is left to tell otherwise.
                        let _ = handle.write_text(usage);
                    }
                    return Ok(status);
                }
                letters += flags;
            }
            _ => operands.push(word.clone()),
        }
    }
    let mut commands =
        shell.extras.editor.as_ref().map_or_else(Vec::new, |editor| editor.borrow().commands());
    // The last is this one.
    commands.pop();
    if letters.contains('s') {
        return run_again(shell, &commands, &operands);
    }
    if shell.extras.editor.is_none() {
        return Ok(0);
    }
    if !letters.contains('l') {
        return Ok(misuse(shell, "fc", "there is no editor: -l lists, -s runs"));
    }
    let outside = |shell: &Shell| {
        shell.report("fc: history specification out of range");
        Ok(1)
    };
    if commands.is_empty() {
        return outside(shell);
    }
    let last = commands.len() - 1;
    let first = match operands.first() {
        Some(operand) => place(&commands, operand),
        None => Some(commands.len().saturating_sub(LISTED)),
    };
    let end = match (operands.get(1), operands.first()) {
        (Some(operand), _) => place(&commands, operand),
        _ => Some(last),
    };
    let (Some(first), Some(end)) = (first, end) else { return outside(shell) };
    let mut listed: Vec<usize> = (first.min(end)..=first.max(end)).collect();
    if letters.contains('r') != (first > end) {
        listed.reverse();
    }
    let numbered = !letters.contains('n');
    let text = listed.into_iter().map(|index| match numbered {
        true => format!("{}\t {}\n", index + 1, commands[index]),
        false => format!("\t {}\n", commands[index]),
    });
    let text: String = text.collect();
    print_text(shell, "fc", &text)
}

/// As many commands `fc -l` lists.
const LISTED: usize = 16;

/// The command that a number, a number from the end, or a beginning names.
fn place(commands: &[String], operand: &str) -> Option<usize> {
    let last = commands.len().checked_sub(1)?;
    match operand.parse::<i64>() {
        Ok(0) => Some(last),
        Ok(number) if number < 0 => Some(commands.len().saturating_sub(number.unsigned_abs() as usize)),
        Ok(number) => Some((number.unsigned_abs() as usize - 1).min(last)),
        Err(_) => commands.iter().rposition(|command| command.starts_with(operand)),
    }
}

fn run_again(shell: &mut Shell, commands: &[String], operands: &[String]) -> Outcome {
    let (changes, named): (Vec<&String>, Vec<&String>) =
        operands.iter().partition(|operand| operand.contains('='));
    let found = match named.first() {
        Some(operand) => place(commands, operand),
        None => commands.len().checked_sub(1),
    };
    let Some(found) = found else {
        shell.report("fc: no command found");
        return Ok(1);
    };
    let mut command = commands[found].clone();
    for (pattern, replacement) in changes.iter().filter_map(|change| change.split_once('=')) {
        command = command.replace(pattern, replacement);
    }
    if let Ok(handle) = shell.descriptors.get(2) {
        // It is only shown.
        let _ = handle.write_text(&format!("{command}\n"));
    }
    if let Some(editor) = &shell.extras.editor {
        editor.borrow_mut().remember(&command);
    }
    shell.run_text(&command, 1)
}
