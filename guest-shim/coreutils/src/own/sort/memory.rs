//! `sort` in memory, for whole lines and keys of text and numbers.
//!
//! Lines are sorted by 64 bits of what is compared first; those that agree in them by the next 64, and so on, so that hardly
//! any comparison looks at a line. What does not fit into memory, is asked for in other ways, or is wrong, is uutils'.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

use cordon_multicall::say;
use cordon_multicall::stream::{self, CHUNK, Output};

use super::keys::{self, Key, Manner, Separator};
use super::{Scratch, reason, sort};

/// What is read at most before uutils sorts it by way of files.
const INPUT_MAX: usize = 256 << 20;
/// Bytes behind the last line that may be looked at.
const PADDING: usize = 8;
/// Fewer lines than these are compared with each other.
const RUN_MIN: usize = 24;
/// After so many steps of a text the rest is compared.
const STEPS_MAX: usize = 6;
/// As many lines are sorted here at most.
const LINES_MAX: usize = 20_000_000;

/// What the arguments ask for.
#[derive(Default)]
pub struct Plan {
    keys: Vec<Key>,
    separator: Separator,
    reverse: bool,
    stable: bool,
    unique: bool,
    end: u8,
    output: Option<OsString>,
    files: Vec<OsString>,
}

impl Plan {
    /// None for what is not sorted here.
    pub fn parse(args: &[OsString]) -> Option<Plan> {
        let mut plan = Plan { end: b'\n', ..Plan::default() };
        let mut manner = Manner::default();
        let mut words = args.iter().skip(1);
        while let Some(word) = words.next() {
            let bytes = word.as_encoded_bytes();
            match bytes {
                b"--" => {
                    plan.files.extend(words.by_ref().cloned());
                }
                [b'-', b'-', long @ ..] => plan.long(long, &mut manner)?,
                [b'-', _, ..] => {
                    let mut letters = &bytes[1..];
                    while let [letter, rest @ ..] = letters {
                        letters = rest;
                        if matches!(letter, b'k' | b't' | b'o') {
                            let value = if rest.is_empty() { words.next()?.as_encoded_bytes() } else { rest };
                            plan.valued(*letter, value)?;
                            break;
                        }
                        plan.flag(*letter, &mut manner)?;
                    }
                }
                [b'+', ..] => return None,
                _ => plan.files.push(word.clone()),
            }
        }
        for key in &mut plan.keys {
            if key.manner == Manner::default() {
                key.manner = manner;
            }
        }
        if plan.keys.is_empty() && (Manner { reverse: false, ..manner }) != Manner::default() {
            plan.keys.push(Key::line(manner));
        }
        if plan.files.is_empty() {
            plan.files.push("-".into());
        }
        plan.reverse = manner.reverse;
        Some(plan)
    }

    fn flag(&mut self, letter: u8, manner: &mut Manner) -> Option<()> {
        match letter {
            b'n' => manner.numeric = true,
            b'f' => manner.folds = true,
            b'r' => manner.reverse = true,
            b'b' => (manner.skips_start, manner.skips_end) = (true, true),
            b's' => self.stable = true,
            b'u' => self.unique = true,
            b'z' => self.end = 0,
            _ => return None,
        }
        Some(())
    }

    fn valued(&mut self, letter: u8, value: &[u8]) -> Option<()> {
        match letter {
            b'k' => self.keys.push(Key::parse(value)?),
            b't' => {
                let byte = match value {
                    [byte] if byte.is_ascii() => *byte,
                    b"\\0" => 0,
                    _ => return None,
                };
                if self.separator.replace(byte).is_some_and(|before| before != byte) {
                    return None;
                }
            }
            _ => {
                let name = std::str::from_utf8(value).ok()?;
                if self.output.replace(name.into()).is_some() {
                    return None;
                }
            }
        }
        Some(())
    }

