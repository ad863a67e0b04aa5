//! Scripts of substitutions, deletions or one print with simple expressions, which most are, over whole buffers. Whatever is
//! not as simple is left to what goes line by line; what is done here answers as that does.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};

use cordon_multicall::files::{output, reason};
use cordon_multicall::say;
use memchr::{memchr, memmem, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use super::TROUBLE;
use crate::own::expression::is_of_characters;

/// As much is read at once, and more of a line that is longer.
const BUFFER: usize = 256 * 1024;

/// What has no meaning in an expression but itself, besides letters and digits.
const PLAIN: &str = " _,:;=@%#!~\"'<>-&/";

/// What stands before the escaped character stands for that alone.
const ESCAPED: &str = ".*[]^$/";

#[derive(Debug, PartialEq)]
enum Action {
    /// The parts of what is put there, between which is what was found; whether everywhere in a line.
    Substitute(Vec<Vec<u8>>, bool),
    Delete,
    Print,
}

enum Finder {
    Text(memmem::Finder<'static>),
    Expression(Regex),
}

impl Finder {
    /// The first place from one on, never an empty one.
    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Finder::Text(finder) => {
                finder.find(&text[from..]).map(|at| (from + at, from + at + finder.needle().len()))
            }
            Finder::Expression(expression) => {
                expression.find_at(text, from).map(|found| (found.start(), found.end()))
            }
        }
    }
}

/// Commands, the next of which goes through what the one before has made.
pub struct Simple(Vec<Single>);

struct Single {
    finder: Finder,
    action: Action,
    /// Lines in which nothing is found are not shown.
    is_quiet: bool,
    /// How often a line is shown in which something is found.
    shown: usize,
}

/// An expression as one over many lines, if it is simple: characters, sets, dots, repetitions, both ends. With it whether
/// it is nothing but text, which it then is.
fn translated(text: &str) -> Option<(String, bool)> {
    let (mut out, mut is_text) = (String::new(), true);
    let mut letters = text.chars().peekable();
    let mut can_repeat = false;
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter.is_ascii_alphanumeric() || PLAIN.contains(letter) => out.push(letter),
            '\\' => {
                let escaped = letters.next().filter(|letter| ESCAPED.contains(*letter))?;
                out.push('\\');
                out.push(escaped);
            }
            '.' => {
                is_text = false;
                out.push_str("[^\n]");
            }
            '[' => {
                is_text = false;
                let is_negated = letters.next_if_eq(&'^').is_some();
                let set: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                let is_simple =
                    |letter: char| letter.is_ascii_alphanumeric() || " _,.:;=@%#!\"'<>".contains(letter);
                let bytes = set.as_bytes();
                for (at, letter) in set.chars().enumerate() {
                    // A hyphen between two of a kind.
                    let is_range = letter == '-'
                        && at > 0
                        && matches!(
                            (bytes[at - 1], bytes.get(at + 1)),
                            (b'a'..=b'z', Some(b'a'..=b'z'))
                                | (b'A'..=b'Z', Some(b'A'..=b'Z'))
                                | (b'0'..=b'9', Some(b'0'..=b'9'))
                        )
                        && bytes.get(at + 1) >= bytes.get(at - 1);
                    if !is_range && !is_simple(letter) {
                        return None;
                    }
                }
                // A class, and what was not closed.
                if set.is_empty() || set.starts_with(':') || !text.contains(&format!("{set}]")) {
                    return None;
                }
                out.push_str(if is_negated { "[^\n" } else { "[" });
                out.push_str(&set);
                out.push(']');
            }
            '*' if can_repeat => {
                is_text = false;
                out.push('*');
            }
            '^' if out.is_empty() => {
                is_text = false;
                out.push('^');
            }
            '$' if letters.peek().is_none() => {
                is_text = false;
                out.push('$');
            }
            _ => return None,
        }
        can_repeat = !matches!(letter, '*' | '^');
    }
    Some((out, is_text))
}

