//! What differs between two files line by line, found by the crate `imara-diff`, and how it is written: as normal, unified
//! and context output, and by the formats that callers give for lines and for groups of them.

use std::io::{self, Write};

use imara_diff::{Algorithm, Diff, InternedInput, TokenSource};
use onig::{Regex, RegexOptions, Syntax};

/// Lines `old.0..old.1` became `new.0..new.1`.
#[derive(Clone, Copy)]
struct Change {
    old: (usize, usize),
    new: (usize, usize),
    /// All of its lines are blank, which makes no difference if that is asked for.
    is_ignored: bool,
}

/// Two files by lines; each line has its newline, if there is one.
pub struct Compared<'a> {
    old: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
    changes: Vec<Change>,
}

/// Lines by what of them makes a difference.
struct Keys(Vec<Vec<u8>>);

impl TokenSource for Keys {
    type Token = Vec<u8>;
    type Tokenizer = std::vec::IntoIter<Vec<u8>>;

    fn tokenize(&self) -> Self::Tokenizer {
        self.0.clone().into_iter()
    }

    fn estimate_tokens(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl<'a> Compared<'a> {
    /// `key` gives what of a line makes a difference; `blanks` tells that changes of blank lines make none.
    pub fn new(old: &'a [u8], new: &'a [u8], key: impl Fn(&[u8]) -> Vec<u8>, blanks: bool) -> Self {
        let lines =
            |text: &'a [u8]| -> Vec<&'a [u8]> { text.split_inclusive(|byte| *byte == b'\n').collect() };
        let (old, new) = (lines(old), lines(new));
        let keys = |lines: &[&[u8]]| Keys(lines.iter().map(|line| key(line)).collect());
        let input = InternedInput::new(keys(&old), keys(&new));
        let mut diff = Diff::compute(Algorithm::Myers, &input);
        diff.postprocess_no_heuristic(&input);
        let is_blank = |line: &&[u8]| key(line).iter().all(|byte| *byte == b'\n');
        let changes = diff
            .hunks()
            .map(|hunk| {
                let old_range = (hunk.before.start as usize, hunk.before.end as usize);
                let new_range = (hunk.after.start as usize, hunk.after.end as usize);
                let is_ignored = blanks
                    && old[old_range.0..old_range.1].iter().all(is_blank)
                    && new[new_range.0..new_range.1].iter().all(is_blank);
                Change { old: old_range, new: new_range, is_ignored }
            })
            .collect();
        Self { old, new, changes }
    }

    /// Whether nothing differs that makes a difference.
    pub fn is_same(&self) -> bool {
        self.changes.iter().all(|change| change.is_ignored)
    }

    pub fn normal(&self, out: &mut impl Write) -> io::Result<()> {
        for change in self.changes.iter().filter(|change| !change.is_ignored) {
            let (old, new) = (change.old, change.new);
            let range = |(start, end): (usize, usize)| match end - start {
                0 => start.to_string(),
                1 => end.to_string(),
                _ => format!("{},{end}", start + 1),
            };
            let letter = match (old.0 == old.1, new.0 == new.1) {
                (true, _) => 'a',
                (_, true) => 'd',
                _ => 'c',
            };
            writeln!(out, "{}{letter}{}", range(old), range(new))?;
            put_all(out, "< ", &self.old[old.0..old.1])?;
            if letter == 'c' {
                writeln!(out, "---")?;
            }
            put_all(out, "> ", &self.new[new.0..new.1])?;
        }
        Ok(())
    }

    /// A script for `ed`, which changes the last lines first. A line of a dot alone would end what is put in: it is put
    /// in with another dot, which is taken away.
    pub fn script(&self, out: &mut impl Write) -> io::Result<()> {
        for change in self.changes.iter().rev().filter(|change| !change.is_ignored) {
            let ((start, end), lines) = (change.old, &self.new[change.new.0..change.new.1]);
            let range = if end - start > 1 { format!("{},{end}", start + 1) } else { end.to_string() };
            let letter = match (start == end, lines.is_empty()) {
                (true, _) => 'a',
                (_, true) => 'd',
                _ => 'c',
            };
            writeln!(out, "{range}{letter}")?;
            let mut is_open = letter != 'd';
            for line in lines {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                if !is_open {
                    writeln!(out, "a")?;
                    is_open = true;
                }
                out.write_all(if line == b"." { b".." } else { line })?;
                writeln!(out)?;
                if line == b"." {
                    writeln!(out, ".\ns/.//")?;
                    is_open = false;
                }
            }
            if is_open && letter != 'd' {
                writeln!(out, ".")?;
            }
        }
        Ok(())
    }

    /// Changes so near to each other that the lines between belong to both.
    fn groups(&self, context: usize) -> Vec<&[Change]> {
        let near = |one: &Change, next: &Change| next.old.0 - one.old.1 <= context.saturating_mul(2);
        let groups = self.changes.chunk_by(near);
        groups.filter(|group| group.iter().any(|change| !change.is_ignored)).collect()
    }

    /// What a group takes with the lines around it, on both sides.
    fn around(&self, group: &[Change], context: usize) -> ((usize, usize), (usize, usize)) {
        let (first, last) = (group[0], group[group.len() - 1]);
        let before = context.min(first.old.0);
        let after = context.min(self.old.len() - last.old.1);
        ((first.old.0 - before, last.old.1 + after), (first.new.0 - before, last.new.1 + after))
    }

    /// The last line in front of a place that fits, as it is shown behind the places of a hunk.
    fn function(&self, before: usize, shown: Option<&Regex>) -> Option<Vec<u8>> {
        let shown = shown?;
        let fits = |line: &&&[u8]| {
            std::str::from_utf8(line).is_ok_and(|line| shown.find(line.trim_end_matches('\n')).is_some())
        };
        let line = self.old[..before].iter().rev().find(fits)?;
        let line = line.trim_ascii_start();
        Some([b" ", line[..line.len().min(FUNCTION_BYTES)].trim_ascii_end()].concat())
    }

    pub fn unified(&self, out: &mut impl Write, context: usize, shown: Option<&Regex>) -> io::Result<()> {
        for group in self.groups(context) {
            let (old, new) = self.around(group, context);
            let range = |(start, end): (usize, usize)| match end - start {
                0 => format!("{start},0"),
                1 => end.to_string(),
                count => format!("{},{count}", start + 1),
            };
            write!(out, "@@ -{} +{} @@", range(old), range(new))?;
            out.write_all(&self.function(old.0, shown).unwrap_or_default())?;
            writeln!(out)?;
            let mut at = old.0;
            for change in group {
                put_all(out, " ", &self.old[at..change.old.0])?;
                put_all(out, "-", &self.old[change.old.0..change.old.1])?;
                put_all(out, "+", &self.new[change.new.0..change.new.1])?;
                at = change.old.1;
            }
            put_all(out, " ", &self.old[at..old.1])?;
        }
        Ok(())
    }

    pub fn context(&self, out: &mut impl Write, context: usize, shown: Option<&Regex>) -> io::Result<()> {
        for group in self.groups(context) {
            let (old, new) = self.around(group, context);
            let range = |(start, end): (usize, usize)| match end - start {
                0 | 1 => end.to_string(),
                _ => format!("{},{end}", start + 1),
            };
            write!(out, "***************")?;
            out.write_all(&self.function(old.0, shown).unwrap_or_default())?;
            writeln!(out, "\n*** {} ****", range(old))?;
            put_side(out, &self.old, old, group, "- ", |change| (change.old, change.new))?;
            writeln!(out, "--- {} ----", range(new))?;
            put_side(out, &self.new, new, group, "+ ", |change| (change.new, change.old))?;
        }
        Ok(())
    }

    /// Everything, by formats of the caller.
    pub fn formatted(&self, out: &mut impl Write, formats: &Formats) -> io::Result<()> {
        let end = Change {
            old: (self.old.len(), self.old.len()),
            new: (self.new.len(), self.new.len()),
            is_ignored: true,
        };
        let (mut old, mut new) = (0, 0);
        for change in self.changes.iter().chain([&end]) {
            if old < change.old.0 {
                self.group(out, formats, (old, change.old.0), (new, change.new.0), true)?;
            }
            if change.old.0 < change.old.1 || change.new.0 < change.new.1 {
                self.group(out, formats, change.old, change.new, false)?;
            }
            (old, new) = (change.old.1, change.new.1);
        }
        Ok(())
    }

    fn group(
        &self,
        out: &mut impl Write,
        formats: &Formats,
        old: (usize, usize),
        new: (usize, usize),
        is_same: bool,
    ) -> io::Result<()> {
        let old_group = formats.old_group.as_deref();
        let new_group = formats.new_group.as_deref();
        // What is changed is what is gone, and what has come.
        let both = format!("{}{}", old_group.unwrap_or("%<"), new_group.unwrap_or("%>"));
        let changed = formats.changed_group.as_deref();
        let format = match (is_same, old.0 == old.1, new.0 == new.1) {
            (true, ..) => formats.unchanged_group.as_deref().unwrap_or("%="),
            (_, true, _) => new_group.or(changed).unwrap_or("%>"),
            (_, _, true) => old_group.or(changed).unwrap_or("%<"),
            _ => changed.unwrap_or(&both),
        };
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                write!(out, "{letter}")?;
                continue;
            }
            let (lines, from, format) = match letters.next() {
                Some('<') => (old, &self.old, &formats.old_line),
                Some('=') => (old, &self.old, &formats.unchanged_line),
                Some('>') => (new, &self.new, &formats.new_line),
                Some('%') => {
                    write!(out, "%")?;
                    continue;
                }
                other => {
                    write!(out, "%{}", other.map(String::from).unwrap_or_default())?;
                    continue;
                }
            };
            let (first, behind) = lines;
            for (at, line) in from.iter().enumerate().take(behind).skip(first) {
                put_formatted(out, format.as_deref().unwrap_or("%l\n"), line, at + 1, format.is_none())?;
            }
        }
        Ok(())
    }
}

