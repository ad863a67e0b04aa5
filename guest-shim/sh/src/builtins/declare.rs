//! `declare`, and in bash what is like it: `typeset`, `local`, `export`, `readonly`.

use std::{collections::BTreeMap, rc::Rc};

use super::{misuse, print_text};
use crate::{
    quote,
    state::{Flow, Outcome, Shell},
    syntax::{
        extent::{Extent, is_name},
        tree::{Assigned, Assignment, FunctionBody},
        word,
    },
    variables::{Associative, Letters, Place, Value, Variable},
};

type Elements = Vec<(Option<String>, bool, String)>;

/// Begins an operand's value that is an array's: nothing that a script gives can hold it.
const PACKED: char = '\0';

/// An array's elements as the value of an operand.
pub fn pack(elements: &[(Option<String>, bool, String)]) -> String {
    let mut packed = String::from(PACKED);
    for (subscript, append, value) in elements {
        packed.push(if *append { '+' } else { '=' });
        match subscript {
            Some(subscript) => packed.push_str(&format!("[{subscript}\0")),
            None => packed.push('-'),
        }
        packed.push_str(value);
        packed.push('\0');
    }
    packed
}

fn unpack(value: &str) -> Option<Elements> {
    let mut rest = value.strip_prefix(PACKED)?;
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let append = rest.starts_with('+');
        let after = rest.get(1..)?;
        let (subscript, after) = match after.strip_prefix('[') {
            Some(after) => {
                let (subscript, after) = after.split_once('\0')?;
                (Some(subscript.to_owned()), after)
            }
            None => (None, after.get(1..)?),
        };
        let (value, after) = after.split_once('\0')?;
        elements.push((subscript, append, value.to_owned()));
        rest = after;
    }
    Some(elements)
}

/// Attributes to give or to take.
#[derive(Clone, Copy, Default)]
struct Change {
    indexed: bool,
    associative: bool,
    integer: Option<bool>,
    letters: Option<Letters>,
    reference: Option<bool>,
    readonly: bool,
    exported: Option<bool>,
    is_local: bool,
    /// To be no array, or no constant: which is refused where it is one.
    is_text: bool,
    is_writable: bool,
}

pub fn run(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let command = arguments[0].as_str();
    let mut change = Change {
        is_local: command == "local"
            || (matches!(command, "declare" | "typeset") && !shell.locals.is_empty()),
        exported: (command == "export").then_some(true),
        readonly: command == "readonly",
        ..Change::default()
    };
    if command == "local" && shell.locals.is_empty() {
        shell.report("local: can only be used in a function");
        return Ok(1);
    }
    let (mut prints, mut functions, mut names_only) = (false, false, false);
    let mut words = &arguments[1..];
    while let Some((word, rest)) = words.split_first() {
        let on = word.starts_with('-');
        let Some(letters) = word.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else {
            break;
        };
        words = rest;
        if word == "--" {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'a' => (change.indexed, change.is_text) = (on, !on),
                'A' => (change.associative, change.is_text) = (on, !on),
                'i' => change.integer = Some(on),
                'l' => change.letters = Some(if on { Letters::Lower } else { Letters::Keep }),
                'u' => change.letters = Some(if on { Letters::Upper } else { Letters::Keep }),
                'n' if command == "export" => change.exported = Some(false),
                'n' => change.reference = Some(on),
                'r' => (change.readonly, change.is_writable) = (on, !on),
                'x' => change.exported = Some(on),
                't' | 'I' => {}
                'g' => change.is_local = false,
                'p' => prints = true,
                'f' => functions = true,
                'F' => (functions, names_only) = (true, true),
                other => return Ok(misuse(shell, command, &format!("-{other}: invalid option"))),
            }
        }
    }
    if functions {
        return list_functions(shell, command, words, names_only, change.readonly);
    }
    if words.is_empty() {
        return list(shell, command, change, prints);
    }
    if prints {
        return show(shell, command, words);
    }
    let mut status = 0;
    for operand in words {
        match declare(shell, command, operand, change) {
            Ok(true) => {}
            Ok(false) | Err(Flow::Error) => status = 1,
            Err(flow) => return Err(flow),
        }
    }
    Ok(status)
}

