//! Fields in the making: text that remembers which parts of it were quoted, cut apart at the characters of `IFS`.
//! Pure: knows neither variables nor files.

/// A word after expansion, before its quotes are forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    pub text: String,
    /// The text's parts: where each ends and whether it was quoted.
    parts: Vec<(usize, bool)>,
}

impl Field {
    pub fn push(&mut self, text: &str, quoted: bool) {
        self.text.push_str(text);
        match self.parts.last_mut() {
            Some((end, last)) if *last == quoted => *end = self.text.len(),
            _ => self.parts.push((self.text.len(), quoted)),
        }
    }

    fn push_char(&mut self, character: char) {
        self.push(character.encode_utf8(&mut [0; 4]), false);
    }

    /// Its parts with whether they were quoted.
    pub fn parts(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut start = 0;
        self.parts.iter().map(move |&(end, quoted)| {
            let part = &self.text[start..end];
            start = end;
            (part, quoted)
        })
    }

    /// Whether an unquoted part has a character that matches more than itself.
    pub fn has_pattern(&self) -> bool {
        self.parts().any(|(text, quoted)| !quoted && text.contains(['*', '?', '[', '(']))
    }

    /// The same without a bracket that nothing closes, which matches itself alone.
    pub fn has_closed_pattern(&self) -> bool {
        self.parts().any(|(text, quoted)| !quoted && text.contains(['*', '?', '(']))
            || self.parts().any(|(text, quoted)| !quoted && text.contains('[')) && self.text.contains(']')
    }
}

/// Collects what the pieces of a word expand to.
pub struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
    separators: Option<Separators>,
    /// The last field was ended by blanks of `IFS`: another separator right after them belongs to them.
    after_blanks: bool,
}

struct Separators(String);

impl Separators {
    fn blank(&self, character: char) -> bool {
        matches!(character, ' ' | '\t' | '\n') && self.0.contains(character)
    }

    fn other(&self, character: char) -> bool {
        !matches!(character, ' ' | '\t' | '\n') && self.0.contains(character)
    }
}

impl Fields {
    /// Splits what is not quoted at `separators`; without them everything becomes one field.
    pub fn new(separators: Option<&str>) -> Self {
        Fields {
            done: Vec::new(),
            current: None,
            separators: separators.map(|text| Separators(text.to_owned())),
            after_blanks: false,
        }
    }

    pub fn splits(&self) -> bool {
        self.separators.is_some()
    }

    fn current(&mut self) -> &mut Field {
        self.after_blanks = false;
        self.current.get_or_insert_default()
    }

    /// Text of the word itself.
    pub fn literal(&mut self, text: &str) {
        self.current().push(text, false);
    }

    /// Text that is neither split nor matched. A field exists from then on, even if it stays empty.
    pub fn quoted(&mut self, text: &str) {
        self.current().push(text, true);
    }

    /// Text that an unquoted expansion gave.
    pub fn expansion(&mut self, text: &str) {
        let Some(separators) = self.separators.take() else {
            if !text.is_empty() {
                self.current().push(text, false);
            }
            return;
        };
        for character in text.chars() {
            if separators.blank(character) {
                if let Some(field) = self.current.take() {
                    self.done.push(field);
                    self.after_blanks = true;
                }
            } else if separators.other(character) {
                match self.current.take() {
                    Some(field) => self.done.push(field),
                    None if self.after_blanks => {}
                    None => self.done.push(Field::default()),
                }
                self.after_blanks = false;
            } else {
                self.current().push_char(character);
            }
        }
        self.separators = Some(separators);
    }

    /// Ends the current field, if there is one.
    pub fn end_field(&mut self) {
        self.after_blanks = false;
        self.done.extend(self.current.take());
    }

    pub fn finish(mut self) -> Vec<Field> {
        self.done.extend(self.current.take());
        self.done
    }

    /// Everything as one field; what would be several is joined by blanks.
    pub fn join(self) -> Field {
        let mut fields = self.finish().into_iter();
        let mut joined = fields.next().unwrap_or_default();
        for field in fields {
            joined.push(" ", true);
            for (text, quoted) in field.parts() {
                joined.push(text, quoted);
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(separators: &str, text: &str) -> Vec<String> {
        let mut fields = Fields::new(Some(separators));
        fields.expansion(text);
        fields.finish().into_iter().map(|field| field.text).collect()
    }

    #[test]
    fn blanks_separate_and_are_trimmed() {
        assert_eq!(split(" \t\n", "  a \t b\nc  "), ["a", "b", "c"]);
        assert!(split(" \t\n", "   ").is_empty());
    }

    #[test]
    fn other_separators_make_empty_fields() {
        assert_eq!(split(":", "a::b:"), ["a", "", "b"]);
        assert_eq!(split(":", ":a"), ["", "a"]);
        assert_eq!(split(": ", "a : b"), ["a", "b"]);
        assert_eq!(split(": ", "a : : b"), ["a", "", "b"]);
    }

    #[test]
    fn text_beside_an_expansion_joins_its_fields() {
        let mut fields = Fields::new(Some(" "));
        fields.literal("x");
        fields.expansion("a b ");
        fields.quoted("y");
        let texts: Vec<_> = fields.finish().into_iter().map(|field| field.text).collect();
        assert_eq!(texts, ["xa", "b", "y"]);
    }
}
