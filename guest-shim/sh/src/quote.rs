//! Ways of writing a text so that a shell reads it back as one word. Pure.

/// In single quotes, as dash writes it.
pub fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

/// In single quotes as bash writes it, or with escapes where characters do not show.
pub fn reusable(text: &str) -> String {
    if needs_ansi(text) { ansi(text) } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// As bash lists variables: quoted only where that is needed.
pub fn listed(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_./-+%@:,=".contains(character);
    if text.chars().all(plain) { text.to_owned() } else { reusable(text) }
}

/// With backslashes where they are needed: the conversion `%q`.
pub fn backslashed(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    if needs_ansi(text) {
        return ansi(text);
    }
    let mut quoted = String::new();
    for (index, character) in text.chars().enumerate() {
        let special =
            " '\"|&;()<>!{}*[]?^$`\\,".contains(character) || (index == 0 && "#~".contains(character));
        if special {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// What stands between double quotes.
pub fn within_double_quotes(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        if "\"$`\\".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// Whether there are characters that do not show.
pub fn needs_ansi(text: &str) -> bool {
    text.chars().any(|character| character.is_control() || crate::bytes::byte_of(character).is_some())
}

/// `$'...'`
pub fn ansi(text: &str) -> String {
    let mut quoted = String::from("$'");
    for character in text.chars() {
        match character {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{1b}' => quoted.push_str("\\E"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\'' | '\\' => quoted.extend(['\\', character]),
            character if character.is_control() => {
                quoted.push_str(&format!("\\{:03o}", u32::from(character)))
            }
            character => match crate::bytes::byte_of(character) {
                Some(byte) => quoted.push_str(&format!("\\{byte:03o}")),
                None => quoted.push(character),
            },
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_shells_write_them() {
        assert_eq!(single("it's"), "'it'\"'\"'s'");
        assert_eq!(reusable("it's"), "'it'\\''s'");
        assert_eq!(reusable("a\nb"), "$'a\\nb'");
        assert_eq!(backslashed("a b'c"), "a\\ b\\'c");
        assert_eq!(backslashed(""), "''");
        assert_eq!(listed("abc"), "abc");
        assert_eq!(within_double_quotes("a\"$"), "a\\\"\\$");
    }
}
