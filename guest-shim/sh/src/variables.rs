//! Variables: what they hold, their attributes, and reading, assigning and unsetting them. Arrays, attributes and
//! references are bash's; what nothing declares is text. Knows nothing of words; those are expanded before.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    bash::MADE_UP,
    quote,
    state::{Flow, Shell},
    syntax::dialect::Dialect,
};

/// How many references may lead from one to the next.
const MAX_REFERENCES: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    Text(String),
    Indexed(BTreeMap<u64, String>),
    Associative(Associative),
}

/// The values of an associative array by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Associative(BTreeMap<(u32, String), String>);

/// Keys come in the order of bash, which scripts show though they should not: by a hash of 32 bits (FNV-1) in a table of
/// 1024 places.
fn place(key: &str) -> u32 {
    let hash = |hash: u32, byte: u8| hash.wrapping_mul(16_777_619) ^ u32::from(byte);
    key.bytes().fold(2_166_136_261, hash) & 1023
}

impl Associative {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(&(place(key), key.to_owned())).map(String::as_str)
    }

    pub fn insert(&mut self, key: String, value: String) {
        self.0.insert((place(&key), key), value);
    }

    pub fn remove(&mut self, key: &str) {
        self.0.remove(&(place(key), key.to_owned()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|((_, key), value)| (key.as_str(), value.as_str()))
    }
}

/// Variables whose assignment does more than to keep a value.
const HAVE_MEANING: [&str; 5] = ["LINENO", "OPTIND", "PATH", "RANDOM", "SECONDS"];

/// What an assignment does to letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Letters {
    #[default]
    Keep,
    Upper,
    Lower,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// None where it was declared without a value.
    pub value: Option<Value>,
    pub exported: bool,
    pub readonly: bool,
    /// What is assigned is an arithmetic expression.
    pub integer: bool,
    pub letters: Letters,
    /// The value names another variable, which is meant.
    pub reference: bool,
}

impl Variable {
    pub fn exported(value: String) -> Self {
        Variable { value: Some(Value::Text(value)), exported: true, ..Variable::default() }
    }

    /// Its value as `$name` is: of an array, that of the element 0.
    pub fn text(&self) -> Option<&str> {
        match self.value.as_ref()? {
            Value::Text(text) => Some(text),
            Value::Indexed(elements) => elements.get(&0).map(String::as_str),
            Value::Associative(elements) => elements.get("0"),
        }
    }

    pub fn is_array(&self) -> bool {
        matches!(self.value, Some(Value::Indexed(_) | Value::Associative(_)))
    }

    pub fn is_associative(&self) -> bool {
        matches!(self.value, Some(Value::Associative(_)))
    }

    /// The letters of its attributes, as `declare -p` shows them.
    pub fn attributes(&self) -> String {
        let letters = [
            ('a', matches!(self.value, Some(Value::Indexed(_)))),
            ('A', self.is_associative()),
            ('i', self.integer),
            ('l', self.letters == Letters::Lower),
            ('n', self.reference),
            ('r', self.readonly),
            ('u', self.letters == Letters::Upper),
            ('x', self.exported),
        ];
        letters.into_iter().filter(|(_, on)| *on).map(|(letter, _)| letter).collect()
    }

    /// The subscripts and values there are; a text is an array's element 0.
    pub fn elements(&self) -> Vec<(String, String)> {
        match &self.value {
            None => Vec::new(),
            Some(Value::Text(text)) => vec![("0".to_owned(), text.clone())],
            Some(Value::Indexed(elements)) => {
                elements.iter().map(|(index, value)| (index.to_string(), value.clone())).collect()
            }
            Some(Value::Associative(elements)) => {
                elements.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
            }
        }
    }

