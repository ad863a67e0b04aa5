//! `fold` in large pieces: uutils' copies each character into the line that it makes, and that to its output. What is wrong
//! is uutils' to say.

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use cordon_multicall::say;
use cordon_multicall::stream::{self, CHUNK, Output};
use unicode_width::UnicodeWidthChar;

use super::reason;

const TAB: usize = 8;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let Some((fold, files)) = request(args.as_slice()) else { return uu_fold::uumain(args) };
    let mut run = Run { fold, output: Output::buffered(), is_watched: stream::is_watched() };
    let mut status = 0;
    for name in &files {
        let opened: io::Result<Box<dyn Read>> = match name.as_str() {
            "-" => Ok(Box::new(io::stdin())),
            _ => File::open(name).map(|file| Box::new(file) as Box<dyn Read>),
        };
        let folded = opened.map_err(Failure::Read).and_then(|mut file| run.file(&mut *file));
        match folded {
            Ok(()) => {}
            Err(Failure::Read(error)) => {
                say(&mut io::stderr(), &format!("fold: {name}: {}", reason(&error)));
                status = 1;
            }
            Err(Failure::Write(error)) => return unwritten(&error),
        }
    }
    run.output.flush().map_or_else(|error| unwritten(&error), |()| status)
}

fn unwritten(error: &io::Error) -> i32 {
    say(&mut io::stderr(), &format!("fold: failed to write: {}", reason(error)));
    1
}

/// What is asked for, and the files; none where that is wrong.
fn request(args: &[OsString]) -> Option<(Fold, Vec<String>)> {
    let mut words: Vec<String> = args.iter().map(|word| word.to_text().into_owned()).collect();
    // `-20` is a width too, of which the first counts, and only where there is no other.
    let is_width = |word: &String| {
        word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    let old = words.iter().position(is_width).map(|at| words.remove(at));
    let matches = uu_fold::uu_app().try_get_matches_from(words).ok()?;
    let width =
        match matches.get_one::<String>("width").map(String::as_str).or(old.as_ref().map(|old| &old[1..])) {
            Some(width) => width.parse().ok().filter(|width| *width > 0)?,
            None => 80,
        };
    let counted = if matches.get_flag("bytes") {
        Counted::Bytes
    } else if matches.get_flag("characters") {
        Counted::Characters
    } else {
        Counted::Columns
    };
    let files = matches.get_many::<String>("file").map(|files| files.cloned().collect());
    let fold = Fold { width, counted, spaces: matches.get_flag("spaces") };
    Some((fold, files.unwrap_or_else(|| vec!["-".to_owned()])))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Bytes,
    Characters,
    Columns,
}

struct Fold {
    width: usize,
    counted: Counted,
    /// Lines break behind blanks.
    spaces: bool,
}

enum Failure {
    Read(io::Error),
    Write(io::Error),
}

struct Run {
    fold: Fold,
    output: BufWriter<Output>,
    is_watched: bool,
}

impl Run {
    fn file(&mut self, file: &mut dyn Read) -> Result<(), Failure> {
        let mut buffer = vec![0; CHUNK];
        let mut line = Line::default();
        // The beginning of a character that the last piece has cut.
        let mut kept = 0;
        loop {
            let read = stream::read(file, &mut buffer[kept..]).map_err(Failure::Read)?;
            let there = kept + read;
            let whole = if read == 0 { there } else { there - unfinished(&buffer[..there]) };
            self.piece(&mut line, &buffer[..whole]).map_err(Failure::Write)?;
            buffer.copy_within(whole..there, 0);
            kept = there - whole;
            if read == 0 {
                return self.output.write_all(&line.text).map_err(Failure::Write);
            }
            if self.is_watched {
                self.output.flush().map_err(Failure::Write)?;
            }
        }
    }

    /// A piece of a file, which goes on with a line.
    fn piece(&mut self, line: &mut Line, piece: &[u8]) -> io::Result<()> {
        let mut rest = piece;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let text = &rest[..end.unwrap_or(rest.len())];
            if end.is_some() && line.is_new && is_plain(text) {
                self.plain(text)?;
                rest = &rest[text.len() + 1..];
                continue;
            }
            self.fold.text(line, text, &mut self.output)?;
            if end.is_none() {
                break;
            }
            self.output.write_all(&line.text)?;
            self.output.write_all(b"\n")?;
            line.clear();
            rest = &rest[text.len() + 1..];
        }
        Ok(())
    }

    /// A whole line of characters that are each a byte and a column.
    fn plain(&mut self, line: &[u8]) -> io::Result<()> {
        let mut rest = line;
        while rest.len() > self.fold.width {
            let full = &rest[..self.fold.width];
            let blank = if self.fold.spaces { memchr::memrchr(b' ', full) } else { None };
            let (part, after) = rest.split_at(blank.map_or(full.len(), |at| at + 1));
            self.output.write_all(part)?;
            self.output.write_all(b"\n")?;
            rest = after;
        }
        self.output.write_all(rest)?;
        self.output.write_all(b"\n")
    }
}

/// How many bytes at the end begin a character that may go on.
fn unfinished(bytes: &[u8]) -> usize {
    let last = (0..bytes.len()).rev().take(3).find(|at| bytes[*at] >= 0xc0).unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[last..]) {
        Err(error) if error.error_len().is_none() => bytes.len() - last,
        _ => 0,
    }
}

fn is_plain(line: &[u8]) -> bool {
    // Without a branch for each: many at once.
    !line.iter().fold(false, |odd, byte| odd | (byte.wrapping_sub(b' ') > b'~' - b' '))
}