/// Gives one variable its attributes, and its value if there is one. False when that was refused, which was reported.
fn declare(shell: &mut Shell, command: &str, operand: &str, change: Change) -> Result<bool, Flow> {
    let extent = Extent { text: operand, first_line: 1, depth: 0 };
    let (target, value) = match extent.assigned_value(0) {
        Ok(Some(value)) => (&operand[..value - 1], Some(&operand[value..])),
        _ => (operand.split_once('=').map_or(operand, |(target, _)| target), None),
    };
    if value.is_none() && operand.contains('=') {
        shell.report(&format!("{command}: `{operand}': not a valid identifier"));
        return Ok(false);
    }
    let (target, append) = match target.strip_suffix('+') {
        Some(target) if value.is_some() => (target, true),
        _ => (target, false),
    };
    let name = target.split_once('[').map_or(target, |(name, _)| name);
    if !is_name(name) {
        shell.report(&format!("{command}: `{operand}': not a valid identifier"));
        return Ok(false);
    }
    if matches!(command, "export" | "readonly") && target.contains('[') {
        shell.report(&format!("{command}: `{operand}': not a valid identifier"));
        return Ok(false);
    }
    if change.is_local {
        shell.make_local(name);
    }
    // A reference is not followed where it is made.
    let owned;
    let name = if change.reference.is_some() {
        name
    } else {
        owned = shell.referred(name).into_owned();
        &owned
    };
    let known = shell.variables.get(name);
    if known.is_some_and(|variable| variable.readonly) && (value.is_some() || change.reference.is_some()) {
        shell.report(&format!("{command}: {name}: readonly variable"));
        return Ok(false);
    }
    if known.is_some_and(|variable| {
        (change.is_writable && variable.readonly) || (change.is_text && variable.is_array())
    }) {
        shell.report(&format!("{command}: {name}: cannot take that away"));
        return Ok(false);
    }
    let variable = shell.variable_mut(name);
    if target.contains('[') && variable.value.is_none() {
        variable.value = Some(Value::Indexed(BTreeMap::new()));
    }
    if let Some(integer) = change.integer {
        variable.integer = integer;
    }
    if let Some(letters) = change.letters {
        variable.letters = letters;
    }
    if change.associative && !variable.is_associative() {
        if variable.is_array() {
            shell.report(&format!("{command}: {name}: cannot convert indexed to associative array"));
            return Ok(false);
        }
        let mut elements = Associative::default();
        if let Some(Value::Text(text)) = variable.value.take() {
            elements.insert("0".to_owned(), text);
        }
        variable.value = Some(Value::Associative(elements));
    } else if change.indexed && !variable.is_array() {
        let text = variable.text().map(str::to_owned);
        variable.value = Some(Value::Indexed(text.into_iter().map(|text| (0, text)).collect()));
    } else if change.indexed && variable.is_associative() {
        shell.report(&format!("{command}: {name}: cannot convert associative to indexed array"));
        return Ok(false);
    }
    match value {
        Some(value) if change.reference == Some(true) => {
            if value == name {
                shell.report(&format!("{command}: {name}: nameref variable self references not allowed"));
                return Ok(false);
            }
            // A name, or an element.
            let (base, subscript) =
                value.split_once('[').map_or((value, None), |(base, rest)| (base, Some(rest)));
            if !is_name(base)
                || subscript.is_some_and(|rest| rest.find(']') != Some(rest.len() - 1) || rest.len() < 2)
            {
                let wrong = if value.is_empty() {
                    "not a valid identifier"
                } else {
                    "invalid variable name for name reference"
                };
                shell.report(&format!("{command}: `{value}': {wrong}"));
                return Ok(false);
            }
            shell.variable_mut(name).value = Some(Value::Text(value.to_owned()));
        }
        // What was quoted may be an array where one is asked for.
        Some(value)
            if (change.indexed || change.associative || shell.find(name).is_some_and(Variable::is_array))
                && value.starts_with('(')
                && value.ends_with(')')
                && !target.contains('[') =>
        {
            let parsed = word::assignment(operand, shell.line, 0).ok().flatten();
            if let Some(Assignment { value: Assigned::Array(elements), .. }) = parsed {
                let elements = shell.expand_elements(&elements)?;
                shell.assign_array(name, elements, append)?;
            }
        }
        Some(value) => match unpack(value) {
            Some(elements) => shell.assign_array(name, elements, append)?,
            None => {
                let place = match target.split_once('[') {
                    None => Place::Whole,
                    Some(_) => match shell.named_place(target)? {
                        Some((_, place)) => place,
                        None => Place::Whole,
                    },
                };
                shell.assign_place(name, &place, value.to_owned(), append)?;
            }
        },
        None => {}
    }
    let variable = shell.variable_mut(name);
    if let Some(reference) = change.reference {
        variable.reference = reference;
    }
    variable.readonly |= change.readonly;
    if let Some(exported) = change.exported {
        variable.exported = exported;
    }
    Ok(true)
}