/// How much of a function's line is shown.
const FUNCTION_BYTES: usize = 40;

/// An expression whose lines are shown with hunks.
///
/// # Errors
/// What is wrong with it.
pub fn function_expression(text: &str) -> Result<Regex, String> {
    let compiled = Regex::with_options(text, RegexOptions::REGEX_OPTION_NONE, Syntax::grep());
    compiled.map_err(|error| format!("{text}: {}", error.description()))
}

/// Formats of lines and of groups of lines; what is not given is as usual.
#[derive(Default)]
pub struct Formats {
    pub old_line: Option<String>,
    pub new_line: Option<String>,
    pub unchanged_line: Option<String>,
    pub old_group: Option<String>,
    pub new_group: Option<String>,
    pub unchanged_group: Option<String>,
    pub changed_group: Option<String>,
}

impl Formats {
    /// Whether the option is one of these.
    pub fn set(&mut self, option: &str) -> bool {
        let Some((name, value)) = option.strip_prefix("--").and_then(|option| option.split_once('=')) else {
            return false;
        };
        let value = Some(value.to_owned());
        match name {
            "old-line-format" => self.old_line = value,
            "new-line-format" => self.new_line = value,
            "unchanged-line-format" => self.unchanged_line = value,
            "line-format" => {
                (self.old_line, self.new_line) = (value.clone(), value.clone());
                self.unchanged_line = value;
            }
            "old-group-format" => self.old_group = value,
            "new-group-format" => self.new_group = value,
            "unchanged-group-format" => self.unchanged_group = value,
            "changed-group-format" => self.changed_group = value,
            _ => return false,
        }
        true
    }

