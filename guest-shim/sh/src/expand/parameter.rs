//! Parameter expansion: `$x`, the special parameters, and everything between `${` and `}`.

use super::{Mode, add, fields::Fields, pattern::Pattern, transform};
use crate::{
    state::{Flow, Shell},
    syntax::{
        dialect::Dialect,
        extent::is_name,
        tree::{Operation, Parameter, Place as ReplacePlace, Subscript, Word},
        word,
    },
    variables::{Place, Variable},
};

/// What is expanded: one value, or those of an array or the positional parameters.
enum Subject {
    One { name: String, place: Place },
    All { name: String, joined: bool },
}

impl Subject {
    fn name(&self) -> &str {
        match self {
            Subject::One { name, .. } | Subject::All { name, .. } => name,
        }
    }

    /// How messages name it.
    fn shown(&self) -> String {
        match self {
            Subject::One { name, place: Place::Index(index) } => format!("{name}[{index}]"),
            Subject::One { name, place: Place::Key(key) } => format!("{name}[{key}]"),
            Subject::One { name, place: Place::Whole } => name.clone(),
            Subject::All { name, .. } => name.clone(),
        }
    }

    fn is_positional(&self) -> bool {
        matches!(self, Subject::All { name, .. } if matches!(name.as_str(), "@" | "*"))
    }
}

impl Shell {
    /// The value of a parameter by its name, none if it is unset. `@` and `*` are joined.
    pub fn parameter(&self, name: &str) -> Option<String> {
        // Everything that is made up is in capitals.
        if name.as_bytes().first().is_some_and(u8::is_ascii_lowercase) {
            return self.variable(name).map(str::to_owned);
        }
        match name {
            "@" => Some(self.positional.join(" ")),
            "*" => Some(self.positional.join(&self.joiner())),
            "#" => Some(self.positional.len().to_string()),
            "?" => Some(self.status.to_string()),
            "-" => Some(self.options.letters()),
            "$" => Some(self.process_id.to_string()),
            "!" => self.last_background.map(|id| id.to_string()),
            "0" => Some(self.name.to_string()),
            "LINENO" if !self.is_ordinary(name) => Some(self.line.to_string()),
            "_" if self.dialect == Dialect::Bash => Some(self.extras.last_argument.clone()),
            _ if name.starts_with(|first: char| first.is_ascii_digit()) => {
                self.positional.get(name.parse::<usize>().ok()?.wrapping_sub(1)).cloned()
            }
            _ => self.made_up(name).or_else(|| self.variable(name).map(str::to_owned)),
        }
    }

    /// What `"$*"` puts between the parameters.
    fn joiner(&self) -> String {
        self.separators().chars().next().map(String::from).unwrap_or_default()
    }

    /// Which element a subscript means, its expansions done.
    pub fn place(&mut self, name: &str, subscript: &str) -> Result<Place, Flow> {
        if self.find(name).is_some_and(Variable::is_associative) {
            return Ok(Place::Key(subscript.to_owned()));
        }
        if subscript.trim_ascii().is_empty() {
            self.report(&format!("{name}[{subscript}]: bad array subscript"));
            return Err(Flow::Error);
        }
        self.arithmetic(subscript).map(Place::Index)
    }

    /// What `name` or `name[subscript]` names, as builtins get it; none where it is neither. `*` and `@` are keys.
    pub fn named_place(&mut self, text: &str) -> Result<Option<(String, Place)>, Flow> {
        let (name, subscript) = match text.split_once('[') {
            None => (text, None),
            Some((name, rest)) => match rest.strip_suffix(']') {
                Some(subscript) => (name, Some(subscript)),
                _ => return Ok(None),
            },
        };
        if !is_name(name) {
            return Ok(None);
        }
        let Some(subscript) = subscript else { return Ok(Some((name.to_owned(), Place::Whole))) };
        let Ok(word) = word::word(subscript, self.line, 0, word::Tildes::Nowhere) else { return Ok(None) };
        let subscript = self.expand_text(&word)?;
        Ok(Some((name.to_owned(), self.place(name, &subscript)?)))
    }

    /// The element that a reference refers to, if it is one to an element.
    pub fn referred_element(&mut self, name: &str) -> Result<Option<(String, Place)>, Flow> {
        if !self.variables.get(name).is_some_and(|variable| variable.reference) {
            return Ok(None);
        }
        let target = self.referred(name).into_owned();
        if target.contains('[') { self.named_place(&target) } else { Ok(None) }
    }

