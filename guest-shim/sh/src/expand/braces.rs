//! Brace expansion, which comes before all others and knows only the word's own text: `a{b,c}`, `{1..9}`, `{a..e..2}`.
//! Pure.

use crate::syntax::tree::{Piece, Word};

/// How many words one word may become, and how many pieces these may have together.
const MAX_WORDS: usize = 1_000_000;
const MAX_PIECES: usize = 4_000_000;

/// A word as characters of its own text between whatever else it consists of.
#[derive(Clone)]
enum Part {
    Char(char),
    Piece(Piece),
}

/// Whether a word may have something to expand.
pub fn may_expand(word: &Word) -> bool {
    word.0.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('{')))
}

/// What a word becomes; none when that is too much.
pub fn expand(word: &Word) -> Option<Vec<Word>> {
    let mut parts = Vec::new();
    for piece in &word.0 {
        match piece {
            Piece::Text(text) => parts.extend(text.chars().map(Part::Char)),
            other => parts.push(Part::Piece(other.clone())),
        }
    }
    let words = alternatives(&parts, 0)?;
    Some(words.into_iter().map(join).collect())
}

fn join(parts: Vec<Part>) -> Word {
    let mut word = Word::default();
    for part in parts {
        match (part, word.0.last_mut()) {
            (Part::Char(character), Some(Piece::Text(text))) => text.push(character),
            (Part::Char(character), _) => word.0.push(Piece::Text(character.into())),
            (Part::Piece(piece), _) => word.0.push(piece),
        }
    }
    // A tilde that has come to the front.
    if let Some(Piece::Text(text)) = word.0.first_mut()
        && let Some(rest) = text.strip_prefix('~')
    {
        let end = rest.find('/').unwrap_or(rest.len());
        let (name, rest) = (rest[..end].to_owned(), rest[end..].to_owned());
        if name.chars().all(|character| character.is_ascii_alphanumeric() || "._-+".contains(character)) {
            *text = rest;
            word.0.insert(0, Piece::Tilde(name));
        }
    }
    word
}

fn is(part: &Part, expected: char) -> bool {
    matches!(part, Part::Char(character) if *character == expected)
}

/// Where the brace closes that opens at `open`, and the commas that part it.
fn extent(parts: &[Part], open: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0usize;
    let mut commas = Vec::new();
    for (at, part) in parts.iter().enumerate().skip(open + 1) {
        match part {
            Part::Char('{') => depth += 1,
            Part::Char('}') if depth == 0 => return Some((at, commas)),
            Part::Char('}') => depth -= 1,
            Part::Char(',') if depth == 0 => commas.push(at),
            _ => {}
        }
    }
    None
}

fn alternatives(parts: &[Part], depth: usize) -> Option<Vec<Vec<Part>>> {
    if depth > crate::syntax::MAX_NESTING {
        return None;
    }
    let mut at = 0;
    while at < parts.len() {
        if !is(&parts[at], '{') {
            at += 1;
            continue;
        }
        let Some((close, commas)) = extent(parts, at) else {
            at += 1;
            continue;
        };
        let inside = &parts[at + 1..close];
        let middle: Vec<Vec<Part>> = if commas.is_empty() {
            match sequence(inside)? {
                Some(items) => items,
                None => {
                    at += 1;
                    continue;
                }
            }
        } else {
            let mut items = Vec::new();
            let mut start = at + 1;
            for end in commas.iter().copied().chain([close]) {
                items.append(&mut alternatives(&parts[start..end], depth + 1)?);
                start = end + 1;
            }
            items
        };
        let after = alternatives(&parts[close + 1..], depth + 1)?;
        let total = middle.len().checked_mul(after.len())?;
        if total > MAX_WORDS || total.checked_mul(parts.len())? > MAX_PIECES.max(parts.len()) {
            return None;
        }
        let mut words = Vec::with_capacity(total);
        for item in &middle {
            for rest in &after {
                words.push([&parts[..at], item, rest].concat());
            }
        }
        return Some(words);
    }
    Some(vec![parts.to_vec()])
}

/// `1..9`, `a..e`, with a step behind. The outer none means that it is too long, the inner that it is no sequence.
#[expect(clippy::option_option, reason = "told apart by whoever asks")]
fn sequence(inside: &[Part]) -> Option<Option<Vec<Vec<Part>>>> {
    let characters = inside.iter().map(|part| match part {
        Part::Char(character) => Some(*character),
        Part::Piece(_) => None,
    });
    let Some(text) = characters.collect::<Option<String>>() else { return Some(None) };
    let bounds: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match bounds.as_slice() {
        [first, last] => (*first, *last, None),
        [first, last, step] => match step.parse::<i64>() {
            Ok(step) => (*first, *last, Some(step)),
            Err(_) => return Some(None),
        },
        _ => return Some(None),
    };
    let letter = |text: &str| {
        let mut characters = text.chars();
        let first = characters.next().filter(char::is_ascii_alphabetic)?;
        characters.next().is_none().then_some(i64::from(u32::from(first)))
    };
    let (from, to, numbers) = match (first.parse::<i64>(), last.parse::<i64>(), letter(first), letter(last)) {
        (Ok(from), Ok(to), _, _) => (from, to, true),
        (_, _, Some(from), Some(to)) => (from, to, false),
        _ => return Some(None),
    };
    let step = step.unwrap_or(1).unsigned_abs().max(1);
    if from.abs_diff(to) / step >= MAX_WORDS as u64 {
        return None;
    }
    let padded = |text: &str| {
        text.trim_start_matches(['-', '+']).starts_with('0') && text.trim_start_matches(['-', '+']).len() > 1
    };
    let width = if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 };
    let mut items = Vec::new();
    let mut value = from;
    loop {
        let item = if numbers {
            format!("{value:0width$}")
        } else {
            u32::try_from(value).ok().and_then(char::from_u32).map(String::from).unwrap_or_default()
        };
        // A letter among them may mean something to a shell; it means itself.
        items.push(if numbers {
            item.chars().map(Part::Char).collect()
        } else {
            vec![Part::Piece(Piece::Quoted(item))]
        });
        let next =
            if from <= to { value.checked_add_unsigned(step) } else { value.checked_sub_unsigned(step) };
        match next {
            Some(next) if (from <= to && next <= to) || (from > to && next >= to) => value = next,
            _ => return Some(Some(items)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> String {
        let words = expand(&Word(vec![Piece::Text(text.to_owned())])).unwrap();
        let texts = words.iter().map(|word| {
            let pieces = word.0.iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Quoted(text) => text.as_str(),
                _ => "?",
            });
            pieces.collect::<String>()
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn braces_become_words() {
        for (text, words) in [
            ("a{b,c}d", "abd acd"),
            ("{a,b}{1,2}", "a1 a2 b1 b2"),
            ("a{b,c{1,2}}", "ab ac1 ac2"),
            ("{1..4}", "1 2 3 4"),
            ("{3..1}", "3 2 1"),
            ("{01..10..3}", "01 04 07 10"),
            ("{a..e..2}", "a c e"),
            ("{a}", "{a}"),
            ("{a,b", "{a,b"),
            ("x{}y", "x{}y"),
            ("{{a,b}", "{a {b"),
            ("{,x}", " x"),
            ("{-2..1}", "-2 -1 0 1"),
            ("a{1..x}", "a{1..x}"),
        ] {
            assert_eq!(expanded(text), words, "{text}");
        }
        assert!(expand(&Word(vec![Piece::Text("{1..9999999999}".into())])).is_none());
        assert!(expand(&Word(vec![Piece::Text("{1,2}".repeat(40))])).is_none());
    }
}