    fn long(&mut self, option: &[u8], manner: &mut Manner) -> Option<()> {
        match option {
            b"numeric-sort" => self.flag(b'n', manner),
            b"ignore-case" => self.flag(b'f', manner),
            b"reverse" => self.flag(b'r', manner),
            b"ignore-leading-blanks" => self.flag(b'b', manner),
            b"stable" => self.flag(b's', manner),
            b"unique" => self.flag(b'u', manner),
            b"zero-terminated" => self.flag(b'z', manner),
            _ => {
                let equals = memchr::memchr(b'=', option)?;
                let value = &option[equals + 1..];
                match &option[..equals] {
                    b"key" => self.valued(b'k', value),
                    b"field-separator" => self.valued(b't', value),
                    b"output" => self.valued(b'o', value),
                    _ => None,
                }
            }
        }
    }

    /// Sorts; none if uutils has to, and nothing was read.
    pub fn run(&self, options: &[OsString]) -> Option<i32> {
        let inputs = self.open()?;
        let mut read = vec![];
        match self.read(inputs, &mut read) {
            Ok(None) => {}
            Ok(Some(rest)) => return Some(hand_over(options, read, rest)),
            Err(message) => {
                say(&mut io::stderr(), &message);
                return Some(2);
            }
        }
        let Some(lines) = self.lines(&read) else { return Some(hand_over(options, read, vec![])) };
        // There is room: it was kept.
        read.resize(read.len() + PADDING, 0);
        let mut sorting = Sorting { plan: self, text: &read, lines };
        sorting.sort();
        let outcome = match &self.output {
            Some(name) => match File::create(name) {
                Ok(mut file) => sorting.write(&mut file),
                Err(error) => {
                    let name = name.to_string_lossy();
                    say(&mut io::stderr(), &format!("sort: open failed: {name}: {}", reason(&error)));
                    return Some(2);
                }
            },
            None => sorting.write(&mut Output::new()),
        };
        Some(match outcome {
            Ok(()) => 0,
            Err(error) => {
                let name =
                    self.output.as_ref().map_or("'standard output'".into(), |name| name.to_string_lossy());
                say(&mut io::stderr(), &format!("sort: write failed: {name}: {}", reason(&error)));
                2
            }
        })
    }

    /// The files, all of which are there; standard input for `-`.
    fn open(&self) -> Option<Vec<Input>> {
        let open = |name: &OsString| {
            if name == "-" {
                return Some(Input::Standard);
            }
            let file = File::open(name).ok()?;
            let known = file.metadata().ok()?;
            if known.is_dir() {
                return Some(Input::Directory(name.clone()));
            }
            let size = usize::try_from(known.len()).ok()?;
            (size <= INPUT_MAX).then_some(Input::File(name.clone(), file, size))
        };
        self.files.iter().map(open).collect()
    }

    /// Reads all of it, each file's last line ended; if there is no room for it, gives what is left.
    fn read(&self, inputs: Vec<Input>, read: &mut Vec<u8>) -> Result<Option<Vec<Input>>, String> {
        let mut inputs = inputs.into_iter();
        while let Some(mut input) = inputs.next() {
            let mut room = match &input {
                Input::File(_, _, size) => *size,
                Input::Standard | Input::Directory(_) => 0,
            };
            loop {
                // The end of a line and the padding are never what there is no room for.
                if read.len() > INPUT_MAX || read.try_reserve(room.max(CHUNK) + 1 + PADDING).is_err() {
                    return Ok(Some(std::iter::once(input).chain(inputs).collect()));
                }
                room = 0;
                match input.read(read) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(reason) => return Err(format!("sort: read failed: {}: {reason}", input.name())),
                }
            }
            if read.last().is_some_and(|last| *last != self.end) {
                read.push(self.end);
            }
        }
        Ok(None)
    }

    /// The lines, unsorted; none if there is no room for them.
    fn lines(&self, read: &[u8]) -> Option<Vec<Line>> {
        let count = memchr::memchr_iter(self.end, read).count();
        let mut lines = vec![];
        if count > LINES_MAX {
            return None;
        }
        lines.try_reserve_exact(count).ok()?;
        let mut start = 0;
        for end in memchr::memchr_iter(self.end, read) {
            // Neither is more than what is read at most.
            let line = (start as u32, end as u32);
            lines.push(Line { bits: 0, line, part: line });
            start = end + 1;
        }
        Some(lines)
    }
}