    fn subject(&mut self, name: &str, subscript: Option<&Subscript>) -> Result<Subject, Flow> {
        Ok(match subscript {
            None if matches!(name, "@" | "*") => Subject::All { name: name.to_owned(), joined: name == "*" },
            None => match self.referred_element(name)? {
                Some((name, place)) => Subject::One { name, place },
                None => Subject::One { name: name.to_owned(), place: Place::Whole },
            },
            Some(Subscript::All) => Subject::All { name: name.to_owned(), joined: false },
            Some(Subscript::Joined) => Subject::All { name: name.to_owned(), joined: true },
            Some(Subscript::Element(word)) => {
                let subscript = self.expand_text(word)?;
                let place = self.place(name, &subscript)?;
                Subject::One { name: name.to_owned(), place }
            }
        })
    }

    /// What the value of a subject names.
    fn referred_subject(&mut self, subject: &Subject) -> Result<Subject, Flow> {
        let target = match subject {
            Subject::One { .. } => self.one(subject),
            Subject::All { name, .. } => Some(self.list(name).join(" ")),
        };
        let target = match target {
            Some(target) if !target.is_empty() => target,
            _ => {
                self.report(&format!("{}: invalid indirect expansion", subject.shown()));
                return Err(Flow::Error);
            }
        };
        if matches!(target.as_str(), "@" | "*") {
            return self.subject(&target, None);
        }
        if let Some((name, "@]" | "*]")) = target.split_once('[').filter(|(name, _)| is_name(name)) {
            return Ok(Subject::All { name: name.to_owned(), joined: target.ends_with("*]") });
        }
        let special = target.parse::<usize>().is_ok() || "#?-$!".contains(target.as_str());
        match self.named_place(&target)? {
            Some((name, place)) => Ok(Subject::One { name, place }),
            None if special => Ok(Subject::One { name: target, place: Place::Whole }),
            None => {
                self.report(&format!("{target}: invalid variable name"));
                Err(Flow::Error)
            }
        }
    }

    /// The values of an array, or the positional parameters.
    pub fn list(&self, name: &str) -> Vec<String> {
        match name {
            "@" | "*" => self.positional.to_vec(),
            _ => match self.made_up_list(name) {
                Some(values) => values,
                None => match self.find(name) {
                    Some(variable) => variable.elements().into_iter().map(|(_, value)| value).collect(),
                    None => self.made_up(name).into_iter().collect(),
                },
            },
        }
    }

    /// The one value, if it is set.
    fn one(&self, subject: &Subject) -> Option<String> {
        match subject {
            Subject::One { name, place: Place::Whole } => self.parameter(name),
            Subject::One { name, place } => match (self.made_up_list(name), place) {
                (Some(values), Place::Index(index)) => {
                    let index = if *index < 0 { *index + values.len() as i64 } else { *index };
                    values.into_iter().nth(usize::try_from(index).ok()?)
                }
                _ => self.element(name, place),
            },
            Subject::All { name, joined } => {
                let values = self.list(name);
                let joiner = if *joined { self.joiner() } else { " ".to_owned() };
                (!values.is_empty()).then(|| values.join(&joiner))
            }
        }
    }

    pub(super) fn expand_parameter(
        &mut self,
        parameter: &Parameter,
        mode: Mode,
        fields: &mut Fields,
    ) -> Result<(), Flow> {
        if let Operation::Names { joined } = parameter.operation {
            let prefix = parameter.name.as_str();
            let names = self.variables.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
            self.expand_list(names, joined, mode, fields);
            return Ok(());
        }
        let mut subject = self.subject(&parameter.name, parameter.subscript.as_ref())?;
        if parameter.indirect {
            let reference = self.variables.get(&parameter.name).filter(|variable| variable.reference);
            if let Some(target) = reference.and_then(Variable::text)
                && parameter.subscript.is_none()
            {
                let target = target.to_owned();
                add(fields, &target, mode);
                return Ok(());
            }
            subject = self.referred_subject(&subject)?;
        }
        self.expand_subject(&subject, &parameter.operation, mode, fields)
    }

