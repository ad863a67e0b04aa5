//! `read`.

use std::time::{Duration, Instant};

use super::misuse;
use crate::{
    bytes,
    expand::fields::Fields,
    state::{Outcome, Shell},
    syntax::{dialect::Dialect, extent::is_name},
    system::{self, Errno, Handle, Whence},
};

/// How much is read at once where what was too much can be given back.
const BLOCK: u32 = 512;
/// The longest line that is taken.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// What the options say.
struct Request<'a> {
    raw: bool,
    prompt: Option<&'a str>,
    /// bash's: all words into one array.
    array: Option<&'a str>,
    delimiter: u8,
    /// So many characters at most.
    most: Option<usize>,
    /// The delimiter is a character like others, and nothing is split.
    exact: bool,
    descriptor: u32,
    timeout: Option<Duration>,
    names: Vec<&'a str>,
}

impl<'a> Request<'a> {
    fn parse(words: &'a [String], bash: bool) -> Result<Self, String> {
        let mut request = Request {
            raw: false,
            prompt: None,
            array: None,
            delimiter: b'\n',
            most: None,
            exact: false,
            descriptor: 0,
            timeout: None,
            names: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                request.names.push(word);
                break;
            };
            if letters == "-" {
                break;
            }
            for (index, letter) in letters.char_indices() {
                match letter {
                    'r' => request.raw = true,
                    's' | 'e' if bash => {}
                    'p' | 'a' | 'd' | 'n' | 'N' | 't' | 'u' | 'i' if bash || letter == 'p' => {
                        let rest = &letters[index + 1..];
                        let value =
                            if rest.is_empty() { words.next().map(String::as_str) } else { Some(rest) };
                        let value = value.ok_or_else(|| format!("No arg for -{letter} option"))?;
                        request.option(letter, value)?;
                        break;
                    }
                    _ => return Err(format!("Illegal option -{letter}")),
                }
            }
        }
        request.names.extend(words.map(String::as_str));
        Ok(request)
    }

    fn option(&mut self, letter: char, value: &'a str) -> Result<(), String> {
        let invalid = |what: &str| format!("{value}: invalid {what}");
        match letter {
            'p' => self.prompt = Some(value),
            'a' => self.array = Some(value),
            'd' => self.delimiter = bytes::encode(value).first().copied().unwrap_or(0),
            'n' | 'N' => {
                self.most = Some(value.parse().map_err(|_| invalid("number"))?);
                self.exact = letter == 'N';
            }
            't' => {
                let seconds: f64 = value.parse().map_err(|_| invalid("timeout specification"))?;
                let timeout = Duration::try_from_secs_f64(seconds);
                self.timeout = Some(timeout.map_err(|_| invalid("timeout specification"))?);
            }
            'u' => self.descriptor = value.parse().map_err(|_| invalid("file descriptor specification"))?,
            _ => {}
        }
        Ok(())
    }
}

/// The status of a `read` that has waited long enough.
const TIMED_OUT: i32 = 142;