enum Input {
    Standard,
    /// Which cannot be read.
    Directory(OsString),
    File(OsString, File, usize),
}

impl Input {
    fn name(&self) -> String {
        match self {
            Input::Standard => "-".to_owned(),
            Input::File(name, ..) | Input::Directory(name) => name.to_string_lossy().into_owned(),
        }
    }

    /// Reads once, into the room that there is; or why not.
    fn read(&mut self, into: &mut Vec<u8>) -> Result<usize, String> {
        let before = into.len();
        let most = match self {
            Input::Standard => CHUNK,
            Input::File(..) => 16 * CHUNK,
            Input::Directory(_) => return Err("Is a directory".to_owned()),
        };
        into.resize(before + most.min(into.capacity() - before - PADDING - 1), 0);
        let outcome = match self {
            Input::Standard => stream::read(&mut io::stdin().lock(), &mut into[before..]),
            Input::File(_, file, _) => stream::read(file, &mut into[before..]),
            Input::Directory(_) => Ok(0),
        };
        into.truncate(before + outcome.as_ref().unwrap_or(&0));
        outcome.map_err(|error| reason(&error))
    }
}

/// Has uutils sort what was read and what is left.
fn hand_over(options: &[OsString], read: Vec<u8>, rest: Vec<Input>) -> i32 {
    let scratch = Scratch::new(&read).and_then(|scratch| {
        drop(read);
        let mut file = File::options().append(true).open(&scratch.input)?;
        for mut input in rest {
            let mut piece = Vec::with_capacity(CHUNK + PADDING + 1);
            while input.read(&mut piece).map_err(io::Error::other)? > 0 {
                file.write_all(&piece)?;
                piece.clear();
            }
        }
        Ok(scratch)
    });
    match scratch {
        Ok(scratch) => sort(options, &[scratch.input.clone().into()]),
        Err(error) => {
            say(&mut io::stderr(), &format!("sort: cannot write to /tmp: {}", reason(&error)));
            2
        }
    }
}

#[derive(Clone, Copy)]
struct Line {
    /// Of what is looked at, in order wherever they differ.
    bits: u64,
    /// Where it begins and ends.
    line: (u32, u32),
    /// The same of the part that is looked at.
    part: (u32, u32),
}

/// Lines that agree in all that comes before, and what they are looked at for: a step of the part that a key names, or of
/// the whole line after all keys.
struct Run {
    lines: Range<usize>,
    key: usize,
    step: usize,
}

struct Sorting<'a> {
    plan: &'a Plan,
    /// Padded.
    text: &'a [u8],
    lines: Vec<Line>,
}

