//! Builtins that change variables, parameters and options.

use std::rc::Rc;

use super::{misuse, print_text, quote};
use crate::{
    state::{Flow, Outcome, Shell},
    syntax::{
        dialect::{self, Dialect},
        extent::is_name,
    },
    variables::Variable,
};

/// Whether operands are arrays, or there are options that only bash has.
fn is_for_declare(arguments: &[String]) -> bool {
    let has_option = |word: &String| word.len() > 1 && word.starts_with('-') && word != "-p" && word != "--";
    arguments.iter().any(|word| word.contains("=\0")) || arguments.get(1).is_some_and(has_option)
}

pub fn export(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if is_for_declare(arguments) {
        return super::declare::run(shell, arguments);
    }
    declare(shell, arguments, |variable| variable.exported = true, |variable| variable.exported)
}

pub fn readonly(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if is_for_declare(arguments) {
        return super::declare::run(shell, arguments);
    }
    declare(shell, arguments, |variable| variable.readonly = true, |variable| variable.readonly)
}

fn declare(
    shell: &mut Shell,
    arguments: &[String],
    mark: fn(&mut Variable),
    marked: fn(&Variable) -> bool,
) -> Outcome {
    let name = arguments[0].as_str();
    let operands: Vec<&String> =
        arguments[1..].iter().filter(|word| !matches!(word.as_str(), "-p" | "--")).collect();
    if operands.is_empty() {
        let mut listing = String::new();
        for (variable_name, variable) in shell.variables.iter().filter(|(_, variable)| marked(variable)) {
            let value = variable.text().map(|value| format!("={}", quote(value))).unwrap_or_default();
            listing.push_str(&format!("{name} {variable_name}{value}\n"));
        }
        return print_text(shell, name, &listing);
    }
    for operand in operands {
        let (variable, value) = assignment(operand);
        if !is_name(variable) {
            shell.report(&format!("{name}: {variable}: bad variable name"));
            return Err(Flow::Error);
        }
        if let Some(value) = value {
            shell.assign(variable, value.to_owned())?;
        }
        mark(shell.variable_mut(variable));
    }
    Ok(0)
}

fn assignment(operand: &str) -> (&str, Option<&str>) {
    match operand.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (operand, None),
    }
}

pub fn local(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if is_for_declare(arguments) && !shell.locals.is_empty() {
        return super::declare::run(shell, arguments);
    }
    if shell.locals.is_empty() {
        shell.report("local: not in a function");
        return Err(Flow::Error);
    }
    for operand in &arguments[1..] {
        let (name, value) = assignment(operand);
        if !is_name(name) {
            return Ok(misuse(shell, "local", &format!("{name}: bad variable name")));
        }
        shell.save_for_caller(name);
        // As in dash: without a value a local variable begins with the one it hides.
        if let Some(value) = value {
            shell.assign(name, value.to_owned())?;
        }
    }
    Ok(0)
}

pub fn unset(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if arguments.iter().skip(1).any(|word| word.contains('[')) {
        return super::declare::unset(shell, arguments);
    }
    let mut functions = false;
    for operand in &arguments[1..] {
        match operand.as_str() {
            "-f" => functions = true,
            "-v" => functions = false,
            name if functions => {
                Rc::make_mut(&mut shell.functions).remove(name);
            }
            name if !is_name(name) => {
                shell.report(&format!("unset: {name}: bad variable name"));
                return Err(Flow::Error);
            }
            name => shell.unset(name)?,
        }
    }
    Ok(0)
}

pub fn shift(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let count = match arguments.get(1) {
        None => 1,
        Some(text) => match text.parse::<usize>() {
            Ok(count) => count,
            Err(_) => {
                shell.report(&format!("shift: Illegal number: {text}"));
                return Err(Flow::Error);
            }
        },
    };
    if count > shell.positional.len() && shell.dialect == Dialect::Bash {
        return Ok(1);
    }
    if count > shell.positional.len() {
        shell.report("shift: can't shift that many");
        return Err(Flow::Error);
    }
    Rc::make_mut(&mut shell.positional).drain(..count);
    Ok(0)
}

pub fn set(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let words = &arguments[1..];
    if words.is_empty() {
        let listing: String = shell
            .variables
            .iter()
            .filter_map(|(name, variable)| match shell.dialect {
                Dialect::Posix => Some(format!("{name}={}\n", quote(variable.text()?))),
                Dialect::Bash => Some(super::declare::plain(name, variable)),
            })
            .collect();
        return print_text(shell, "set", &listing);
    }
    match apply_options(shell, words) {
        Ok((_, used)) if used == words.len() && words.last().is_none_or(|last| last != "--") => Ok(0),
        Ok((_, used)) => {
            shell.positional = Rc::new(words[used..].to_vec());
            Ok(0)
        }
        Err(message) => {
            shell.report(&format!("set: {message}"));
            Err(Flow::Error)
        }
    }
}