    pub fn is_any(&self) -> bool {
        let lines = [&self.old_line, &self.new_line, &self.unchanged_line];
        let groups = [&self.old_group, &self.new_group, &self.unchanged_group, &self.changed_group];
        lines.iter().chain(&groups).any(|format| format.is_some())
    }
}

/// A line by a format; `is_whole` leaves the line as it is, with its newline or without.
fn put_formatted(
    out: &mut impl Write,
    format: &str,
    line: &[u8],
    number: usize,
    is_whole: bool,
) -> io::Result<()> {
    if is_whole {
        return out.write_all(line);
    }
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.write_all(&rest.as_bytes()[..at])?;
        rest = &rest[at + 1..];
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '-').unwrap_or(rest.len());
        let (width, letters) = rest.split_at(end);
        let mut following = letters.chars();
        match (following.next(), following.next()) {
            (Some('l'), _) if width.is_empty() => {
                out.write_all(line.strip_suffix(b"\n").unwrap_or(line))?;
                rest = &letters[1..];
            }
            (Some('L'), _) if width.is_empty() => {
                out.write_all(line)?;
                rest = &letters[1..];
            }
            (Some('%'), _) if width.is_empty() => {
                write!(out, "%")?;
                rest = &letters[1..];
            }
            (Some(kind @ ('d' | 'o' | 'x' | 'X')), Some('n')) => {
                let text = match kind {
                    'd' => number.to_string(),
                    'o' => format!("{number:o}"),
                    'x' => format!("{number:x}"),
                    _ => format!("{number:X}"),
                };
                let count = width.trim_start_matches('-').parse::<usize>().unwrap_or(0).min(WIDTH_MAX);
                match width.as_bytes().first() {
                    Some(b'-') => write!(out, "{text:<count$}")?,
                    Some(b'0') => write!(out, "{text:0>count$}")?,
                    _ => write!(out, "{text:>count$}")?,
                }
                rest = &letters[2..];
            }
            (Some('c'), Some('\'')) if letters[2..].contains('\'') => {
                let close = 2 + letters[2..].find('\'').unwrap_or_default();
                let inside = &letters[2..close];
                let code = inside.strip_prefix('\\').and_then(|digits| u8::from_str_radix(digits, 8).ok());
                match code {
                    Some(code) => out.write_all(&[code])?,
                    None => write!(out, "{inside}")?,
                }
                rest = &letters[close + 1..];
            }
            _ => write!(out, "%")?,
        }
    }
    out.write_all(rest.as_bytes())
}

