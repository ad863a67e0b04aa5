//! Builtins that change where execution goes on.

use super::{misuse, print_text, quote};
use crate::{
    bytes,
    state::{Condition, Flow, Outcome, Shell},
    syntax::dialect::Dialect,
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
        Some(text) => match (text.parse::<u32>(), text.parse::<i64>(), shell.dialect) {
            (Ok(status), _, _) => Ok((status & 0xff) as i32),
            // What a function returns may be negative in bash; dash has an error there, and of what is too large none.
            (_, Ok(status), dialect) if dialect == Dialect::Bash || arguments[0] == "return" => {
                Ok((status & 0xff) as i32)
            }
            (_, _, Dialect::Bash) => {
                shell.report(&format!("{}: {text}: numeric argument required", arguments[0]));
                Ok(2)
            }
            (_, _, Dialect::Posix) => {
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
    if shell.dialect == Dialect::Bash && shell.calls == 0 {
        return Ok(misuse(shell, "return", "can only `return' from a function or sourced script"));
    }
    if let (Some(status), 1) = (shell.status_before_trap, arguments.len())
        && shell.calls == shell.calls_before_trap
    {
        return Err(Flow::Return(status));
    }
    Err(Flow::Return(status_operand(shell, arguments)?))
}

fn levels(shell: &mut Shell, arguments: &[String]) -> Result<u32, Flow> {
    match arguments.get(1).map(|text| text.parse::<u32>()) {
        None => Ok(1),
        Some(Ok(levels)) if levels > 0 => Ok(levels),
        Some(_) if shell.dialect == Dialect::Bash => {
            let (name, operand) = (&arguments[0], &arguments[1]);
            // No other error of a builtin ends more than that: the loop would never end.
            if operand.parse::<i64>().is_err() {
                shell.report(&format!("{name}: {operand}: numeric argument required"));
                return Err(Flow::Exit(128));
            }
            shell.report(&format!("{name}: {operand}: loop count out of range"));
            shell.status = 1;
            Err(Flow::Break(shell.loops))
        }
        Some(_) => {
            shell.report(&format!("{}: Illegal number: {}", arguments[0], arguments[1]));
            Err(Flow::Error)
        }
    }
}

pub fn leave_loops(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if shell.loops == 0 && shell.dialect == Dialect::Bash {
        return Ok(0);
    }
    let levels = levels(shell, arguments)?;
    shell.status = 0;
    if shell.loops == 0 { Ok(0) } else { Err(Flow::Break(levels.min(shell.loops))) }
}

pub fn next_turn(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if shell.loops == 0 && shell.dialect == Dialect::Bash {
        return Ok(0);
    }
    let levels = levels(shell, arguments)?;
    shell.status = 0;
    if shell.loops == 0 { Ok(0) } else { Err(Flow::Continue(levels.min(shell.loops))) }
}

pub fn eval(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    if shell.dialect == Dialect::Bash && words.first().is_some_and(|word| word == "--") {
        words = &words[1..];
    }
    let text = words.join(" ");
    let line = shell.line;
    shell.nested(|shell| shell.run_text(&text, line))
}

pub fn source(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let without_dashes;
    let arguments = match arguments {
        [command, dashes, rest @ ..] if dashes == "--" && shell.dialect == Dialect::Bash => {
            without_dashes = [std::slice::from_ref(command), rest].concat();
            &without_dashes
        }
        _ => arguments,
    };
    let Some(name) = arguments.get(1) else {
        return Ok(misuse(shell, &arguments[0], "filename argument required"));
    };
    let path = if name.contains('/') {
        Some(name.clone())
    } else {
        let here = (shell.dialect == Dialect::Bash && system::status(name).is_ok()).then(|| name.clone());
        find_script(shell, name).or(here)
    };
    let text = path.ok_or(system::Errno::Enoent).and_then(|path| shell.read_file(&path));
    let text = match text {
        Ok(bytes) => bytes::decode(bytes),
        Err(errno) => {
            let message = system::describe(errno);
            shell.report(&match shell.dialect {
                Dialect::Posix => format!("{}: cannot open {name}: {message}", arguments[0]),
                Dialect::Bash => format!("{name}: {message}"),
            });
            // `source` is bash's: there it is no special command, and its status is bash's.
            return if arguments[0] == "source" { Ok(1) } else { Err(Flow::Error) };
        }
    };
    let replaced = (arguments.len() > 2)
        .then(|| std::mem::replace(&mut shell.positional, std::rc::Rc::new(arguments[2..].to_vec())));
    shell.calls += 1;
    shell.enter_frame("source", Some(name));
    let outcome = shell.nested(|shell| {
        let outcome = shell.run_file(&text);
        shell.leave_frame(outcome)
    });
    shell.calls -= 1;
    if let Some(positional) = replaced {
        shell.positional = positional;
    }
    match outcome {
        Err(Flow::Return(status)) => Ok(status),
        other => other,
    }
}

/// Where the function that runs was called from; with a number, one that is so many calls out.
pub fn caller(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let frames = shell.extras.frames.clone();
    let depth = match arguments.get(1) {
        None => None,
        Some(text) => match text.parse::<usize>() {
            Ok(depth) => Some(depth),
            Err(_) => return Ok(misuse(shell, "caller", &format!("{text}: invalid number"))),
        },
    };
    let mut outward = frames.iter().rev().skip(depth.unwrap_or(0));
    let Some(frame) = outward.next() else { return Ok(1) };
    let around = outward.next();
    let main = if shell.is_command { "NULL".to_owned() } else { shell.name.to_string() };
    let source = around.map_or(main, |frame| frame.source.clone());
    let text = match depth {
        None => format!("{} {source}\n", frame.called_from),
        Some(_) => {
            let function = around.map_or("main", |frame| frame.function.as_str());
            format!("{} {function} {source}\n", frame.called_from)
        }
    };
    print_text(shell, "caller", &text)
}

/// Scripts to source are looked up like programs, but need not be executable.
fn find_script(shell: &Shell, name: &str) -> Option<String> {
    let path = shell.variable("PATH").unwrap_or_default();
    let candidates = path.split(':').map(|directory| match directory {
        "" => name.to_owned(),
        _ => format!("{directory}/{name}"),
    });
    let is_file = |status: system::FileStatus| status.file_type != system::FileType::Directory;
    candidates.into_iter().find(|candidate| system::status(candidate).is_ok_and(is_file))
}

/// Runs a program in place of the shell. Without fork and exec that is: run it, then end as it did. Signals to the shell
/// are meant for the program meanwhile.
pub fn exec(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let mut name = None;
    while shell.dialect == Dialect::Bash {
        match words {
            [option, given, rest @ ..] if option == "-a" => (name, words) = (Some(given.clone()), rest),
            [option, rest @ ..] if option == "-c" => {
                words = rest;
                for variable in std::rc::Rc::make_mut(&mut shell.variables).values_mut() {
                    variable.exported = false;
                }
            }
            [option, rest @ ..] if option == "-l" || option == "--" => words = rest,
            _ => break,
        }
    }
    let started = match (name, words.first()) {
        (Some(name), Some(program)) => {
            let mut called = words.to_vec();
            called[0] = name;
            shell.start_called(program, &called)
        }
        _ => shell.start_program(words),
    };
    let child = started.map_err(Flow::Exit)?;
    Err(Flow::Exit(shell.replace_by(&child)))
}

pub fn trap(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let mut shown = None;
    match words.first().map(String::as_str) {
        Some("--") => words = &words[1..],
        Some("-l") => {
            let names: Vec<&str> = signals::names().map(|(name, _)| name).collect();
            return print_text(shell, "trap", &(names.join(" ") + "\n"));
        }
        Some("-p") if shell.dialect == Dialect::Bash && words.len() > 1 => {
            (shown, words) = (Some(&words[1..]), &[])
        }
        Some("-p") => words = &[],
        Some(option) if option.starts_with('-') && option.len() > 1 => {
            return Ok(misuse(shell, "trap", &format!("Illegal option {option}")));
        }
        _ => {}
    }
    let Some((action, conditions)) = words.split_first() else {
        let listing: String = shell
            .listed_traps()
            .iter()
            .filter(|(condition, _)| {
                shown.is_none_or(|shown| shown.iter().any(|name| find_condition(name) == Some(*condition)))
            })
            .map(|(condition, action)| match shell.dialect {
                Dialect::Posix => format!("trap -- {} {}\n", quote(action), condition_name(*condition)),
                Dialect::Bash => {
                    let prefix = if matches!(condition, Condition::Signal(_)) { "SIG" } else { "" };
                    let name = condition_name(*condition);
                    format!("trap -- '{}' {prefix}{name}\n", action.replace('\'', "'\\''"))
                }
            })
            .collect();
        return print_text(shell, "trap", &listing);
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
        let Some(condition) = find_condition(name) else {
            shell.report(&format!("trap: {name}: bad trap"));
            status = 1;
            continue;
        };
        shell.set_trap(condition, action.cloned());
    }
    Ok(status)
}

fn find_condition(name: &str) -> Option<Condition> {
    let upper = name.to_ascii_uppercase();
    Some(match upper.as_str() {
        "0" | "EXIT" => Condition::Exit,
        "DEBUG" => Condition::Debug,
        "ERR" => Condition::Error,
        "RETURN" => Condition::Return,
        _ => Condition::Signal(signals::find(name)?),
    })
}

fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Exit => "EXIT",
        Condition::Debug => "DEBUG",
        Condition::Error => "ERR",
        Condition::Return => "RETURN",
        Condition::Signal(signal) => signals::name(signal),
    }
}
