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
