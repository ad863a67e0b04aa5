//! `alias` and `unalias`.

use std::rc::Rc;

use super::{misuse, print_text, quote};
use crate::{
    state::{Outcome, Shell},
    syntax::{aliases, dialect::Dialect},
};

pub fn alias(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut operands = &arguments[1..];
    if operands.first().is_some_and(|word| word == "--") {
        operands = &operands[1..];
    }
    let prefix = if shell.dialect == Dialect::Bash { "alias " } else { "" };
    let show = |name: &str, value: &str| format!("{prefix}{name}={}\n", quote(value));
    if operands.is_empty() {
        let listing: String = shell.aliases.iter().map(|(name, value)| show(name, value)).collect();
        return print_text(shell, "alias", &listing);
    }
    let mut status = 0;
    for operand in operands {
        match (operand.split_once('='), shell.aliases.get(operand)) {
            (Some((name, value)), _) if aliases::is_name(name) => {
                Rc::make_mut(&mut shell.aliases).insert(name.to_owned(), value.to_owned());
            }
            (Some((name, _)), _) => status = misuse(shell, "alias", &format!("{name}: bad alias name")),
            (None, Some(value)) => {
                let line = show(operand, value);
                print_text(shell, "alias", &line)?;
            }
            (None, None) => {
                shell.report(&format!("alias: {operand} not found"));
                status = 1;
            }
        }
    }
    Ok(status)
}

pub fn unalias(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut operands = &arguments[1..];
    match operands.first().map(String::as_str) {
        Some("-a") => {
            shell.aliases = Rc::default();
            operands = &operands[1..];
        }
        Some("--") => operands = &operands[1..],
        Some(option) if option.starts_with('-') && option.len() > 1 => {
            return Ok(misuse(shell, "unalias", &format!("Illegal option {option}")));
        }
        _ => {}
    }
    let mut status = 0;
    for name in operands {
        if Rc::make_mut(&mut shell.aliases).remove(name).is_none() {
            shell.report(&format!("unalias: {name} not found"));
            status = 1;
        }
    }
    Ok(status)
}