    fn expand_subject(
        &mut self,
        subject: &Subject,
        operation: &Operation,
        mode: Mode,
        fields: &mut Fields,
    ) -> Result<(), Flow> {
        match operation {
            Operation::Value => match subject {
                Subject::All { name, joined } => self.expand_list(self.list(name), *joined, mode, fields),
                Subject::One { .. } => {
                    let value = self.value_or_error(subject)?;
                    add(fields, &value, mode);
                }
            },
            Operation::Length => {
                let length = match subject {
                    Subject::All { name, .. } => self.list(name).len(),
                    Subject::One { .. } => self.value_or_error(subject)?.chars().count(),
                };
                add(fields, &length.to_string(), mode);
            }
            Operation::Default { colon, word } => {
                if self.has_value(subject, *colon, mode) {
                    return self.expand_subject(subject, &Operation::Value, mode, fields);
                }
                self.expand_inner(word, mode, fields)?;
            }
            Operation::Alternative { colon, word } => {
                if self.has_value(subject, *colon, mode) {
                    self.expand_inner(word, mode, fields)?;
                } else if mode.quoted && !matches!(subject, Subject::All { joined: false, .. }) {
                    fields.quoted("");
                }
            }
            Operation::Assign { colon, word } => {
                if self.has_value(subject, *colon, mode) {
                    return self.expand_subject(subject, &Operation::Value, mode, fields);
                }
                let (name, place) = match subject {
                    Subject::One { name, place } if is_name(name) => (name, place),
                    _ => {
                        self.report(&format!("{}: bad variable name", subject.shown()));
                        return Err(Flow::Error);
                    }
                };
                let value = self.inner_text(word, mode)?;
                self.assign_place(name, place, value, false)?;
                let value = self.one(subject).unwrap_or_default();
                add(fields, &value, mode);
            }
            Operation::Error { colon, word } => {
                if self.has_value(subject, *colon, mode) {
                    return self.expand_subject(subject, &Operation::Value, mode, fields);
                }
                let message = match word {
                    Some(word) => self.inner_text(word, mode)?,
                    None if *colon => "parameter not set or null".to_owned(),
                    None => "parameter not set".to_owned(),
                };
                self.report(&format!("{}: {message}", subject.shown()));
                return Err(self.unset_parameter());
            }
            Operation::RemovePrefix { longest, pattern } => {
                let pattern = self.expand_exact_pattern(pattern)?;
                self.map_values(subject, mode, fields, |_, value| {
                    Some(pattern.without_prefix(value, *longest).to_owned())
                })?;
            }
            Operation::RemoveSuffix { longest, pattern } => {
                let pattern = self.expand_exact_pattern(pattern)?;
                self.map_values(subject, mode, fields, |_, value| {
                    Some(pattern.without_suffix(value, *longest).to_owned())
                })?;
            }
            Operation::Replace { pattern, replacement, place } => {
                let pattern = self.expand_pattern(pattern)?;
                let replacement = self.expand_text(replacement)?;
                if matches!(subject, Subject::One { .. }) && self.one(subject).is_none() {
                    self.value_or_error(subject)?;
                    add(fields, "", mode);
                    return Ok(());
                }
                self.map_values(subject, mode, fields, |_, value| {
                    Some(replace(value, &pattern, &replacement, *place))
                })?;
            }
            Operation::Substring { offset, length } => {
                self.substring(subject, offset, length.as_ref(), mode, fields)?;
            }
            Operation::Case { upper, all, pattern } => {
                let pattern = pattern.as_ref().map(|pattern| self.expand_pattern(pattern)).transpose()?;
                self.map_values(subject, mode, fields, |_, value| {
                    Some(transform::case(value, *upper, *all, pattern.as_deref()))
                })?;
            }
            Operation::Transform(operator) => self.expand_transformed(subject, *operator, mode, fields)?,
            Operation::Subscripts => {
                let name = subject.name();
                let subscripts = match self.made_up_list(name) {
                    Some(values) => (0..values.len()).map(|index| index.to_string()).collect(),
                    None => match self.find(name) {
                        Some(variable) => variable.elements().into_iter().map(|(key, _)| key).collect(),
                        None => Vec::new(),
                    },
                };
                let joined = matches!(subject, Subject::All { joined: true, .. });
                self.expand_list(subscripts, joined, mode, fields);
            }
            Operation::Names { .. } | Operation::Bad(_) => {
                self.report("Bad substitution");
                return Err(Flow::Error);
            }
        }
        Ok(())
    }