pub fn run(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let bash = shell.dialect == Dialect::Bash;
    let request = match Request::parse(&arguments[1..], true) {
        Ok(request) => request,
        Err(message) => return Ok(misuse(shell, "read", &message)),
    };
    for name in request.names.iter().chain(&request.array) {
        let valid = if bash { shell.named_place(name)?.is_some() } else { is_name(name) };
        if !valid && bash {
            shell.report(&format!("read: `{name}': not a valid identifier"));
            return Ok(1);
        }
        if !valid {
            return Ok(misuse(shell, "read", &format!("{name}: bad variable name")));
        }
    }
    let handle = match shell.descriptors.get(request.descriptor) {
        Ok(handle) => handle,
        Err(errno) => return Ok(failed(shell, errno)),
    };
    if let Some(prompt) = request.prompt
        && handle.is_terminal()
        && let Ok(error) = shell.descriptors.get(2)
    {
        // Reading goes on without a prompt too.
        let _ = error.write_text(prompt);
    }
    let deadline = request.timeout.map(|timeout| Instant::now() + timeout);
    if request.timeout == Some(Duration::ZERO) {
        let ready = handle.wait_readable(Duration::ZERO).unwrap_or(true);
        return Ok(i32::from(!ready));
    }
    let interrupted = || shell.caught_signal().is_some();
    let read = match (deadline, request.most, request.delimiter) {
        (None, None, b'\n') => {
            logical_line(&handle, request.raw, &interrupted).map(|(line, complete)| Some((line, complete)))
        }
        _ => characters(&handle, &request, deadline, &interrupted),
    };
    let (line, status) = match read {
        Ok(Some((line, complete))) => (line, i32::from(!complete)),
        Ok(None) => (Vec::new(), TIMED_OUT),
        Err(errno) => return Ok(failed(shell, errno)),
    };
    let separators = shell.variable("IFS").unwrap_or(" \t\n").to_owned();
    let text = |line: &[Marked]| line.iter().map(|(character, _)| character).collect::<String>();
    if let Some(array) = request.array {
        let words = words(&line, &separators);
        let elements = words.into_iter().map(|word| (None, false, word)).collect();
        shell.assign_array(array, elements, false)?;
        return Ok(status);
    }
    if request.names.is_empty() && bash {
        // What goes to REPLY keeps its blanks.
        shell.assign("REPLY", text(&line))?;
        return Ok(status);
    }
    let names = if request.names.is_empty() { vec!["REPLY"] } else { request.names };
    let values = if request.exact { vec![text(&line)] } else { split(&line, &separators, names.len()) };
    for (index, name) in names.iter().enumerate() {
        let value = values.get(index).cloned().unwrap_or_default();
        match shell.named_place(name)? {
            Some((name, place)) => shell.assign_place(&name, &place, value, false)?,
            None => shell.assign(name, value)?,
        }
    }
    Ok(status)
}

/// All words of a line, for an array.
fn words(line: &[Marked], separators: &str) -> Vec<String> {
    // As many as there can be, the last of which gets nothing.
    let mut words = split(line, separators, line.len() + 1);
    while words.last().is_some_and(String::is_empty) && words.len() > count(line, separators) {
        words.pop();
    }
    words
}

/// How many words a line has: separators other than blanks end one each.
fn count(line: &[Marked], separators: &str) -> usize {
    let mut fields = Fields::new(Some(separators));
    for (character, protected) in line {
        let text = character.encode_utf8(&mut [0; 4]).to_owned();
        if *protected { fields.quoted(&text) } else { fields.expansion(&text) }
    }
    fields.finish().len()
}

/// Reads character by character, up to a delimiter, a number of them, or a time; none when the time is over.
fn characters(
    handle: &Handle,
    request: &Request<'_>,
    deadline: Option<Instant>,
    interrupted: &dyn Fn() -> bool,
) -> Result<Option<(Vec<Marked>, bool)>, Errno> {
    let mut marked: Vec<Marked> = Vec::new();
    let mut pending: Vec<u8> = Vec::new();
    let mut protects = false;
    let most = request.most.unwrap_or(usize::MAX);
    let is_seekable = handle.seek(0, Whence::Current).is_ok();
    while marked.len() < most {
        if let Some(deadline) = deadline
            && !is_seekable
            && !handle.wait_readable(deadline.saturating_duration_since(Instant::now()))?
        {
            return Ok(None);
        }
        let byte = match handle.read(1) {
            Err(Errno::Eintr) if interrupted() => return Ok(Some((marked, false))),
            Err(Errno::Eintr) => continue,
            part => match part?.first() {
                Some(byte) => *byte,
                None => return Ok(Some((marked, false))),
            },
        };
        pending.push(byte);
        let wanted = match pending[0] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        if pending.len() < wanted {
            continue;
        }
        let text = bytes::decode(std::mem::take(&mut pending));
        for character in text.chars() {
            let ends = !request.exact && !protects && character == char::from(request.delimiter);
            if ends {
                return Ok(Some((marked, true)));
            }
            if protects {
                protects = false;
                // A newline that is protected goes on on the next line.
                if character != '\n' {
                    marked.push((character, true));
                }
            } else if character == '\\' && !request.raw {
                protects = true;
            } else if character != '\0' {
                marked.push((character, false));
            }
        }
        if marked.len() > MAX_LINE {
            return Err(Errno::Enomem);
        }
    }
    Ok(Some((marked, true)))
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
        let text = bytes::decode(bytes);
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
    read_until(handle, b'\n', interrupted)
}

/// The same up to another byte.
pub fn read_until(
    handle: &Handle,
    delimiter: u8,
    interrupted: &dyn Fn() -> bool,
) -> Result<(Vec<u8>, bool), Errno> {
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
        match part.iter().position(|byte| *byte == delimiter) {
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