impl Simple {
    /// None for a script that is not of this kind.
    pub fn new(script: &str, is_quiet: bool) -> Option<Self> {
        let of_characters = is_of_characters();
        let commands = script.split([';', '\n']).filter(|command| !command.trim_matches(' ').is_empty());
        let commands: Vec<_> =
            commands.map(|command| Single::new(command, is_quiet, of_characters)).collect();
        let commands = commands.into_iter().collect::<Option<Vec<_>>>()?;
        // What is printed before the end of all would go through the rest.
        let is_one = commands.len() == 1;
        let can_follow = |command: &Single| !is_quiet && command.is_whole();
        (is_one || !commands.is_empty() && commands.iter().all(can_follow)).then_some(Simple(commands))
    }

    /// Goes through files; the exit status, or none if there is one that is not read so.
    pub fn run(&self, files: &[String]) -> Option<i32> {
        let stdin = ["-".to_owned()];
        let files = if files.is_empty() { &stdin } else { files };
        let mut inputs: Vec<Box<dyn Read>> = vec![];
        for name in files {
            if name == "-" {
                inputs.push(Box::new(io::stdin()));
                continue;
            }
            let file = File::open(name).ok()?;
            if file.metadata().ok()?.is_dir() {
                return None;
            }
            inputs.push(Box::new(file));
        }
        let is_at_once = io::IsTerminal::is_terminal(&io::stdout());
        let mut lines = Lines { out: output(), lacks_newline: false };
        for (name, mut input) in files.iter().zip(inputs) {
            let outcome = self.go_through(&mut input, &mut lines, is_at_once);
            if let Err((side, error)) = outcome {
                let _ = lines.out.flush();
                if error.kind() != io::ErrorKind::BrokenPipe {
                    say(&mut io::stderr(), &format!("sed: {side} error on {name}: {}", reason(&error)));
                }
                return Some(TROUBLE);
            }
        }
        Some(match lines.out.flush() {
            Ok(()) => 0,
            Err(_) => TROUBLE,
        })
    }

    fn go_through(
        &self,
        input: &mut dyn Read,
        lines: &mut Lines<impl Write>,
        is_at_once: bool,
    ) -> Result<(), (&'static str, io::Error)> {
        let mut buffer = vec![0; BUFFER];
        let mut length = 0;
        loop {
            if length == buffer.len() {
                buffer.resize(buffer.len() * 2, 0);
            }
            let read = match input.read(&mut buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| ("read", error))?,
            };
            // What was there before has no end of a line.
            let new = length..length + read;
            length += read;
            let end = if read == 0 {
                length
            } else {
                memrchr(b'\n', &buffer[new.clone()]).map_or(0, |at| new.start + at + 1)
            };
            self.edit(&buffer[..end], lines).map_err(|error| ("write", error))?;
            if read == 0 {
                return Ok(());
            }
            buffer.copy_within(end..length, 0);
            length -= end;
            if is_at_once {
                lines.out.flush().map_err(|error| ("write", error))?;
            }
        }
    }

    /// Goes through whole lines; only the last of all may lack its end.
    fn edit(&self, text: &[u8], lines: &mut Lines<impl Write>) -> io::Result<()> {
        let Some((last, before)) = self.0.split_last() else { return Ok(()) };
        let mut text = Cow::Borrowed(text);
        for command in before {
            let mut made = Lines { out: Vec::with_capacity(text.len()), lacks_newline: false };
            command.edit(&text, &mut made)?;
            text = Cow::Owned(made.out);
        }
        last.edit(&text, lines)
    }
}

impl Single {
    fn new(script: &str, is_quiet: bool, of_characters: bool) -> Option<Self> {
        let (text, action, is_quiet, shown) = parsed(script, is_quiet)?;
        let (pattern, is_text) = translated(text).filter(|(pattern, _)| !pattern.is_empty())?;
        let finder = if is_text {
            let text = pattern.replace('\\', "").into_bytes();
            Finder::Text(memmem::Finder::new(&text).into_owned())
        } else {
            let expression =
                RegexBuilder::new(&format!("(?m){pattern}")).unicode(of_characters).build().ok()?;
            // Where it finds nothing at all it would find that everywhere.
            if expression.is_match(b"") {
                return None;
            }
            Finder::Expression(expression)
        };
        Some(Single { finder, action, is_quiet, shown })
    }

