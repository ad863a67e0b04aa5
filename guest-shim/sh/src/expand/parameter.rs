//! Parameter expansion: `$x`, the special parameters, and everything between `${` and `}`.

use super::{Mode, add, fields::Fields, pattern::Pattern};
use crate::{
    state::{Flow, Shell},
    syntax::tree::{Operation, Parameter, Place, Word},
};

impl Shell {
    /// The value of a parameter by its name, none if it is unset. `@` and `*` are joined.
    pub fn parameter(&self, name: &str) -> Option<String> {
        match name {
            "@" => Some(self.positional.join(" ")),
            "*" => Some(self.positional.join(&self.joiner())),
            "#" => Some(self.positional.len().to_string()),
            "?" => Some(self.status.to_string()),
            "-" => Some(self.options.letters()),
            "$" => Some(self.process_id.to_string()),
            "!" => self.last_background.map(|id| id.to_string()),
            "0" => Some(self.name.to_string()),
            "LINENO" => Some(self.line.to_string()),
            _ => match name.parse::<usize>() {
                Ok(number) => self.positional.get(number.wrapping_sub(1)).cloned(),
                Err(_) => self.variable(name).map(str::to_owned),
            },
        }
    }

    /// What `"$*"` puts between the parameters.
    fn joiner(&self) -> String {
        self.separators().chars().next().map(String::from).unwrap_or_default()
    }