impl Sorting<'_> {
    fn sort(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        let mut runs = vec![Run { lines: 0..lines.len(), key: 0, step: 0 }];
        while let Some(Run { lines: place, key, step }) = runs.pop() {
            let run = &mut lines[place.clone()];
            if run.len() < RUN_MIN || step == STEPS_MAX {
                run.sort_unstable_by(|one, other| self.compare(key, one, other));
                continue;
            }
            let Some(manner) = self.manner(key) else {
                run.sort_unstable_by_key(|line| line.line.0);
                continue;
            };
            let mask = if manner.reverse { u64::MAX } else { 0 };
            for line in run.iter_mut() {
                if step == 0 {
                    line.part = self.part(key, line);
                }
                line.bits = mask ^ self.bits(manner, line.part, step);
            }
            run.sort_unstable_by_key(|line| line.bits);
            let mut at = place.start;
            for same in run.chunk_by(|one, other| one.bits == other.bits) {
                let lines = at..at + same.len();
                at = lines.end;
                let bits = mask ^ same[0].bits;
                if same.len() == 1 {
                    continue;
                }
                runs.push(match manner.numeric {
                    // What is not whole in these bits is compared.
                    true if !keys::is_whole(bits) => Run { lines, key, step: STEPS_MAX },
                    false if keys::goes_on(bits) => Run { lines, key, step: step + 1 },
                    _ => Run { lines, key: key + 1, step: 0 },
                });
            }
        }
        self.lines = lines;
    }

    /// How lines are looked at for a key, or as a whole after all keys; none if no more counts but where they stood.
    fn manner(&self, key: usize) -> Option<Manner> {
        let plan = self.plan;
        match plan.keys.get(key) {
            Some(key) => Some(key.manner),
            None if key > plan.keys.len() => None,
            None if !plan.keys.is_empty() && (plan.stable || plan.unique) => None,
            None => Some(Manner { reverse: plan.reverse, ..Manner::default() }),
        }
    }

    fn line(&self, line: &Line) -> &[u8] {
        &self.text[line.line.0 as usize..line.line.1 as usize]
    }

    fn part(&self, key: usize, line: &Line) -> (u32, u32) {
        let Some(key) = self.plan.keys.get(key) else { return line.line };
        let (start, end) = key.part(self.line(line), self.plan.separator);
        (line.line.0 + start as u32, line.line.0 + end as u32)
    }

    fn bits(&self, manner: Manner, part: (u32, u32), step: usize) -> u64 {
        let (start, end) = (part.0 as usize, part.1 as usize);
        if manner.numeric {
            return keys::value(&self.text[start..end]);
        }
        keys::text(self.text, start + step * keys::STEP, end, manner.folds)
    }

    /// Compares by this key and all that follow.
    fn compare(&self, first: usize, one: &Line, other: &Line) -> Ordering {
        let order = self.compare_keys(first, one, other);
        let by_line = || match self.manner(self.plan.keys.len()) {
            Some(Manner { reverse: true, .. }) => self.line(other).cmp(self.line(one)),
            Some(_) => self.line(one).cmp(self.line(other)),
            None => Ordering::Equal,
        };
        order.then_with(by_line).then_with(|| one.line.0.cmp(&other.line.0))
    }

    fn compare_keys(&self, first: usize, one: &Line, other: &Line) -> Ordering {
        let separator = self.plan.separator;
        let (one, other) = (self.line(one), self.line(other));
        for key in self.plan.keys.iter().skip(first) {
            let (start, end) = key.part(one, separator);
            let (other_start, other_end) = key.part(other, separator);
            let order = key.compare(&one[start..end], &other[other_start..other_end]);
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    /// Whether only one of them is wanted.
    fn is_same(&self, one: &Line, other: &Line) -> bool {
        match self.plan.keys.is_empty() {
            true => self.line(one) == self.line(other),
            false => self.compare_keys(0, one, other) == Ordering::Equal,
        }
    }

    fn write(&self, output: &mut dyn Write) -> io::Result<()> {
        let mut piece: Vec<u8> = Vec::with_capacity(2 * CHUNK);
        let mut before = None;
        for line in &self.lines {
            if self.plan.unique && before.replace(line).is_some_and(|before| self.is_same(before, line)) {
                continue;
            }
            // With its end, which is there.
            let text = &self.text[line.line.0 as usize..=line.line.1 as usize];
            if piece.len() + text.len() > CHUNK {
                output.write_all(&piece)?;
                piece.clear();
            }
            if text.len() > CHUNK {
                output.write_all(text)?;
            } else {
                piece.extend_from_slice(text);
            }
        }
        output.write_all(&piece)
    }
}