    /// Whether a line is shown once, if at all.
    fn is_whole(&self) -> bool {
        match self.action {
            Action::Substitute(..) | Action::Print => self.shown == 1,
            Action::Delete => true,
        }
    }

    fn edit(&self, text: &[u8], lines: &mut Lines<impl Write>) -> io::Result<()> {
        let (mut done, mut from) = (0, 0);
        let mut changed = vec![];
        while let Some((start, end)) = self.finder.find(text, from) {
            let first = memrchr(b'\n', &text[done..start]).map_or(done, |at| done + at + 1);
            let next = memchr(b'\n', &text[end..]).map_or(text.len(), |at| end + at + 1);
            if !self.is_quiet {
                lines.write(&text[done..first])?;
            }
            let line = if let Action::Substitute(parts, is_everywhere) = &self.action {
                changed.clear();
                let (mut copied, mut found) = (first, Some((start, end)));
                while let Some((start, end)) = found {
                    changed.extend_from_slice(&text[copied..start]);
                    for (number, part) in parts.iter().enumerate() {
                        if number > 0 {
                            changed.extend_from_slice(&text[start..end]);
                        }
                        changed.extend_from_slice(part);
                    }
                    copied = end;
                    found = None;
                    if *is_everywhere {
                        found = self.finder.find(&text[..next], end);
                    }
                }
                changed.extend_from_slice(&text[copied..next]);
                &changed
            } else {
                &text[first..next]
            };
            for _ in 0..self.shown {
                lines.write(line)?;
            }
            (done, from) = (next, next);
        }
        if !self.is_quiet {
            lines.write(&text[done..])?;
        }
        Ok(())
    }
}

/// The expression, what is done, whether other lines are left out, and how often those that are meant are shown.
fn parsed(script: &str, is_quiet: bool) -> Option<(&str, Action, bool, usize)> {
    let script = script.trim_matches([' ', ';']);
    if let Some(rest) = script.strip_prefix('s') {
        let delimiter = rest.chars().next().filter(|delimiter| "/,#:@|!%".contains(*delimiter))?;
        // Where it stands escaped there are other rules, except for those of the slash.
        let mut parts = split(&rest[1..], delimiter)?.into_iter();
        let (text, with, flags) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || with.contains(['\\', '\n']) || delimiter != '/' && text.contains("\\/") {
            return None;
        }
        let (mut is_everywhere, mut is_printed) = (false, false);
        for flag in flags.chars() {
            let known = match flag {
                'g' => &mut is_everywhere,
                'p' => &mut is_printed,
                _ => return None,
            };
            if std::mem::replace(known, true) {
                return None;
            }
        }
        let with = with.split('&').map(|part| part.as_bytes().to_vec()).collect();
        let shown = usize::from(!is_quiet) + usize::from(is_printed);
        return Some((text, Action::Substitute(with, is_everywhere), is_quiet, shown));
    }
    let [text, command] = split(script.strip_prefix('/')?, '/')?[..] else { return None };
    Some(match (command.trim(), is_quiet) {
        ("d", _) => (text, Action::Delete, is_quiet, 0),
        ("p", _) => (text, Action::Print, is_quiet, if is_quiet { 1 } else { 2 }),
        // What is not meant by these is what is.
        ("!d", false) => (text, Action::Print, true, 1),
        ("!p", true) => (text, Action::Delete, false, 0),
        _ => return None,
    })
}

/// Parts of a text between delimiters that have no backslash before them.
fn split(text: &str, delimiter: char) -> Option<Vec<&str>> {
    let mut parts = vec![];
    let mut start = 0;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            // Of these only the slash is one that may be escaped.
            if letters.next()?.1 == delimiter && delimiter != '/' {
                return None;
            }
        } else if letter == '[' {
            // A delimiter in a set is none for some.
            let set = &text[at..];
            if set.find(']').is_some_and(|end| set[..end].contains(delimiter)) {
                return None;
            }
        } else if letter == delimiter {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    Some(parts)
}