/// How wide a number is padded at most.
const WIDTH_MAX: usize = 4096;

/// Lines behind a mark; the last line of a file may have no end, which is told.
/// One file's lines of a group, if any of them has changed. `sides` tells of a change the lines here and those of the other
/// file; `mark` is for what has none there.
fn put_side(
    out: &mut impl Write,
    lines: &[&[u8]],
    (start, end): (usize, usize),
    group: &[Change],
    mark: &str,
    sides: impl Fn(&Change) -> ((usize, usize), (usize, usize)),
) -> io::Result<()> {
    if group.iter().map(&sides).all(|(here, _)| here.0 >= here.1) {
        return Ok(());
    }
    let mut at = start;
    for (here, there) in group.iter().map(&sides) {
        put_all(out, "  ", &lines[at..here.0])?;
        put_all(out, if there.0 < there.1 { "! " } else { mark }, &lines[here.0..here.1])?;
        at = here.1;
    }
    put_all(out, "  ", &lines[at..end])
}

fn put_all(out: &mut impl Write, mark: &str, lines: &[&[u8]]) -> io::Result<()> {
    for line in lines {
        out.write_all(mark.as_bytes())?;
        out.write_all(line)?;
        if line.last() != Some(&b'\n') {
            writeln!(out, "\n\\ No newline at end of file")?;
        }
    }
    Ok(())
}