impl Shell {
    /// The function that runs gets a variable of its own of that name, without a value, unless it has one.
    pub fn make_local(&mut self, name: &str) {
        if self.save_for_caller(name) {
            // What is set for one command is handed on to the function that it calls.
            let exported = self.variables.get(name).is_some_and(|variable| variable.exported);
            *self.variable_mut(name) = Variable { exported, ..Variable::default() };
        }
    }

    /// Puts a variable aside until the function that runs has ended, unless it is already. Whether it did.
    pub fn save_for_caller(&mut self, name: &str) -> bool {
        let before = self.variables.get(name).cloned();
        let Some(scope) = self.locals.last_mut() else { return false };
        if scope.iter().any(|(known, _)| known == name) {
            return false;
        }
        scope.push((name.to_owned(), before));
        self.hide_meaning(name);
        true
    }
}

fn shown(name: &str, variable: &Variable) -> String {
    let attributes = variable.attributes();
    let attributes = if attributes.is_empty() { "-".to_owned() } else { attributes };
    match variable.shown() {
        Some(value) => format!("declare -{attributes} {name}={value}\n"),
        None => format!("declare -{attributes} {name}\n"),
    }
}

fn show(shell: &mut Shell, command: &str, names: &[String]) -> Outcome {
    let mut status = 0;
    let mut listing = String::new();
    for name in names {
        match shell.variables.get(name.as_str()) {
            Some(variable) => listing.push_str(&shown(name, variable)),
            None => match shell.made_up_list(name).filter(|values| !values.is_empty()) {
                Some(values) => {
                    let elements = (0..).zip(values).collect();
                    let variable = Variable { value: Some(Value::Indexed(elements)), ..Variable::default() };
                    listing.push_str(&shown(name, &variable));
                }
                None => {
                    shell.report(&format!("{command}: {name}: not found"));
                    status = 1;
                }
            },
        }
    }
    print_text(shell, command, &listing)?;
    Ok(status)
}

fn list(shell: &mut Shell, command: &str, change: Change, prints: bool) -> Outcome {
    let wanted = |variable: &Variable| {
        (!change.indexed || matches!(variable.value, Some(Value::Indexed(_))))
            && (!change.associative || variable.is_associative())
            && (change.integer != Some(true) || variable.integer)
            && (!change.readonly || variable.readonly)
            && (change.exported != Some(true) || variable.exported)
            && (change.reference != Some(true) || variable.reference)
    };
    let scope = shell.locals.last();
    let all = !prints
        && matches!(command, "declare" | "typeset")
        && !(change.indexed || change.associative || change.readonly)
        && change.integer.is_none()
        && change.exported.is_none()
        && change.reference.is_none();
    let listing: String = shell
        .variables
        .iter()
        .filter(|(_, variable)| wanted(variable))
        .filter(|(name, _)| {
            command != "local" || scope.is_some_and(|scope| scope.iter().any(|(known, _)| known == *name))
        })
        .map(|(name, variable)| {
            if all || (command == "local" && !prints) { plain(name, variable) } else { shown(name, variable) }
        })
        .collect();
    print_text(shell, command, &listing)
}

/// As `set` lists it.
pub fn plain(name: &str, variable: &Variable) -> String {
    match &variable.value {
        None => String::new(),
        Some(Value::Text(text)) => format!("{name}={}\n", quote::listed(text)),
        Some(_) => format!("{name}={}\n", variable.shown().unwrap_or_default()),
    }
}

