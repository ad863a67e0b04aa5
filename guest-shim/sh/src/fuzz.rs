//! Entries for fuzzing what a script's text reaches before anything runs: bytes in, properties checked.

use crate::{
    expand::{fields::Field, pattern::Pattern},
    syntax::{reader::Reader, tree::List},
};

/// Reads a script as the shell does. Panics unless every command leads on in the text, is the same when the reader
/// starts again before it, and survives the way to another instance.
pub fn script(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // One more than there are: a here-document may end with the text instead of a line.
    let lines = text.matches('\n').count() as u32 + 2;
    let _ = Reader::new(&text, 1).partial().next();
    let mut reader = Reader::new(&text, 1);
    loop {
        let (before, line) = (reader.position(), reader.line());
        match reader.next() {
            Ok(None) => break,
            Ok(Some(list)) => {
                assert!(reader.position() > before && text.is_char_boundary(reader.position()));
                assert!((line..=lines).contains(&reader.line()), "line {} of {lines}", reader.line());
                let travels = postcard::to_allocvec(&list).expect("a tree is plain data");
                let arrived: List = postcard::from_bytes(&travels).expect("it was written");
                assert_eq!(postcard::to_allocvec(&arrived).as_deref(), Ok(&*travels));
                let mut again = Reader::new(&text, 1);
                again.set_position(before);
                let list = again.next().expect("it was read before").expect("it was there");
                assert_eq!(postcard::to_allocvec(&list).as_deref(), Ok(&*travels), "from {before} on");
            }
            Err(error) => {
                assert!((1..=lines).contains(&error.line), "{error:?} in {lines} lines");
                break;
            }
        }
    }
}

/// Matches a text, the second line, against a pattern, the first, of which every second word is quoted.
pub fn pattern(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (source, text) = text.split_once('\n').unwrap_or((&text, ""));
    let mut field = Field::default();
    for (index, part) in source.split(' ').enumerate() {
        field.push(part, index % 2 == 1);
    }
    let pattern = Pattern::new(&field);
    if let Some(literal) = pattern.as_literal() {
        assert_eq!(pattern.matches(text), literal == text);
    }
    for longest in [false, true] {
        for rest in [pattern.without_prefix(text, longest), pattern.without_suffix(text, longest)] {
            assert!(pattern.matches(text) || rest.len() < text.len() || rest == text);
        }
    }
    assert_eq!(pattern.matches(text), pattern.longest_match_at(text, 0) == Some(text.len()));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_cases_of_the_shells_tests_have_the_properties() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/shell");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "sh") {
                let text = std::fs::read_to_string(path).unwrap();
                super::script(text.as_bytes());
                for case in text.split("\n#### ") {
                    // Cut short, most are scripts that want more.
                    for length in (0..case.len()).step_by(7) {
                        super::script(&case.as_bytes()[..length]);
                    }
                }
            }
        }
    }
}