/// The output, to which nothing is added behind a line without end but its end.
struct Lines<W> {
    out: W,
    lacks_newline: bool,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(last) = text.last() else { return Ok(()) };
        if std::mem::replace(&mut self.lacks_newline, *last != b'\n') {
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(script: &str, is_quiet: bool, texts: &[&str]) -> Option<String> {
        let simple = Simple::new(script, is_quiet)?;
        let mut lines = Lines { out: vec![], lacks_newline: false };
        for text in texts {
            simple.go_through(&mut text.as_bytes(), &mut lines, false).unwrap();
        }
        Some(String::from_utf8(lines.out).unwrap())
    }

    #[test]
    fn one_command_is_done_to_all_lines() {
        for (script, is_quiet, wanted) in [
            ("s/a/X/", false, "X-a\nb\nXa"),
            ("s/a/X/g", false, "X-X\nb\nXX"),
            ("s/a/[&&]/;", false, "[aa]-a\nb\n[aa]a"),
            ("s,a$,X,p", false, "a-X\na-X\nb\naX\naX"),
            ("s/^a/X/p", true, "X-a\nXa"),
            ("s/a.a/X/", false, "X\nb\naa"),
            ("s/[^a]/X/g", false, "aXa\nX\naa"),
            ("s/aa*/X/g", false, "X-X\nb\nX"),
            ("/b/d", false, "a-a\naa"),
            ("/[b-c]/!d", false, "b\n"),
            ("/-/p", false, "a-a\na-a\nb\naa"),
            ("/-/p", true, "a-a\n"),
            ("/-/!p", true, "b\naa"),
            ("s/a-a//", false, "\nb\naa"),
            ("s/a/X/;s/X/Y/g;s/a/X/", false, "Y-X\nb\nYX"),
            ("/b/d\ns/a$/./", false, "a-.\na."),
            ("s/-/b/; /b/!d", false, "aba\nb\n"),
            ("/aa/d;s/aa/x/", false, "a-a\nb\n"),
        ] {
            assert_eq!(edited(script, is_quiet, &["a-a\nb\naa"]).as_deref(), Some(wanted), "{script}");
        }
        assert_eq!(edited("s/x/y/", false, &["x", "", "x\n", "x"]).unwrap(), "y\ny\ny");
        assert_eq!(edited("s/\\/\\./-/", false, &["a/.b\n"]).unwrap(), "a-b\n");
        let long = "x".repeat(3 * BUFFER);
        assert_eq!(
            edited("s/x\\./y/", false, &[&format!("{long}.\nx.")]).unwrap(),
            format!("{}y\ny", &long[1..])
        );
    }

    #[test]
    fn what_is_not_simple_is_left() {
        for script in [
            "s/a/b/2",
            "s/a/b/I",
            "s/a/b/gw f",
            "s/a/\\n/",
            "s/\\(a\\)/b/",
            "s/a\\+/b/",
            "s/a+/b/",
            "s/a|b/c/",
            "s/[[:digit:]]/x/",
            "s/[]a]/x/",
            "s/[a/]/x/",
            "s/[z-a]/x/",
            "s/[a-]/x/",
            "s/*a/b/",
            "s/a**/b/",
            "s/a^b/c/",
            "s/a$b/c/",
            "s//b/",
            "1d",
            "/a/,/b/d",
            "/a/q",
            "$d",
            "s|a\\|b|c|",
            "s|a\\/b|c|",
            "y/a/b/",
            "/a/s/b/c/",
            "s/a/b/ # remark",
            "s/[a/b/",
            "s/\\n/x/",
            "s/\u{e9}/x/",
            "s/a/b",
            "/a/!d;p",
            "/a/{p}",
            "s/a/b/gg",
            "s/a/b\nc/",
            "s/a/b/p;s/c/d/",
            "s/a;b/c/",
            "/a/p;/b/d",
            ";",
        ] {
            assert_eq!(edited(script, false, &[""]), None, "{script}");
        }
    }
}
