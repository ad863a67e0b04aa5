//! Builtins that change where execution goes on.

use super::{misuse, print, quote};
use crate::{
    state::{Condition, Flow, Outcome, Shell},
    system::{self, signals},
};

pub fn succeed(_: &mut Shell, _: &[String]) -> Outcome {
    Ok(0)
}

pub fn fail(_: &mut Shell, _: &[String]) -> Outcome {
    Ok(1)
}

/// An exit status given as an operand.
fn status_operand(shell: &Shell, arguments: &[String]) -> Result<i32, Flow> {
    match arguments.get(1) {
        None => Ok(shell.status),
        Some(text) => match text.parse::<u32>() {
            Ok(status) => Ok((status & 0xff) as i32),
            Err(_) => {
                shell.report(&format!("{}: Illegal number: {text}", arguments[0]));
                Err(Flow::Error)
            }
        },
    }
}

pub fn exit(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if let (Some(status), 1) = (shell.status_before_trap, arguments.len()) {
        return Err(Flow::Exit(status));
    }
    Err(Flow::Exit(status_operand(shell, arguments)?))
}

pub fn leave_function(shell: &mut Shell, arguments: &[String]) -> Outcome {
    Err(Flow::Return(status_operand(shell, arguments)?))
}

fn levels(shell: &Shell, arguments: &[String]) -> Result<u32, Flow> {
    match arguments.get(1).map(|text| text.parse::<u32>()) {
        None => Ok(1),
        Some(Ok(levels)) if levels > 0 => Ok(levels),
        Some(_) => {
            shell.report(&format!("{}: Illegal number: {}", arguments[0], arguments[1]));
            Err(Flow::Error)
        }
    }
}

pub fn leave_loops(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let levels = levels(shell, arguments)?;
    shell.status = 0;
    if shell.loops == 0 { Ok(0) } else { Err(Flow::Break(levels.min(shell.loops))) }
}

pub fn next_turn(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let levels = levels(shell, arguments)?;
    shell.status = 0;
    if shell.loops == 0 { Ok(0) } else { Err(Flow::Continue(levels.min(shell.loops))) }
}

pub fn eval(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let text = arguments[1..].join(" ");
    let line = shell.line;
    shell.nested(|shell| shell.run_text(&text, line))
}

pub fn source(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let Some(name) = arguments.get(1) else {
        return Ok(misuse(shell, &arguments[0], "filename argument required"));
    };
    let path = if name.contains('/') { Some(name.clone()) } else { find_script(shell, name) };
    let text = path.ok_or(system::Errno::Enoent).and_then(|path| shell.read_file(&path));
    let text = match text {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(errno) => {
            shell.report(&format!("{}: cannot open {name}: {}", arguments[0], system::describe(errno)));
            return Err(Flow::Error);
        }
    };
    let replaced = (arguments.len() > 2)
        .then(|| std::mem::replace(&mut shell.positional, std::rc::Rc::new(arguments[2..].to_vec())));
    shell.calls += 1;
    let outcome = shell.nested(|shell| shell.run_file(&text));
    shell.calls -= 1;
    if let Some(positional) = replaced {
        shell.positional = positional;
    }
    match outcome {
        Err(Flow::Return(status)) => Ok(status),
        other => other,
    }
}

/// Scripts to source are looked up like programs, but need not be executable.
fn find_script(shell: &Shell, name: &str) -> Option<String> {
    let path = shell.variable("PATH").unwrap_or_default();
    let candidates = path.split(':').map(|directory| match directory {
        "" => name.to_owned(),
        _ => format!("{directory}/{name}"),
    });
    candidates.into_iter().find(|candidate| system::status(candidate).is_ok())
}

/// Runs a program in place of the shell. Without fork and exec that is: run it, then end as it did. Signals to the shell
/// are meant for the program meanwhile.
pub fn exec(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let child = shell.start_program(&arguments[1..]).map_err(Flow::Exit)?;
    Err(Flow::Exit(shell.replace_by(&child)))
}

pub fn trap(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    match words.first().map(String::as_str) {
        Some("--") => words = &words[1..],
        Some("-l") => {
            let names: Vec<&str> = signals::names().map(|(name, _)| name).collect();
            return print(shell, "trap", (names.join(" ") + "\n").as_bytes());
        }
        Some("-p") => words = &[],
        _ => {}
    }
    let Some((action, conditions)) = words.split_first() else {
        let listing: String = shell
            .traps
            .iter()
            .map(|(condition, action)| format!("trap -- {} {}\n", quote(action), condition_name(*condition)))
            .collect();
        return print(shell, "trap", listing.as_bytes());
    };
    // A number or a lone name instead of an action: back to the default.
    let (action, conditions) = if conditions.is_empty() {
        (None, words)
    } else if action == "-" || action.parse::<u32>().is_ok() {
        (None, if action == "-" { conditions } else { words })
    } else {
        (Some(action), conditions)
    };
    let mut status = 0;
    for name in conditions {
        let condition = match name.as_str() {
            "0" => Condition::Exit,
            name if name.eq_ignore_ascii_case("EXIT") => Condition::Exit,
            _ => match signals::find(name) {
                Some(signal) => Condition::Signal(signal),
                None => {
                    shell.report(&format!("trap: {name}: bad trap"));
                    status = 1;
                    continue;
                }
            },
        };
        shell.set_trap(condition, action.cloned());
    }
    Ok(status)
}

fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Exit => "EXIT",
        Condition::Signal(signal) => signals::name(signal),
    }
}
