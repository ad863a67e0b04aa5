//! `read`.

use super::misuse;
use crate::{
    state::{Outcome, Shell},
    syntax::extent::is_name,
    system::{self, Errno, Handle, Whence},
};

/// How much is read at once where what was too much can be given back.
const BLOCK: u32 = 512;
/// The longest line that is taken.
const MAX_LINE: usize = 16 * 1024 * 1024;

pub fn run(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut raw = false;
    let mut prompt = None;
    let mut words = arguments[1..].iter();
    let mut names: Vec<&str> = Vec::new();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            names.push(word);
            break;
        };
        if letters == "-" {
            break;
        }
        for (index, letter) in letters.char_indices() {
            match letter {
                'r' => raw = true,
                'p' => {
                    let rest = &letters[index + 1..];
                    prompt = if rest.is_empty() { words.next().map(String::as_str) } else { Some(rest) };
                    if prompt.is_none() {
                        return Ok(misuse(shell, "read", "No arg for -p option"));
                    }
                    break;
                }
                _ => return Ok(misuse(shell, "read", &format!("Illegal option -{letter}"))),
            }
        }
    }
    names.extend(words.map(String::as_str));
    if names.is_empty() {
        names.push("REPLY");
    }
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Ok(misuse(shell, "read", &format!("{name}: bad variable name")));
    }
    let handle = match shell.descriptors.get(0) {
        Ok(handle) => handle,
        Err(errno) => return Ok(failed(shell, errno)),
    };
    if let Some(prompt) = prompt
        && handle.is_terminal()
        && let Ok(error) = shell.descriptors.get(2)
    {
        // Reading goes on without a prompt too.
        let _ = error.write(prompt.as_bytes());
    }
    let (line, complete) = match logical_line(&handle, raw, &|| shell.caught_signal().is_some()) {
        Ok(read) => read,
        Err(errno) => return Ok(failed(shell, errno)),
    };
    let separators = shell.variable("IFS").unwrap_or(" \t\n").to_owned();
    let values = split(&line, &separators, names.len());
    for (index, name) in names.iter().enumerate() {
        shell.assign(name, values.get(index).cloned().unwrap_or_default())?;
    }
    Ok(i32::from(!complete))
}

fn failed(shell: &Shell, errno: Errno) -> i32 {
    shell.report(&format!("read: {}", system::describe(errno)));
    1
}

/// A character of the line, and whether a backslash protected it.
type Marked = (char, bool);

/// A line with its continuations, and whether a newline ended it.
fn logical_line(
    handle: &Handle,
    raw: bool,
    interrupted: &dyn Fn() -> bool,
) -> Result<(Vec<Marked>, bool), Errno> {
    let mut marked = Vec::new();
    loop {
        let (bytes, complete) = read_line(handle, interrupted)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut characters = text.chars().filter(|character| *character != '\0');
        let mut continues = false;
        while let Some(character) = characters.next() {
            if raw || character != '\\' {
                marked.push((character, false));
                continue;
            }
            match characters.next() {
                Some(character) => marked.push((character, true)),
                None => continues = true,
            }
        }
        if !continues || !complete {
            return Ok((marked, complete));
        }
    }
}

/// The bytes up to the next newline, which is taken but not returned, and whether there was one. Takes nothing beyond:
/// what follows may be meant for another program. What was read so far when `interrupted` says so after a signal was
/// caught.
pub fn read_line(handle: &Handle, interrupted: &dyn Fn() -> bool) -> Result<(Vec<u8>, bool), Errno> {
    let mut line = Vec::new();
    let seekable = handle.seek(0, Whence::Current).is_ok();
    loop {
        let part = match handle.read(if seekable { BLOCK } else { 1 }) {
            Err(Errno::Eintr) if interrupted() => return Ok((line, false)),
            Err(Errno::Eintr) => continue,
            part => part?,
        };
        if part.is_empty() {
            return Ok((line, false));
        }
        match part.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                line.extend_from_slice(&part[..end]);
                let beyond = part.len() - end - 1;
                if beyond > 0 {
                    handle.seek(-(beyond as i64), Whence::Current)?;
                }
                return Ok((line, true));
            }
            None => line.extend_from_slice(&part),
        }
        if line.len() > MAX_LINE {
            return Err(Errno::Enomem);
        }
    }
}

/// Cuts a line for `count` variables; the last gets all that is left.
fn split(line: &[Marked], separators: &str, count: usize) -> Vec<String> {
    let is_blank = |(character, protected): &Marked| {
        !protected && matches!(character, ' ' | '\t' | '\n') && separators.contains(*character)
    };
    let separates = |(character, protected): &Marked| !protected && separators.contains(*character);
    let skip_blanks = |mut rest: &'_ [Marked]| {
        while let Some((first, after)) = rest.split_first()
            && is_blank(first)
        {
            rest = after;
        }
        rest.len()
    };
    let mut values = Vec::new();
    let mut rest = &line[line.len() - skip_blanks(line)..];
    while values.len() + 1 < count && !rest.is_empty() {
        let end = rest.iter().position(separates).unwrap_or(rest.len());
        values.push(rest[..end].iter().map(|(character, _)| character).collect());
        rest = &rest[end..];
        // A separator is blanks, with at most one other character of IFS among them.
        rest = &rest[rest.len() - skip_blanks(rest)..];
        if let Some((first, after)) = rest.split_first()
            && separates(first)
        {
            rest = after;
            rest = &rest[rest.len() - skip_blanks(rest)..];
        }
    }
    // One more separator that ends the line ends the last field and is not part of it.
    let end = rest.iter().position(separates).unwrap_or(rest.len());
    let mut after = &rest[end..];
    after = &after[after.len() - skip_blanks(after)..];
    if let Some((first, others)) = after.split_first()
        && separates(first)
    {
        after = &others[others.len() - skip_blanks(others)..];
    }
    let mut last = if after.is_empty() { &rest[..end] } else { rest };
    while let Some((end, before)) = last.split_last()
        && is_blank(end)
    {
        last = before;
    }
    values.push(last.iter().map(|(character, _)| character).collect());
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(line: &str, separators: &str, count: usize) -> Vec<String> {
        let marked: Vec<Marked> = line.chars().map(|character| (character, false)).collect();
        split(&marked, separators, count)
    }

    #[test]
    fn lines_are_cut_for_their_variables() {
        assert_eq!(cut("  a b  c d  ", " \t\n", 3), ["a", "b", "c d"]);
        assert_eq!(cut("a", " ", 2), ["a", ""]);
        assert_eq!(cut("a:b:c:", ":", 2), ["a", "b:c:"]);
        assert_eq!(cut("a:b:", ":", 2), ["a", "b"]);
        assert_eq!(cut("a : b : ", ": ", 2), ["a", "b"]);
        assert_eq!(cut("a:b c: ", ": ", 2), ["a", "b c:"]);
        assert_eq!(cut("::", ":", 1), ["::"]);
        assert_eq!(cut("a : b", ": ", 2), ["a", "b"]);
        assert_eq!(cut(" a ", "", 1), [" a "]);
    }
}