    pub(super) fn expand_parameter(
        &mut self,
        parameter: &Parameter,
        mode: Mode,
        fields: &mut Fields,
    ) -> Result<(), Flow> {
        let name = parameter.name.as_str();
        match &parameter.operation {
            Operation::Value => {
                if matches!(name, "@" | "*") {
                    self.expand_positional(name, mode, fields);
                    return Ok(());
                }
                let value = self.value_or_error(name)?;
                add(fields, &value, mode);
            }
            Operation::Length => {
                let length = match name {
                    "@" | "*" => self.positional.len(),
                    _ => self.value_or_error(name)?.chars().count(),
                };
                add(fields, &length.to_string(), mode);
            }
            Operation::Default { colon, word } => {
                if self.has_value(name, *colon) {
                    return self.expand_present(name, mode, fields);
                }
                self.expand_inner(word, mode, fields)?;
            }
            Operation::Alternative { colon, word } => {
                if self.has_value(name, *colon) {
                    self.expand_inner(word, mode, fields)?;
                } else if mode.quoted && name != "@" {
                    fields.quoted("");
                }
            }
            Operation::Assign { colon, word } => {
                if self.has_value(name, *colon) {
                    return self.expand_present(name, mode, fields);
                }
                if !crate::syntax::extent::is_name(name) {
                    self.report(&format!("{name}: bad variable name"));
                    return Err(Flow::Error);
                }
                let value = self.inner_text(word, mode)?;
                self.assign(name, value.clone())?;
                add(fields, &value, mode);
            }
            Operation::Error { colon, word } => {
                if self.has_value(name, *colon) {
                    return self.expand_present(name, mode, fields);
                }
                let message = match word {
                    Some(word) => self.inner_text(word, mode)?,
                    None if *colon => "parameter not set or null".to_owned(),
                    None => "parameter not set".to_owned(),
                };
                self.report(&format!("{name}: {message}"));
                return Err(Flow::Error);
            }
            Operation::RemovePrefix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                self.map_values(name, mode, fields, |value| {
                    pattern.without_prefix(value, *longest).to_owned()
                })?;
            }
            Operation::RemoveSuffix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                self.map_values(name, mode, fields, |value| {
                    pattern.without_suffix(value, *longest).to_owned()
                })?;
            }
            Operation::Replace { pattern, replacement, place } => {
                let pattern = self.expand_pattern(pattern)?;
                let replacement = self.expand_text(replacement)?;
                self.map_values(name, mode, fields, |value| replace(value, &pattern, &replacement, *place))?;
            }
            Operation::Substring { offset, length } => {
                self.substring(name, offset, length.as_ref(), mode, fields)?
            }
            Operation::Bad(_) => {
                self.report("Bad substitution");
                return Err(Flow::Error);
            }
        }
        Ok(())
    }

    fn expand_present(&mut self, name: &str, mode: Mode, fields: &mut Fields) -> Result<(), Flow> {
        let parameter = Parameter { name: name.to_owned(), operation: Operation::Value };
        self.expand_parameter(&parameter, mode, fields)
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

    /// `$@` and `$*`.
    fn expand_positional(&mut self, name: &str, mode: Mode, fields: &mut Fields) {
        let values = self.positional.clone();
        if mode.quoted && (name == "*" || !fields.splits()) {
            let joiner = if name == "*" { self.joiner() } else { " ".to_owned() };
            fields.quoted(&values.join(&joiner));
            return;
        }
        if !fields.splits() {
            let joiner = if name == "*" { self.joiner() } else { " ".to_owned() };
            fields.expansion(&values.join(&joiner));
            return;
        }
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                fields.end_field();
            }
            add(fields, value, mode);
        }
    }

    fn has_value(&self, name: &str, colon: bool) -> bool {
        if matches!(name, "@" | "*") {
            let joined =
                || self.positional.iter().any(|value| !value.is_empty()) || self.positional.len() > 1;
            return !self.positional.is_empty() && (!colon || joined());
        }
        self.parameter(name).is_some_and(|value| !colon || !value.is_empty())
    }

    fn value_or_error(&mut self, name: &str) -> Result<String, Flow> {
        match self.parameter(name) {
            Some(value) => Ok(value),
            None if self.options.nounset => {
                self.report(&format!("{name}: parameter not set"));
                Err(Flow::Error)
            }
            None => Ok(String::new()),
        }
    }

    /// Adds what `change` makes of the value, or of each positional parameter.
    fn map_values(
        &mut self,
        name: &str,
        mode: Mode,
        fields: &mut Fields,
        change: impl Fn(&str) -> String,
    ) -> Result<(), Flow> {
        if !matches!(name, "@" | "*") {
            let value = self.value_or_error(name)?;
            add(fields, &change(&value), mode);
            return Ok(());
        }
        let changed = self.positional.iter().map(|value| change(value)).collect();
        let kept = std::mem::replace(&mut self.positional, std::rc::Rc::new(changed));
        self.expand_positional(name, mode, fields);
        self.positional = kept;
        Ok(())
    }

    fn substring(
        &mut self,
        name: &str,
        offset: &Word,
        length: Option<&Word>,
        mode: Mode,
        fields: &mut Fields,
    ) -> Result<(), Flow> {
        let value = self.value_or_error(name)?;
        let offset = self.expand_arithmetic(offset)?;
        let length = length.map(|length| self.expand_arithmetic(length)).transpose()?;
        let characters: Vec<char> = value.chars().collect();
        let count = characters.len() as i64;
        let start = if offset < 0 { count.saturating_add(offset) } else { offset.min(count) };
        let end = match length {
            None => count,
            Some(length) if length < 0 => count.saturating_add(length),
            Some(length) => start.saturating_add(length).min(count),
        };
        let part = match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if start <= end => {
                characters.get(start..end).unwrap_or_default().iter().collect()
            }
            _ => String::new(),
        };
        add(fields, &part, mode);
        Ok(())
    }
}

/// `value` with what matches replaced.
fn replace(value: &str, pattern: &Pattern, replacement: &str, place: Place) -> String {
    if pattern.0.is_empty() {
        return value.to_owned();
    }
    match place {
        Place::Start => match pattern.longest_match_at(value, 0) {
            Some(end) => format!("{replacement}{}", &value[end..]),
            None => value.to_owned(),
        },
        Place::End => {
            let kept = pattern.without_suffix(value, true);
            if kept.len() < value.len() || pattern.matches("") {
                format!("{kept}{replacement}")
            } else {
                value.into()
            }
        }
        Place::First | Place::All => {
            let mut result = String::new();
            let mut at = 0;
            while at < value.len() {
                match pattern.longest_match_at(value, at).filter(|end| *end > at) {
                    Some(end) => {
                        result.push_str(replacement);
                        at = end;
                        if place == Place::First {
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
        assert_eq!(replace("banana", &pattern("a"), "o", Place::First), "bonana");
        assert_eq!(replace("banana", &pattern("a"), "o", Place::All), "bonono");
        assert_eq!(replace("banana", &pattern("ba*n"), "_", Place::Start), "_a");
        assert_eq!(replace("banana", &pattern("a"), "", Place::End), "banan");
    }
}