    /// The value as the right side of an assignment that makes it.
    pub fn shown(&self) -> Option<String> {
        let quoted = |text: &str| format!("\"{}\"", quote::within_double_quotes(text));
        match self.value.as_ref()? {
            Value::Text(text) if quote::needs_ansi(text) => Some(quote::ansi(text)),
            Value::Text(text) => Some(quoted(text)),
            Value::Indexed(_) | Value::Associative(_) => {
                let mut shown = String::from("(");
                let associative = self.is_associative();
                for (index, (key, value)) in self.elements().iter().enumerate() {
                    if index > 0 && !associative {
                        shown.push(' ');
                    }
                    let key = if quote::listed(key) == *key { key.clone() } else { quoted(key) };
                    let value = if quote::needs_ansi(value) { quote::ansi(value) } else { quoted(value) };
                    shown.push_str(&format!("[{key}]={value}"));
                    if associative {
                        shown.push(' ');
                    }
                }
                shown.push(')');
                Some(shown)
            }
        }
    }
}

/// Which element of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The variable itself, or of an array the element 0.
    Whole,
    Index(i64),
    Key(String),
}

impl Shell {
    /// The name of the variable that `name` refers to.
    pub fn referred<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let mut name = Cow::Borrowed(name);
        for _ in 0..=MAX_REFERENCES {
            match self.variables.get(name.as_ref()) {
                Some(variable) if variable.reference => match variable.text() {
                    Some(target) if !target.is_empty() && target != name => name = target.to_owned().into(),
                    _ => return name,
                },
                _ => return name,
            }
        }
        // They lead in a circle: that is no variable.
        Cow::Borrowed("")
    }

    pub fn find(&self, name: &str) -> Option<&Variable> {
        match self.variables.get(name) {
            Some(variable) if variable.reference => self.variables.get(self.referred(name).as_ref()),
            found => found,
        }
    }

    pub fn variable(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(Variable::text)
    }

    /// The value of an element.
    pub fn element(&self, name: &str, place: &Place) -> Option<String> {
        let variable = self.find(name)?;
        match (place, variable.value.as_ref()?) {
            (Place::Whole, _) => variable.text().map(str::to_owned),
            (Place::Key(key), Value::Associative(elements)) => elements.get(key).map(str::to_owned),
            (Place::Index(index), Value::Indexed(elements)) => {
                elements.get(&counted(*index, elements)?).cloned()
            }
            (Place::Index(0 | -1), Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether `name` or `name[subscript]` has a value.
    pub fn is_set(&mut self, text: &str) -> Result<bool, Flow> {
        if let Some((name, "@]" | "*]")) = text.split_once('[')
            && !self.find(name).is_some_and(Variable::is_associative)
        {
            return Ok(!self.list(name).is_empty());
        }
        Ok(match self.named_place(text)? {
            Some((name, Place::Whole)) => self.parameter(&name).is_some(),
            Some((name, place)) => self.element(&name, &place).is_some(),
            None => self.parameter(text).is_some(),
        })
    }

    pub fn refuse_readonly(&self, name: &str) -> Result<(), Flow> {
        if self.is_readonly(name) {
            self.report(&match self.dialect {
                Dialect::Posix => format!("{name}: is read only"),
                Dialect::Bash => format!("{name}: readonly variable"),
            });
            return Err(Flow::Error);
        }
        Ok(())
    }

    fn is_readonly(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| variable.readonly)
            || self.dialect == Dialect::Bash && matches!(name, "BASHOPTS" | "SHELLOPTS")
    }

    /// Assigns, or says why not.
    pub fn assign(&mut self, name: &str, value: String) -> Result<(), Flow> {
        self.assign_place(name, &Place::Whole, value, false)
    }

    /// Assigns to an element, or adds to what it is.
    pub fn assign_place(
        &mut self,
        name: &str,
        place: &Place,
        value: String,
        append: bool,
    ) -> Result<(), Flow> {
        // What most assignments of a loop are.
        if *place == Place::Whole
            && !append
            && !self.options.allexport
            && !HAVE_MEANING.contains(&name)
            && let Some(variable) = std::rc::Rc::make_mut(&mut self.variables).get_mut(name)
            && !(variable.readonly || variable.integer || variable.reference)
            && variable.letters == Letters::Keep
            && let Some(Value::Text(text)) = &mut variable.value
        {
            *text = value;
            return Ok(());
        }
        if *place == Place::Whole
            && let Some((name, place)) = self.referred_element(name)?
        {
            return self.assign_place(&name, &place, value, append);
        }
        let shown = name;
        let name = self.referred(name).into_owned();
        if name.is_empty() {
            self.report(&format!("{shown}: circular name reference"));
            return Err(Flow::Error);
        }
        self.refuse_readonly(&name)?;
        self.notice_assignment(&name, &value);
        if MADE_UP.contains(&name.as_str()) && !self.is_ordinary(&name) {
            // Their values are not kept.
            return Ok(());
        }
        let (integer, letters) =
            self.variables.get(&name).map_or((false, Letters::Keep), |known| (known.integer, known.letters));
        let before = if append { self.element(&name, place) } else { None };
        let value = if integer {
            let added = self.arithmetic(&value)?;
            let before = before.map(|before| self.arithmetic(&before)).transpose()?;
            added.wrapping_add(before.unwrap_or(0)).to_string()
        } else {
            let value = before.map_or(value.clone(), |before| before + &value);
            match letters {
                Letters::Keep => value,
                Letters::Upper => value.to_uppercase(),
                Letters::Lower => value.to_lowercase(),
            }
        };
        let exported = self.options.allexport;
        let variable = self.variable_mut(&name);
        variable.exported |= exported;
        match (place, &mut variable.value) {
            (Place::Whole | Place::Index(0), Some(Value::Associative(elements))) => {
                elements.insert("0".to_owned(), value);
            }
            (Place::Index(index), Some(Value::Associative(elements))) => {
                elements.insert(index.to_string(), value);
            }
            (Place::Whole, Some(Value::Indexed(elements))) => {
                elements.insert(0, value);
            }
            (Place::Whole, slot) => *slot = Some(Value::Text(value)),
            (Place::Key(key), Some(Value::Associative(elements))) => elements.insert(key.clone(), value),
            // Whoever asks for a key knows that the variable is associative.
            (Place::Key(_), _) => {}
            (Place::Index(index), slot) => {
                let mut elements = match slot.take() {
                    Some(Value::Indexed(elements)) => elements,
                    Some(Value::Text(text)) => BTreeMap::from([(0, text)]),
                    _ => BTreeMap::new(),
                };
                let index = counted(*index, &elements);
                if let Some(index) = index {
                    elements.insert(index, value);
                }
                *slot = Some(Value::Indexed(elements));
                if index.is_none() {
                    self.report(&format!("{name}: bad array subscript"));
                    return Err(Flow::Error);
                }
            }
        }
        Ok(())
    }

    /// Makes a variable an array of these values, or adds them to it. Elements without a place come after the one before.
    pub fn assign_array(
        &mut self,
        name: &str,
        elements: Vec<(Option<String>, bool, String)>,
        append: bool,
    ) -> Result<(), Flow> {
        let name = self.referred(name).into_owned();
        self.refuse_readonly(&name)?;
        let allexport = self.options.allexport;
        let variable = self.variable_mut(&name);
        variable.exported |= allexport;
        let associative = variable.is_associative();
        if !append {
            variable.value = Some(if associative {
                Value::Associative(Associative::default())
            } else {
                Value::Indexed(BTreeMap::new())
            });
        } else if let Some(Value::Text(text)) = &variable.value {
            variable.value = Some(Value::Indexed(BTreeMap::from([(0, text.clone())])));
        } else if variable.value.is_none() {
            variable.value = Some(Value::Indexed(BTreeMap::new()));
        }
        if associative {
            return self.assign_keys(&name, elements);
        }
        let mut next = match &self.variable_mut(&name).value {
            Some(Value::Indexed(elements)) => elements
                .last_key_value()
                .map_or(0, |(last, _)| i64::try_from(*last).map_or(i64::MAX, |last| last.saturating_add(1))),
            _ => 0,
        };
        let plain = {
            let variable = self.variable_mut(&name);
            !variable.integer && variable.letters == Letters::Keep
        };
        for (subscript, append, value) in elements {
            if let Some(subscript) = subscript {
                next = self.arithmetic(&subscript)?;
            } else if plain && next >= 0 {
                // What a large array mostly is.
                if let Some(Value::Indexed(elements)) = &mut self.variable_mut(&name).value {
                    elements.insert(next.unsigned_abs(), value);
                }
                next += 1;
                continue;
            }
            self.assign_place(&name, &Place::Index(next), value, append)?;
            if next < 0 {
                next = 0;
            }
            next = next.saturating_add(1);
        }
        Ok(())
    }

    /// For an associative array, elements without keys are keys and values in turn.
    fn assign_keys(&mut self, name: &str, elements: Vec<(Option<String>, bool, String)>) -> Result<(), Flow> {
        let has_keys = elements.iter().any(|(key, _, _)| key.is_some());
        let mut elements = elements.into_iter();
        while let Some((key, append, value)) = elements.next() {
            let (key, value) = match key {
                Some(key) => (key, value),
                None if has_keys => {
                    self.report(&format!(
                        "{name}: {value}: must use subscript when assigning associative array"
                    ));
                    continue;
                }
                None => (value, elements.next().map(|(_, _, value)| value).unwrap_or_default()),
            };
            self.assign_place(name, &Place::Key(key), value, append)?;
        }
        Ok(())
    }

    pub fn variable_mut(&mut self, name: &str) -> &mut Variable {
        std::rc::Rc::make_mut(&mut self.variables).entry(name.to_owned()).or_default()
    }

    pub fn unset(&mut self, name: &str) -> Result<(), Flow> {
        let name = self.referred(name).into_owned();
        if self.is_readonly(&name) {
            self.report(&match self.dialect {
                Dialect::Posix => format!("unset: {name}: is read only"),
                Dialect::Bash => format!("unset: {name}: cannot unset: readonly variable"),
            });
            return Err(Flow::Error);
        }
        self.unset_meaning(&name);
        if self.variables.contains_key(&name) {
            std::rc::Rc::make_mut(&mut self.variables).remove(&name);
            if name == "PATH" {
                self.remembered = std::rc::Rc::default();
            }
        }
        Ok(())
    }

    /// Takes one element out of an array.
    pub fn unset_element(&mut self, name: &str, place: &Place) -> Result<(), Flow> {
        let name = self.referred(name).into_owned();
        self.refuse_readonly(&name)?;
        if !self.variables.contains_key(&name) {
            return Ok(());
        }
        match (&mut self.variable_mut(&name).value, place) {
            (Some(Value::Associative(elements)), Place::Key(key)) => elements.remove(key),
            (Some(Value::Indexed(elements)), Place::Index(index)) => match counted(*index, elements) {
                Some(index) => drop(elements.remove(&index)),
                None => {
                    self.report(&format!("unset: [{index}]: bad array subscript"));
                    return Err(Flow::Error);
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// What a program that is started gets as its environment.
    pub fn exported(&self) -> Vec<(String, String)> {
        let exported =
            self.variables.iter().filter(|(_, variable)| variable.exported && !variable.is_array());
        exported.filter_map(|(name, variable)| Some((name.clone(), variable.text()?.to_owned()))).collect()
    }
}

/// The index that a subscript means: from the end where it is negative.
fn counted(index: i64, elements: &BTreeMap<u64, String>) -> Option<u64> {
    if index >= 0 {
        return u64::try_from(index).ok();
    }
    let end = elements.last_key_value().map_or(0, |(last, _)| last + 1);
    end.checked_sub(index.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_the_order_of_bash() {
        let mut elements = Associative::default();
        for key in ["x", "y", "zz", "foo", "bar", "a", "b", "c"] {
            elements.insert(key.to_owned(), String::new());
        }
        let keys: Vec<&str> = elements.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["y", "x", "c", "b", "a", "zz", "foo", "bar"]);
    }
}