    fn expand_transformed(
        &mut self,
        subject: &Subject,
        operator: char,
        mode: Mode,
        fields: &mut Fields,
    ) -> Result<(), Flow> {
        let whole = matches!(subject, Subject::One { place: Place::Whole, .. });
        match operator {
            'a' if subject.is_positional() => return Ok(()),
            'A' | 'a' if !subject.is_positional() => {
                let name = self.referred(subject.name()).into_owned();
                if let (Subject::All { joined, .. }, 'a') = (subject, operator) {
                    let attributes = self.variables.get(&name).map(Variable::attributes).unwrap_or_default();
                    let values = self.list(&name).iter().map(|_| attributes.clone()).collect();
                    self.expand_list(values, *joined, mode, fields);
                    return Ok(());
                }
                if whole && self.find(&name).is_none() {
                    self.value_or_error(subject)?;
                }
                let shown = self.variables.get(&name).map(|variable| {
                    if operator == 'a' {
                        variable.attributes()
                    } else {
                        transform::declaration(&name, variable)
                    }
                });
                add(fields, &shown.unwrap_or_default(), mode);
                return Ok(());
            }
            'K' | 'k' if !whole && !subject.is_positional() => {
                let elements = self.find(subject.name()).map(Variable::elements).unwrap_or_default();
                if operator == 'k' {
                    let words = elements.into_iter().flat_map(|(key, value)| [key, value]).collect();
                    self.expand_list(words, false, mode, fields);
                } else {
                    let words = elements.iter().map(|(key, value)| {
                        format!("{key} \"{}\"", crate::quote::within_double_quotes(value))
                    });
                    let text = words.collect::<Vec<_>>().join(" ");
                    add(fields, &text, mode);
                }
                return Ok(());
            }
            _ => {}
        }
        if matches!(subject, Subject::One { .. }) && self.one(subject).is_none() {
            self.value_or_error(subject)?;
            add(fields, "", mode);
            return Ok(());
        }
        self.map_values(subject, mode, fields, |shell, value| shell.transform(operator, value))
    }

    /// The word of `${x-word}`. Between double quotes there is a field even where it expands to nothing.
    fn expand_inner(&mut self, word: &Word, mode: Mode, fields: &mut Fields) -> Result<(), Flow> {
        if mode.quoted {
            fields.quoted("");
        }
        self.expand_pieces(&word.0, Mode { inside: true, ..mode }, fields)
    }

    /// The word of `${x=word}` as one string.
    fn inner_text(&mut self, word: &Word, mode: Mode) -> Result<String, Flow> {
        if mode.quoted { self.expand_quoted(word) } else { self.expand_text(word) }
    }

    /// `$@` and `$*`, and arrays like that.
    fn expand_list(&self, values: Vec<String>, joined: bool, mode: Mode, fields: &mut Fields) {
        if !fields.splits() || (mode.quoted && joined) {
            let joiner = if joined { self.joiner() } else { " ".to_owned() };
            add(fields, &values.join(&joiner), mode);
            return;
        }
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                fields.end_field();
            }
            add(fields, value, mode);
        }
    }

    fn has_value(&self, subject: &Subject, colon: bool, mode: Mode) -> bool {
        if let Subject::All { name, joined } = subject {
            let values = self.list(name);
            let has_text = values.iter().any(|value| !value.is_empty())
                || (values.len() > 1 && (!joined || !mode.quoted || !self.joiner().is_empty()));
            return !values.is_empty() && (!colon || has_text);
        }
        self.one(subject).is_some_and(|value| !colon || !value.is_empty())
    }

    fn value_or_error(&mut self, subject: &Subject) -> Result<String, Flow> {
        match self.one(subject) {
            Some(value) => Ok(value),
            None if self.options.nounset => {
                self.report(&match self.dialect {
                    Dialect::Posix => format!("{}: parameter not set", subject.shown()),
                    Dialect::Bash => format!("{}: unbound variable", subject.shown()),
                });
                Err(self.unset_parameter())
            }
            None => Ok(String::new()),
        }
    }

    /// How a parameter that should be set and is not ends the shell.
    fn unset_parameter(&self) -> Flow {
        match self.dialect {
            Dialect::Posix => Flow::Error,
            Dialect::Bash if self.is_command && self.extras.subshells == 0 => Flow::Exit(127),
            Dialect::Bash => Flow::Exit(1),
        }
    }

    /// Adds what `change` makes of the value, or of each value of a list; it has none where that can't be.
    fn map_values(
        &mut self,
        subject: &Subject,
        mode: Mode,
        fields: &mut Fields,
        change: impl Fn(&mut Shell, &str) -> Option<String>,
    ) -> Result<(), Flow> {
        let changed = |shell: &mut Shell, value: &str| {
            change(shell, value).ok_or_else(|| {
                shell.report("Bad substitution");
                Flow::Error
            })
        };
        match subject {
            Subject::One { .. } => {
                let value = self.value_or_error(subject)?;
                let value = changed(self, &value)?;
                add(fields, &value, mode);
            }
            Subject::All { name, joined } => {
                let values =
                    self.list(name).iter().map(|value| changed(self, value)).collect::<Result<_, _>>()?;
                self.expand_list(values, *joined, mode, fields);
            }
        }
        Ok(())
    }

    fn substring(
        &mut self,
        subject: &Subject,
        offset: &Word,
        length: Option<&Word>,
        mode: Mode,
        fields: &mut Fields,
    ) -> Result<(), Flow> {
        let offset = self.expand_arithmetic(offset)?;
        let length = length.map(|length| self.expand_arithmetic(length)).transpose()?;
        if let Subject::All { name, joined } = subject {
            let values = self.part_of_list(name, offset, length)?;
            self.expand_list(values, *joined, mode, fields);
            return Ok(());
        }
        let value = self.value_or_error(subject)?;
        let characters: Vec<char> = value.chars().collect();
        let count = characters.len() as i64;
        let start = if offset < 0 { count.saturating_add(offset) } else { offset.min(count) };
        let end = match length {
            None => count,
            Some(length) if length < 0 => count.saturating_add(length),
            Some(length) => start.saturating_add(length).min(count),
        };
        if self.dialect == Dialect::Bash && length.is_some_and(|length| length < 0) && end < start {
            self.report(&format!("{}: substring expression < 0", length.unwrap_or_default()));
            return Err(Flow::Error);
        }
        let part = match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if start <= end => {
                characters.get(start..end).unwrap_or_default().iter().collect()
            }
            _ => String::new(),
        };
        add(fields, &part, mode);
        Ok(())
    }

    /// `${@:offset:length}` and the like: of the parameters with `$0` before them, and of an array from the subscript on.
    fn part_of_list(&self, name: &str, offset: i64, length: Option<i64>) -> Result<Vec<String>, Flow> {
        let positional = matches!(name, "@" | "*");
        let elements: Vec<(i64, String)> = if positional {
            let zero = self.name.to_string();
            (0..).zip(std::iter::once(zero).chain(self.positional.iter().cloned())).collect()
        } else {
            match self.find(name) {
                Some(variable) if !variable.is_associative() => {
                    let elements = variable.elements().into_iter();
                    elements.map(|(index, value)| (index.parse().unwrap_or(0), value)).collect()
                }
                _ => (0..).zip(self.list(name)).collect(),
            }
        };
        let end = elements.last().map_or(0, |(last, _)| last + 1);
        let start = if offset < 0 { end.saturating_add(offset) } else { offset };
        if start < 0 {
            return Ok(Vec::new());
        }
        let rest = elements.into_iter().filter(|(index, _)| *index >= start).map(|(_, value)| value);
        match length {
            None => Ok(rest.collect()),
            Some(length) => match usize::try_from(length) {
                Ok(length) => Ok(rest.take(length).collect()),
                Err(_) => {
                    self.report(&format!("{length}: substring expression < 0"));
                    Err(Flow::Error)
                }
            },
        }
    }
}