/// A line in the making: what of it is not written yet.
struct Line {
    text: Vec<u8>,
    columns: usize,
    /// Behind the last blank in the text.
    break_at: Option<usize>,
    /// Nothing of it was read.
    is_new: bool,
}

impl Default for Line {
    fn default() -> Self {
        Line { text: vec![], columns: 0, break_at: None, is_new: true }
    }
}

impl Line {
    fn clear(&mut self) {
        self.text.clear();
        (self.columns, self.break_at, self.is_new) = (0, None, true);
    }
}

impl Fold {
    /// Adds text without newlines to a line, and writes what becomes full.
    fn text(&self, line: &mut Line, text: &[u8], output: &mut impl Write) -> io::Result<()> {
        line.is_new &= text.is_empty();
        if self.counted == Counted::Bytes {
            for byte in text.chunks(1) {
                self.add(line, byte, 1, byte != b"\r" && byte[0].is_ascii_whitespace(), output)?;
            }
            return Ok(());
        }
        for part in text.utf8_chunks() {
            for letter in part.valid().chars() {
                self.character(line, letter, output)?;
            }
            for byte in part.invalid().chunks(1) {
                self.add(line, byte, 1, false, output)?;
            }
        }
        Ok(())
    }

    fn character(&self, line: &mut Line, letter: char, output: &mut impl Write) -> io::Result<()> {
        let mut bytes = [0; 4];
        let bytes = letter.encode_utf8(&mut bytes).as_bytes();
        match letter {
            '\r' => {
                line.text.extend_from_slice(bytes);
                line.columns = 0;
            }
            '\x08' => {
                line.text.extend_from_slice(bytes);
                line.columns = line.columns.saturating_sub(1);
            }
            '\t' => {
                let to_next = |columns: usize| TAB - columns % TAB;
                while line.columns + to_next(line.columns) > self.width && !line.text.is_empty() {
                    self.end(line, output)?;
                }
                line.columns += to_next(line.columns);
                line.text.extend_from_slice(bytes);
                line.break_at = self.spaces.then_some(line.text.len());
            }
            _ => {
                let columns = match self.counted {
                    Counted::Columns => letter.width().unwrap_or(0),
                    _ => 1,
                };
                self.add(line, bytes, columns, letter.is_ascii_whitespace(), output)?;
            }
        }
        Ok(())
    }

    fn add(
        &self,
        line: &mut Line,
        bytes: &[u8],
        columns: usize,
        is_blank: bool,
        output: &mut impl Write,
    ) -> io::Result<()> {
        // What takes no column belongs to what stands before it.
        while columns > 0 && line.columns + columns > self.width && !line.text.is_empty() {
            self.end(line, output)?;
        }
        line.text.extend_from_slice(bytes);
        line.columns += columns;
        if is_blank && self.spaces {
            line.break_at = Some(line.text.len());
        } else if !self.spaces && line.text.len() >= CHUNK {
            // Where it breaks does not depend on it any more; one byte stays, since the line is not empty.
            output.write_all(&line.text[..line.text.len() - 1])?;
            line.text.drain(..line.text.len() - 1);
        }
        Ok(())
    }

    /// The line is full: it ends behind the last blank, or here.
    fn end(&self, line: &mut Line, output: &mut impl Write) -> io::Result<()> {
        let at = line.break_at.take().unwrap_or(line.text.len());
        output.write_all(&line.text[..at])?;
        output.write_all(b"\n")?;
        line.text.drain(..at);
        line.columns = 0;
        let rest = std::mem::take(&mut line.text);
        // Nothing of it can break again: a blank in it would have been the last.
        self.text(line, &rest, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(fold: &Fold, text: &[u8]) -> String {
        let mut out = vec![];
        let mut line = Line::default();
        for (at, part) in text.split(|byte| *byte == b'\n').enumerate() {
            if at > 0 {
                out.extend_from_slice(&std::mem::take(&mut line).text);
                out.push(b'\n');
            }
            fold.text(&mut line, part, &mut out).unwrap();
        }
        out.extend_from_slice(&line.text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_break_by_columns_characters_and_bytes() {
        let fold = |counted, spaces| Fold { width: 4, counted, spaces };
        for (counted, spaces, text, expected) in [
            (Counted::Columns, false, "abcdefg\nabcd\n", "abcd\nefg\nabcd\n"),
            (Counted::Columns, false, "日本語", "日本\n語"),
            (Counted::Characters, false, "日本語です", "日本語で\nす"),
            (Counted::Bytes, false, "abcdefgh", "abcd\nefgh"),
            (Counted::Columns, true, "a bcde f", "a \nbcde\n f"),
            (Counted::Columns, false, "abcde\x08\x08fgh", "abcd\ne\x08\x08fgh"),
            (Counted::Columns, false, "ab\rcdefg", "ab\rcdef\ng"),
            (Counted::Columns, false, "a\tb", "a\n\t\nb"),
            (Counted::Columns, false, "abcde\u{301}f", "abcd\ne\u{301}f"),
        ] {
            assert_eq!(folded(&fold(counted, spaces), text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn characters_that_are_cut_wait_for_their_rest() {
        for (bytes, expected) in [
            (b"a".as_slice(), 0),
            ("é".as_bytes(), 0),
            (b"a\xc3", 1),
            (b"\xe6\x97", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\xff", 0),
        ] {
            assert_eq!(unfinished(bytes), expected, "{bytes:?}");
        }
    }
}