/// Takes options as `set` and the command line of the shell have them. Returns letters that are no options of the
/// execution environment (`c`, `s`), and how many words were used, `--` among them.
pub fn apply_options(shell: &mut Shell, words: &[String]) -> Result<(String, usize), String> {
    let mut others = String::new();
    let mut used = 0;
    while let Some(word) = words.get(used) {
        let on = word.starts_with('-');
        let letters = word.strip_prefix(['-', '+']).unwrap_or_default();
        if letters.is_empty() && !matches!(word.as_str(), "-" | "+") {
            break;
        }
        used += 1;
        match word.as_str() {
            "--" => break,
            "-" => {
                shell.options.xtrace = false;
                shell.options.verbose = false;
                break;
            }
            _ => {}
        }
        for letter in letters.chars() {
            match letter {
                'o' => match words.get(used) {
                    Some(name) => {
                        used += 1;
                        if !shell.options.set_name(name, on) {
                            return Err(format!("Illegal option -o {name}"));
                        }
                    }
                    None => list_options(shell, on),
                },
                'c' | 's' | 'i' | 'l' | 'm' | 'h' => others.push(letter),
                'B' | 'H' | 'P' | 'k' | 'p' | 't' | 'r' if dialect::is_bash() => {}
                _ if shell.options.set_letter(letter, on) => {}
                _ => return Err(format!("Illegal option -{letter}")),
            }
        }
    }
    Ok((others, used))
}

fn list_options(shell: &mut Shell, readable: bool) {
    let mut options = shell.options;
    let listing: String = options
        .table()
        .into_iter()
        .map(|(name, _, on)| match (readable, *on) {
            (true, on) => format!("{name:<15} {}\n", if on { "on" } else { "off" }),
            (false, true) => format!("set -o {name}\n"),
            (false, false) => format!("set +o {name}\n"),
        })
        .collect();
    // A listing that can't be written is no error of `set`.
    let _ = print_text(shell, "set", &listing);
}

pub fn arithmetic(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut value = 0;
    for expression in &arguments[1..] {
        value = shell.arithmetic(expression)?;
    }
    Ok(i32::from(value == 0))
}

pub fn getopts(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (Some(options), Some(name)) = (arguments.get(1), arguments.get(2)) else {
        return Ok(misuse(shell, "getopts", "usage: getopts optstring var [arg]"));
    };
    let operands = match arguments.get(3..) {
        Some(given) if !given.is_empty() => given.to_vec(),
        _ => shell.positional.to_vec(),
    };
    let silent = options.starts_with(':');
    let mut index = shell.variable("OPTIND").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).max(1);
    let mut offset = shell.getopts_offset;
    if index > operands.len() + 1 {
        // There were more at the last time.
        (index, offset) = (operands.len() + 1, 0);
    }
    let mut found = None;
    if let Some(word) = operands.get(index - 1) {
        let rest = word.get(offset.max(1)..).unwrap_or_default();
        if word == "--" && offset == 0 {
            index += 1;
        } else if word.starts_with('-') && word.len() > 1 {
            found = rest.chars().next();
        }
    }
    let Some(letter) = found else {
        finish(shell, name, "?", index, 0)?;
        shell.unset("OPTARG")?;
        return Ok(1);
    };
    let word = operands.get(index - 1).map(String::as_str).unwrap_or_default();
    offset = offset.max(1) + letter.len_utf8();
    let after = word.get(offset..).unwrap_or_default();
    let known = options.trim_start_matches(':').find(letter).filter(|_| letter != ':');
    let takes_argument = known.is_some_and(|at| {
        options
            .trim_start_matches(':')
            .get(at + letter.len_utf8()..)
            .is_some_and(|rest| rest.starts_with(':'))
    });
    let mut reported = letter;
    let mut argument = None;
    if known.is_none() {
        reported = '?';
        if silent {
            argument = Some(letter.to_string());
        } else {
            complain(shell, letter, ("Illegal option -", ""), "illegal option -- ");
        }
    } else if takes_argument {
        if after.is_empty() {
            argument = operands.get(index).cloned();
            index += 1;
        } else {
            argument = Some(after.to_owned());
        }
        offset = word.len();
        if argument.is_none() {
            reported = if silent { ':' } else { '?' };
            if silent {
                argument = Some(letter.to_string());
            } else {
                complain(shell, letter, ("No arg for -", " option"), "option requires an argument -- ");
            }
        }
    }
    if offset >= word.len() {
        index += 1;
        offset = 0;
    }
    match argument {
        Some(argument) => shell.assign("OPTARG", argument)?,
        None => shell.unset("OPTARG")?,
    }
    finish(shell, name, &reported.to_string(), index.min(operands.len() + 1), offset)?;
    Ok(0)
}

/// A message of the script, not of the shell: dash's names neither, bash's the script.
fn complain(shell: &Shell, letter: char, posix: (&str, &str), bash: &str) {
    if shell.dialect == Dialect::Bash && shell.variable("OPTERR") == Some("0") {
        return;
    }
    let text = match shell.dialect {
        Dialect::Posix => format!("{}{letter}{}\n", posix.0, posix.1),
        Dialect::Bash => format!("{}: {bash}{letter}\n", shell.name),
    };
    if let Ok(handle) = shell.descriptors.get(2) {
        // Nobody is left to tell when standard error is gone.
        let _ = handle.write_text(&text);
    }
}

fn finish(shell: &mut Shell, name: &str, value: &str, index: usize, offset: usize) -> Result<(), Flow> {
    if !is_name(name) {
        shell.assign("OPTIND", index.to_string())?;
        shell.getopts_offset = offset;
        shell.report(&format!("getopts: {name}: bad variable name"));
        return Err(Flow::Error);
    }
    shell.assign(name, value.to_owned())?;
    shell.assign("OPTIND", index.to_string())?;
    // Assigning OPTIND starts over; this assignment goes on.
    shell.getopts_offset = offset;
    Ok(())
}