/// `value` with what matches replaced.
fn replace(value: &str, pattern: &Pattern, replacement: &str, place: ReplacePlace) -> String {
    if pattern.0.is_empty() {
        return match place {
            ReplacePlace::Start => format!("{replacement}{value}"),
            ReplacePlace::End => format!("{value}{replacement}"),
            ReplacePlace::First | ReplacePlace::All => value.to_owned(),
        };
    }
    match place {
        ReplacePlace::Start => match pattern.longest_match_at(value, 0) {
            Some(end) => format!("{replacement}{}", &value[end..]),
            None => value.to_owned(),
        },
        ReplacePlace::End => {
            let kept = pattern.without_suffix(value, true);
            if kept.len() < value.len() || pattern.matches("") {
                format!("{kept}{replacement}")
            } else {
                value.into()
            }
        }
        ReplacePlace::First | ReplacePlace::All => {
            if value.is_empty() && pattern.matches("") {
                return replacement.to_owned();
            }
            let mut result = String::new();
            let mut at = 0;
            while at < value.len() {
                match pattern.longest_match_at(value, at).filter(|end| *end > at) {
                    Some(end) => {
                        result.push_str(replacement);
                        at = end;
                        if place == ReplacePlace::First {
                            break;
                        }
                    }
                    None => {
                        let character = value[at..].chars().next().map_or(1, char::len_utf8);
                        result.push_str(&value[at..at + character]);
                        at += character;
                    }
                }
            }
            result.push_str(&value[at..]);
            result
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expand::fields::Field;

    #[test]
    fn replacements() {
        let pattern = |text: &str| {
            let mut field = Field::default();
            field.push(text, false);
            Pattern::new(&field)
        };
        assert_eq!(replace("banana", &pattern("a"), "o", ReplacePlace::First), "bonana");
        assert_eq!(replace("banana", &pattern("a"), "o", ReplacePlace::All), "bonono");
        assert_eq!(replace("banana", &pattern("ba*n"), "_", ReplacePlace::Start), "_a");
        assert_eq!(replace("banana", &pattern("a"), "", ReplacePlace::End), "banan");
    }
}
