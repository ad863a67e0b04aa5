//! Counting lines, words, characters and columns of bytes that may be UTF-8.

use bytecount::{count, num_chars};
use unicode_width::UnicodeWidthChar;

/// Columns from one stop of a tabulator to the next.
const TAB: u64 = 8;

/// What is to be counted.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    pub lines: bool,
    pub words: bool,
    pub chars: bool,
    pub bytes: bool,
    pub longest: bool,
}

impl Wanted {
    pub fn columns(&self) -> usize {
        [self.lines, self.words, self.chars, self.bytes, self.longest]
            .into_iter()
            .filter(|wanted| *wanted)
            .count()
    }

    pub fn only_bytes(&self) -> bool {
        self.bytes && self.columns() == 1
    }
}

#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Counts {
    lines: u64,
    words: u64,
    chars: u64,
    bytes: u64,
    /// Columns of the longest line.
    longest: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.lines += other.lines;
        self.words += other.words;
        self.chars += other.chars;
        self.bytes += other.bytes;
        self.longest = self.longest.max(other.longest);
    }

    /// Those that are wanted, in the order in which they are shown.
    pub fn columns(&self, wanted: &Wanted) -> Vec<u64> {
        let all = [
            (wanted.lines, self.lines),
            (wanted.words, self.words),
            (wanted.chars, self.chars),
            (wanted.bytes, self.bytes),
            (wanted.longest, self.longest),
        ];
        all.into_iter().filter(|(wanted, _)| *wanted).map(|(_, number)| number).collect()
    }
}

/// Counts what it is fed.
pub struct Counter {
    wanted: Wanted,
    counts: Counts,
    in_word: bool,
    column: u64,
    /// The beginning of a character whose rest is still to come.
    begun: Vec<u8>,
}

impl Counter {
    pub fn new(wanted: Wanted) -> Counter {
        Counter { wanted, counts: Counts::default(), in_word: false, column: 0, begun: vec![] }
    }

    pub fn add_bytes(&mut self, bytes: u64) {
        self.counts.bytes += bytes;
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.counts.bytes += bytes.len() as u64;
        if self.wanted.lines {
            self.counts.lines += count(bytes, b'\n') as u64;
        }
        let Wanted { words, chars, longest, .. } = self.wanted;
        if !(words || chars || longest) {
            return;
        }
        if self.begun.is_empty() && bytes.is_ascii() {
            return self.take_ascii(bytes);
        }
        let mut joined;
        let mut rest = bytes;
        if !self.begun.is_empty() {
            joined = std::mem::take(&mut self.begun);
            joined.extend_from_slice(bytes);
            rest = &joined;
        }
        loop {
            let (text, wrong) = match std::str::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, _) = rest.split_at(error.valid_up_to());
                    // What was found valid is.
                    (std::str::from_utf8(valid).unwrap_or_default(), Some(error.error_len()))
                }
            };
            self.take_text(text);
            rest = &rest[text.len()..];
            match wrong {
                None => return,
                // It is no character and no end of a word.
                Some(Some(length)) => rest = &rest[length..],
                Some(None) => {
                    self.begun = rest.to_vec();
                    return;
                }
            }
        }
    }

    pub fn finish(mut self) -> Counts {
        self.end_line();
        self.counts
    }

    fn end_line(&mut self) {
        self.counts.longest = self.counts.longest.max(self.column);
        self.column = 0;
    }

    fn take_text(&mut self, text: &str) {
        if text.is_ascii() {
            return self.take_ascii(text.as_bytes());
        }
        if !self.wanted.words && !self.wanted.longest {
            self.counts.chars += num_chars(text.as_bytes()) as u64;
            return;
        }
        for letter in text.chars() {
            match u8::try_from(letter) {
                Ok(byte) if byte.is_ascii() => self.take_ascii(&[byte]),
                _ => self.take_wide(letter),
            }
        }
    }

    fn take_ascii(&mut self, bytes: &[u8]) {
        self.counts.chars += bytes.len() as u64;
        if self.wanted.words {
            let (mut words, mut in_word) = (0, self.in_word);
            for byte in bytes {
                let is_printed = (b'!'..=b'~').contains(byte);
                let is_space = *byte == b' ' || (b'\t'..=b'\r').contains(byte);
                words += u64::from(is_printed & !in_word);
                // What is neither changes nothing.
                in_word = is_printed | (in_word & !is_space);
            }
            self.counts.words += words;
            self.in_word = in_word;
        }
        if self.wanted.longest {
            for byte in bytes {
                match byte {
                    b'\n' | b'\r' | b'\x0c' => self.end_line(),
                    b'\t' => self.column += TAB - self.column % TAB,
                    b' '..=b'~' => self.column += 1,
                    _ => {}
                }
            }
        }
    }

    fn take_wide(&mut self, letter: char) {
        self.counts.chars += 1;
        if letter.is_control() {
            return;
        }
        self.column += letter.width().unwrap_or(0) as u64;
        // Blanks that join words part them here all the same.
        if letter.is_whitespace() || letter == '\u{2060}' {
            self.in_word = false;
        } else if !std::mem::replace(&mut self.in_word, true) {
            self.counts.words += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, Counts, Wanted};

    fn counted(bytes: &[u8], step: usize) -> Counts {
        let wanted = Wanted { lines: true, words: true, chars: true, bytes: true, longest: true };
        let mut counter = Counter::new(wanted);
        bytes.chunks(step).for_each(|chunk| counter.feed(chunk));
        counter.finish()
    }

    #[test]
    fn borders_of_chunks_do_not_matter() {
        let text = "one two\tthrée\n \u{a0}\u{4e2d}\u{6587}\x01x\r\nend".as_bytes();
        let mut bytes = text.to_vec();
        bytes.extend_from_slice(b"\xff\xc3 \xed\xa0\x80\xe4\xb8");
        let whole = counted(&bytes, bytes.len());
        for step in 1..8 {
            assert_eq!(counted(&bytes, step), whole, "{step}");
        }
        assert_eq!((whole.lines, whole.bytes), (2, bytes.len() as u64));
    }

    #[test]
    fn what_is_no_text_is_no_character() {
        for (bytes, chars) in [(&b"\xff\xfea\n"[..], 2), (b"\xc3", 0), (b"\xc3\xa4", 1), (b"\xed\xa0\x80", 0)]
        {
            assert_eq!(counted(bytes, 4).chars, chars, "{bytes:?}");
            assert_eq!(counted(bytes, 1).chars, chars, "{bytes:?}");
        }
        assert_eq!(counted(b"\x01 \x01a\x01b \xff", 9).words, 1);
        assert_eq!(counted(b"a\rbb\ttc\n\tx\x0c1234567", 9).longest, 10);
    }
}
