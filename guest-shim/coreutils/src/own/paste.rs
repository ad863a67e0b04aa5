//! `paste` in large pieces: uutils' writes each line by itself. What is wrong is uutils' to say, and one file alone, of
//! which nothing but its last newline changes, is its to copy.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};

use cordon_multicall::say;
use cordon_multicall::stream::{self, CHUNK, Output};

use super::reason;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let Ok(matches) = uu_paste::uu_app().try_get_matches_from(args.as_slice()) else {
        return uu_paste::uumain(args);
    };
    let serial = matches.get_flag("serial");
    let names: Vec<&OsString> = matches.get_many("file").unwrap_or_default().collect();
    let delimiters = matches.get_one::<OsString>("delimiters").and_then(delimiters);
    let (Some(delimiters), Some(inputs)) = (delimiters, Inputs::open(&names)) else {
        return uu_paste::uumain(args);
    };
    if names.len() == 1 && !serial {
        return uu_paste::uumain(args);
    }
    let end = if matches.get_flag("zero-terminated") { 0 } else { b'\n' };
    let mut paste = Paste { inputs, delimiters, end, is_watched: stream::is_watched(), made: vec![] };
    let pasted = if serial { paste.files() } else { paste.lines() };
    match pasted.and_then(|()| paste.write()) {
        Ok(()) => 0,
        Err(error) => {
            say(&mut io::stderr(), &format!("paste: {}", reason(&error)));
            1
        }
    }
}

/// The texts between columns, in turn; none if the list is wrong.
fn delimiters(list: &OsString) -> Option<Vec<Vec<u8>>> {
    let mut delimiters = vec![];
    let mut letters = list.to_str()?.chars();
    while let Some(letter) = letters.next() {
        let meant = match letter {
            '\\' => match letters.next()? {
                '0' => String::new(),
                'b' => "\x08".to_owned(),
                'f' => "\x0c".to_owned(),
                'n' => "\n".to_owned(),
                'r' => "\r".to_owned(),
                't' => "\t".to_owned(),
                'v' => "\x0b".to_owned(),
                other => other.to_string(),
            },
            other => other.to_string(),
        };
        delimiters.push(meant.into_bytes());
    }
    if delimiters.is_empty() {
        delimiters.push(vec![]);
    }
    Some(delimiters)
}

/// What is pasted: by their columns, which share standard input where it is named more than once.
struct Inputs {
    lines: Vec<Lines>,
    columns: Vec<usize>,
}

impl Inputs {
    /// None if one of them cannot be opened.
    fn open(names: &[&OsString]) -> Option<Self> {
        let mut inputs = Inputs { lines: vec![], columns: vec![] };
        let mut standard = None;
        for name in names {
            let next = inputs.lines.len();
            let at = if *name == "-" { *standard.get_or_insert(next) } else { next };
            if at == next {
                let input: Box<dyn Read> = match name.to_str() {
                    Some("-") => Box::new(io::stdin()),
                    _ => Box::new(File::open(name).ok()?),
                };
                inputs.lines.push(Lines { input, buffer: vec![0; CHUNK], start: 0, end: 0 });
            }
            inputs.columns.push(at);
        }
        Some(inputs)
    }
}

struct Paste {
    inputs: Inputs,
    delimiters: Vec<Vec<u8>>,
    end: u8,
    is_watched: bool,
    /// What is made and not written yet.
    made: Vec<u8>,
}

impl Paste {
    /// The lines of all files side by side.
    fn lines(&mut self) -> io::Result<()> {
        // Of those that have not ended.
        let mut open = vec![true; self.inputs.columns.len()];
        loop {
            let start = self.made.len();
            let mut is_row = false;
            for (column, open) in open.iter_mut().enumerate() {
                if column > 0 {
                    self.made.extend_from_slice(&self.delimiters[(column - 1) % self.delimiters.len()]);
                }
                *open = *open && self.append(column)?;
                is_row |= *open;
            }
            if !is_row {
                self.made.truncate(start);
                return Ok(());
            }
            self.made.push(self.end);
            self.write_full()?;
        }
    }

    /// The lines of each file as one line.
    fn files(&mut self) -> io::Result<()> {
        for column in 0..self.inputs.columns.len() {
            let mut turn = 0;
            while self.append(column)? {
                self.write_full()?;
                self.made.extend_from_slice(&self.delimiters[turn % self.delimiters.len()]);
                turn += 1;
            }
            if turn > 0 {
                let last = &self.delimiters[(turn - 1) % self.delimiters.len()];
                self.made.truncate(self.made.len() - last.len());
            }
            self.made.push(self.end);
        }
        Ok(())
    }

    /// Appends the next line of a column. False if there is none.
    fn append(&mut self, column: usize) -> io::Result<bool> {
        let at = self.inputs.columns[column];
        self.inputs.lines[at].append(self.end, &mut self.made)
    }

    /// Writes what is made if that is much, or somebody waits for it.
    fn write_full(&mut self) -> io::Result<()> {
        if self.made.len() >= CHUNK || self.is_watched { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        Output::new().write_all(&self.made)?;
        self.made.clear();
        Ok(())
    }
}

/// The lines of a file.
struct Lines {
    input: Box<dyn Read>,
    buffer: Vec<u8>,
    /// What of the buffer was read and is not taken.
    start: usize,
    end: usize,
}

impl Lines {
    /// Appends the next line without its end. False if there is none.
    fn append(&mut self, end: u8, line: &mut Vec<u8>) -> io::Result<bool> {
        let mut is_line = false;
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(at) = memchr::memchr(end, unread) {
                line.extend_from_slice(&unread[..at]);
                self.start += at + 1;
                return Ok(true);
            }
            line.extend_from_slice(unread);
            is_line |= !unread.is_empty();
            (self.start, self.end) = (0, 0);
            let read = stream::read(&mut *self.input, &mut self.buffer)?;
            if read == 0 {
                return Ok(is_line);
            }
            self.end = read;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_characters_and_escapes() {
        let read = |list: &str| delimiters(&list.into());
        assert_eq!(read("a\\t\\0é"), Some(vec![b"a".to_vec(), b"\t".to_vec(), vec![], "é".into()]));
        assert_eq!(read(""), Some(vec![vec![]]));
        assert_eq!(read("a\\"), None);
    }

    #[test]
    fn lines_end_where_the_buffer_does_not() {
        let text = b"one\ntwo\n\nlast".as_slice();
        for size in 1..8 {
            let mut lines = Lines { input: Box::new(text), buffer: vec![0; size], start: 0, end: 0 };
            let mut read = vec![];
            loop {
                let mut line = vec![];
                if !lines.append(b'\n', &mut line).unwrap() {
                    break;
                }
                read.push(line);
            }
            assert_eq!(read, [b"one".as_slice(), b"two", b"", b"last"]);
        }
    }
}