fn list_functions(
    shell: &mut Shell,
    command: &str,
    names: &[String],
    names_only: bool,
    readonly: bool,
) -> Outcome {
    if readonly {
        shell.report(&format!("{command}: functions cannot be made readonly"));
        return Ok(1);
    }
    if command == "export" {
        shell.report("export: functions cannot be exported");
        return Ok(1);
    }
    if !names_only {
        let all: Vec<String> = shell.functions.keys().cloned().collect();
        let names = if names.is_empty() { &all } else { names };
        let mut status = 0;
        let mut listing = String::new();
        for name in names {
            match shell.functions.get(name.as_str()) {
                Some(function) => listing.push_str(&definition(name, function)),
                None => status = 1,
            }
        }
        print_text(shell, command, &listing)?;
        return Ok(status);
    }
    if names.is_empty() {
        let listing: String = shell.functions.keys().map(|name| format!("declare -f {name}\n")).collect();
        return print_text(shell, command, &listing);
    }
    let mut status = 0;
    let mut listing = String::new();
    for name in names {
        if shell.functions.contains_key(name.as_str()) {
            listing.push_str(&format!("{name}\n"));
        } else {
            status = 1;
        }
    }
    print_text(shell, command, &listing)?;
    Ok(status)
}

/// The definition of a function, its body as the script had it.
pub fn definition(name: &str, function: &FunctionBody) -> String {
    format!("{name} () \n{}\n", function.text)
}

/// `unset` in bash: variables, elements and references, and functions where there is no such variable.
pub fn unset(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (mut functions, mut variables, mut references) = (false, false, false);
    let mut words = &arguments[1..];
    while let Some((word, rest)) = words.split_first() {
        match word.as_str() {
            "-f" => functions = true,
            "-v" => variables = true,
            "-n" => references = true,
            "--" => {
                words = rest;
                break;
            }
            option if option.starts_with('-') => {
                return Ok(misuse(shell, "unset", &format!("{option}: invalid option")));
            }
            _ => break,
        }
        words = rest;
    }
    let mut status = 0;
    for operand in words {
        if functions {
            Rc::make_mut(&mut shell.functions).remove(operand.as_str());
            continue;
        }
        if references {
            match shell.variables.get(operand.as_str()) {
                Some(variable) if variable.reference && variable.readonly => {
                    shell.report(&format!("unset: {operand}: cannot unset: readonly variable"));
                    status = 1;
                }
                Some(variable) if variable.reference => {
                    Rc::make_mut(&mut shell.variables).remove(operand.as_str());
                }
                // What is no reference stays.
                _ => {}
            }
            continue;
        }
        let named = match operand.strip_suffix("[@]").or(operand.strip_suffix("[*]")) {
            Some(name) if is_name(name) && !shell.find(name).is_some_and(Variable::is_associative) => {
                Some((name.to_owned(), Place::Whole))
            }
            // Of a reference to an element that is the element.
            _ => match shell.referred_element(operand)? {
                None => shell.named_place(operand)?,
                element => element,
            },
        };
        let outcome = match named {
            Some((name, Place::Whole)) => {
                let known = shell.variables.contains_key(name.as_str());
                if !known && !variables {
                    Rc::make_mut(&mut shell.functions).remove(name.as_str());
                }
                shell.unset(&name)
            }
            Some((name, place)) => shell.unset_element(&name, &place),
            None => {
                if Rc::make_mut(&mut shell.functions).remove(operand.as_str()).is_none() {
                    shell.report(&format!("unset: `{operand}': not a valid identifier"));
                    status = 1;
                }
                Ok(())
            }
        };
        match outcome {
            Ok(()) => {}
            Err(Flow::Error) => status = 1,
            Err(flow) => return Err(flow),
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_travel_as_operands() {
        let elements: Elements = vec![
            (None, false, "a b".to_owned()),
            (Some("k]".to_owned()), true, String::new()),
            (None, false, "=[".to_owned()),
        ];
        assert_eq!(unpack(&pack(&elements)), Some(elements));
        assert_eq!(unpack(&pack(&[])), Some(Vec::new()));
        assert_eq!(unpack("x"), None);
    }
}
