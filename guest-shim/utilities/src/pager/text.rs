//! The text that a pager shows, by lines: where they begin, and what is in them. Memory does not grow with the text: of a
//! long one it is known where every 256th line begins, and some blocks are kept. A file is read where it is looked at; what
//! comes through a pipe is put into a file in memory, which counts as one of the virtual machine's.

use cordon_vm::descriptors::{self, Descriptor, Whence};
use cordon_vm::polling;
use cordon_vm::types::{Errno, FileType};

/// A longer line is shown as several.
pub const MAX_LINE: usize = 64 * 1024;
/// So many lines are found again by going through them.
const STEP: u64 = 256;
const BLOCK: usize = 64 * 1024;
const MAX_BLOCKS: usize = 8;

/// Why there is no answer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It has not come yet, and is not waited for.
    NotYet,
    /// A signal is there to be handled.
    Interrupted,
    Failed(Errno),
}

/// Where the bytes come from.
pub trait Input {
    /// What stands there, up to so many bytes; nothing at the end. Waits only if that is wanted.
    fn read_at(&mut self, offset: u64, length: usize, waits: bool) -> Result<Vec<u8>, Stop>;
    /// How many bytes there are in all, once that is known.
    fn size(&self) -> Option<u64>;
    /// Whether more of it, or its end, is there before so much time has passed.
    fn is_ready(&mut self, milliseconds: u32) -> bool;
}

/// A text of the pager's own.
impl Input for &'static str {
    fn read_at(&mut self, offset: u64, length: usize, _: bool) -> Result<Vec<u8>, Stop> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.as_bytes().get(offset..));
        let rest = rest.unwrap_or_default();
        Ok(rest[..rest.len().min(length)].to_vec())
    }

    fn size(&self) -> Option<u64> {
        Some(self.len() as u64)
    }

    fn is_ready(&mut self, _: u32) -> bool {
        true
    }
}

/// A file, or what comes through a stream.
pub enum Opened {
    File(Descriptor),
    Stream { source: Descriptor, kept: Descriptor, size: u64, is_over: bool },
}

impl Opened {
    /// # Errors
    /// Those of the virtual machine; `eisdir` for a directory.
    pub fn new(descriptor: Descriptor) -> Result<Self, Errno> {
        match descriptor.status()?.file_type {
            FileType::Directory => Err(Errno::Eisdir),
            FileType::RegularFile => Ok(Opened::File(descriptor)),
            _ => Ok(Opened::Stream {
                source: descriptor,
                kept: descriptors::memory_file()?,
                size: 0,
                is_over: false,
            }),
        }
    }
}

fn stop(errno: Errno) -> Stop {
    if errno == Errno::Eintr { Stop::Interrupted } else { Stop::Failed(errno) }
}

impl Input for Opened {
    fn read_at(&mut self, offset: u64, length: usize, waits: bool) -> Result<Vec<u8>, Stop> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let place = i64::try_from(offset).unwrap_or(i64::MAX);
        match self {
            Opened::File(file) => {
                file.seek(place, Whence::Start).map_err(stop)?;
                file.read(length).map_err(stop)
            }
            Opened::Stream { source, kept, size, is_over } => {
                if offset >= *size && !*is_over {
                    if !waits && !polling::wait_readable(source, 0).map_err(stop)? {
                        return Err(Stop::NotYet);
                    }
                    let bytes = source.read(BLOCK as u32).map_err(stop)?;
                    *is_over = bytes.is_empty();
                    kept.seek(0, Whence::End).map_err(stop)?;
                    if let Err(errno) = kept.write(&bytes) {
                        // There is no room for more of it: what is there can be looked at.
                        *is_over = true;
                        return Err(stop(errno));
                    }
                    *size += bytes.len() as u64;
                }
                kept.seek(place, Whence::Start).map_err(stop)?;
                kept.read(length).map_err(stop)
            }
        }
    }

    fn size(&self) -> Option<u64> {
        match self {
            Opened::File(file) => file.status().ok().map(|status| status.size),
            Opened::Stream { size, is_over, .. } => is_over.then_some(*size),
        }
    }

    fn is_ready(&mut self, milliseconds: u32) -> bool {
        match self {
            Opened::Stream { source, is_over: false, .. } => {
                polling::wait_readable(source, milliseconds).unwrap_or(false)
            }
            _ => true,
        }
    }
}

/// Lines that follow each other, as far as they are known.
struct Chunk {
    number: usize,
    starts: Vec<u64>,
    /// Behind the last of them.
    end: u64,
    is_last: bool,
}

impl Chunk {
    fn new(number: usize, start: u64) -> Self {
        Chunk { number, starts: vec![], end: start, is_last: false }
    }
}

pub struct Text {
    input: Box<dyn Input>,
    /// The blocks that were used last, the latest at the end.
    blocks: Vec<(u64, Vec<u8>)>,
    /// Where chunks begin.
    index: Vec<u64>,
    chunk: Chunk,
    total: Option<u64>,
}

impl Text {
    pub fn new(input: impl Input + 'static) -> Self {
        Text { input: Box::new(input), blocks: vec![], index: vec![0], chunk: Chunk::new(0, 0), total: None }
    }

    pub fn size(&self) -> Option<u64> {
        self.input.size()
    }

    pub fn is_ready(&mut self, milliseconds: u32) -> bool {
        self.input.is_ready(milliseconds)
    }

    /// Puts a line, without its end, into the buffer; false if there is none of this number.
    pub fn line(&mut self, number: u64, line: &mut Vec<u8>, waits: bool) -> Result<bool, Stop> {
        line.clear();
        let Some((start, end)) = self.span(number, waits)? else { return Ok(false) };
        let mut at = start;
        while at < end {
            let piece = self.piece(at, waits)?;
            let length = piece.len().min((end - at) as usize);
            if length == 0 {
                break;
            }
            line.extend_from_slice(&piece[..length]);
            at += length as u64;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(true)
    }

    /// Whether there is a line of this number.
    pub fn has(&mut self, number: u64, waits: bool) -> Result<bool, Stop> {
        Ok(self.span(number, waits)?.is_some())
    }

    /// Where a line begins.
    pub fn start(&mut self, number: u64, waits: bool) -> Result<Option<u64>, Stop> {
        Ok(self.span(number, waits)?.map(|(start, _)| start))
    }

    /// The number of lines, all of which are gone through.
    pub fn count(&mut self) -> Result<u64, Stop> {
        self.count_to(u64::MAX, true)
    }

    /// The number of lines that are there already.
    pub fn count_now(&mut self) -> u64 {
        match self.count_to(u64::MAX, false) {
            Ok(count) => count,
            // What has been gone through is in the last chunk.
            Err(_) => self.chunk.number as u64 * STEP + self.chunk.starts.len() as u64,
        }
    }

    /// Goes through chunks until one ends behind that byte; gives how many lines there are up to there.
    fn count_to(&mut self, offset: u64, waits: bool) -> Result<u64, Stop> {
        loop {
            let last = self.index.len() - 1;
            self.load(last, STEP - 1, waits)?;
            if self.chunk.is_last || self.index.last().is_some_and(|start| *start > offset) {
                return Ok(last as u64 * STEP + self.chunk.starts.len() as u64);
            }
        }
    }

    /// The number of lines, if the end has been seen already.
    pub fn known_count(&self) -> Option<u64> {
        self.total
    }

    /// The line in which a byte stands, or the last.
    pub fn line_at(&mut self, offset: u64) -> Result<u64, Stop> {
        self.count_to(offset, true)?;
        let chunk = self.index.partition_point(|start| *start <= offset).saturating_sub(1);
        self.load(chunk, STEP - 1, true)?;
        let within = self.chunk.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        Ok(chunk as u64 * STEP + within as u64)
    }

    /// Looks once more at the end of what may have grown.
    pub fn look_again(&mut self) {
        self.blocks.retain(|(_, block)| block.len() == BLOCK);
        self.total = None;
        let number = self.chunk.number;
        if self.chunk.is_last {
            self.chunk = Chunk::new(number, self.index[number]);
        }
    }

    fn span(&mut self, number: u64, waits: bool) -> Result<Option<(u64, u64)>, Stop> {
        let chunk = usize::try_from(number / STEP).unwrap_or(usize::MAX);
        while self.index.len() <= chunk {
            let last = self.index.len() - 1;
            self.load(last, STEP - 1, waits)?;
            if self.chunk.is_last {
                return Ok(None);
            }
        }
        let within = number % STEP;
        self.load(chunk, within, waits)?;
        let within = within as usize;
        let Some(&start) = self.chunk.starts.get(within) else { return Ok(None) };
        Ok(Some((start, self.chunk.starts.get(within + 1).copied().unwrap_or(self.chunk.end))))
    }

    /// Goes through the lines of a chunk whose beginning is known, up to one of them.
    fn load(&mut self, number: usize, wanted: u64, waits: bool) -> Result<(), Stop> {
        if self.chunk.number != number {
            self.chunk = Chunk::new(number, self.index[number]);
        }
        while self.chunk.starts.len() as u64 <= wanted && !self.chunk.is_last {
            let start = self.chunk.end;
            let (end, is_whole) = self.end_of_line(start, waits)?;
            if end > start {
                self.chunk.starts.push(start);
                self.chunk.end = end;
            }
            self.chunk.is_last = !is_whole;
            if self.chunk.is_last {
                self.total = Some(number as u64 * STEP + self.chunk.starts.len() as u64);
            }
        }
        if self.chunk.starts.len() as u64 == STEP && self.index.len() == number + 1 {
            self.index.push(self.chunk.end);
        }
        Ok(())
    }

    /// Where the line that begins there ends, and whether another follows.
    fn end_of_line(&mut self, start: u64, waits: bool) -> Result<(u64, bool), Stop> {
        let mut length = 0;
        while length < MAX_LINE {
            let piece = self.piece(start + length as u64, waits)?;
            let piece = &piece[..piece.len().min(MAX_LINE - length)];
            if piece.is_empty() {
                return Ok((start + length as u64, false));
            }
            if let Some(at) = memchr::memchr(b'\n', piece) {
                return Ok((start + (length + at + 1) as u64, true));
            }
            length += piece.len();
        }
        Ok((start + length as u64, true))
    }

    /// What stands there, as far as it is in one block.
    fn piece(&mut self, offset: u64, waits: bool) -> Result<&[u8], Stop> {
        let begin = offset - offset % BLOCK as u64;
        let within = (offset - begin) as usize;
        let found = self.blocks.iter().position(|(start, _)| *start == begin);
        let mut entry = match found {
            Some(at) => self.blocks.remove(at),
            None => (begin, vec![]),
        };
        let mut outcome = Ok(());
        // As much as is wanted; the rest of the block may not be there yet.
        while entry.1.len() <= within {
            let at = begin + entry.1.len() as u64;
            match self.input.read_at(at, BLOCK - entry.1.len(), waits) {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => entry.1.extend_from_slice(&bytes),
                Err(stop) => {
                    outcome = Err(stop);
                    break;
                }
            }
        }
        if self.blocks.len() >= MAX_BLOCKS {
            self.blocks.remove(0);
        }
        self.blocks.push(entry);
        outcome?;
        let block = self.blocks.last().map_or(&[][..], |(_, block)| block.as_slice());
        Ok(block.get(within..).unwrap_or_default())
    }
}

#[cfg(test)]
pub mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Text that comes in pieces, each of which has to be waited for.
    #[derive(Clone)]
    pub struct Pieces {
        there: Rc<RefCell<Vec<u8>>>,
        coming: Vec<Vec<u8>>,
        reads: Rc<RefCell<usize>>,
    }

    impl Pieces {
        pub fn new(there: impl Into<Vec<u8>>, coming: &[&str]) -> Self {
            Pieces {
                there: Rc::new(RefCell::new(there.into())),
                coming: coming.iter().map(|piece| piece.as_bytes().to_vec()).collect(),
                reads: Rc::default(),
            }
        }
    }

    pub fn whole(text: impl Into<Vec<u8>>) -> Text {
        Text::new(Pieces::new(text, &[]))
    }

    impl Input for Pieces {
        fn read_at(&mut self, offset: u64, length: usize, waits: bool) -> Result<Vec<u8>, Stop> {
            *self.reads.borrow_mut() += 1;
            let mut there = self.there.borrow_mut();
            let offset = offset as usize;
            if offset >= there.len() && !self.coming.is_empty() {
                if !waits {
                    return Err(Stop::NotYet);
                }
                let piece = self.coming.remove(0);
                there.extend(piece);
            }
            let from = offset.min(there.len());
            Ok(there[from..there.len().min(from + length)].to_vec())
        }

        fn size(&self) -> Option<u64> {
            self.coming.is_empty().then_some(self.there.borrow().len() as u64)
        }

        fn is_ready(&mut self, _: u32) -> bool {
            self.coming.is_empty()
        }
    }

    fn line(text: &mut Text, number: u64) -> Option<String> {
        let mut line = vec![];
        text.line(number, &mut line, true).unwrap().then(|| String::from_utf8(line).unwrap())
    }

    #[test]
    fn lines_are_found_in_any_order() {
        let all: String = (0..3000).map(|number| format!("line {number}\n")).collect();
        let mut text = whole(format!("{all}last"));
        for number in [2999, 0, 255, 256, 257, 1000, 999, 511, 512] {
            assert_eq!(line(&mut text, number).unwrap(), format!("line {number}"));
        }
        assert_eq!(text.known_count(), None);
        assert_eq!(line(&mut text, 3000).unwrap(), "last");
        assert_eq!(line(&mut text, 3001), None);
        assert_eq!(line(&mut text, u64::MAX), None);
        assert_eq!(text.count(), Ok(3001));
        assert_eq!(text.known_count(), Some(3001));
        assert_eq!(text.start(1, true), Ok(Some(7)));
        assert_eq!(text.line_at(6), Ok(0));
        assert_eq!(text.line_at(7), Ok(1));
        assert_eq!(text.line_at(all.len() as u64 + 2), Ok(3000));
        assert_eq!(text.line_at(u64::MAX), Ok(3000));
        assert_eq!(whole("").count(), Ok(0));
        assert_eq!(whole("").line_at(5), Ok(0));
        // As many as are in one chunk.
        assert_eq!(whole("\n".repeat(256)).count(), Ok(256));
        assert_eq!(line(&mut whole("\n".repeat(512)), 512), None);
    }

    #[test]
    fn memory_does_not_grow_with_the_text() {
        let input = Pieces::new(("x".repeat(99) + "\n").repeat(200_000), &[]);
        let mut text = Text::new(input.clone());
        assert_eq!(text.count(), Ok(200_000));
        assert!(text.index.len() < 800 && text.blocks.len() <= MAX_BLOCKS);
        assert_eq!(*input.reads.borrow(), 307);
        // A line without end is several.
        let mut long = whole("x".repeat(3 * MAX_LINE + 5));
        assert_eq!(long.count(), Ok(4));
        assert_eq!(line(&mut long, 3).unwrap(), "xxxxx");
    }

    #[test]
    fn what_is_not_there_yet_is_waited_for_only_if_wanted() {
        let input = Pieces::new("one\nt", &["wo\nthr", "ee", "!\n"]);
        let mut text = Text::new(input.clone());
        let mut buffer = vec![];
        assert_eq!(text.line(0, &mut buffer, false), Ok(true));
        assert_eq!(text.line(1, &mut buffer, false), Err(Stop::NotYet));
        assert_eq!(line(&mut text, 1).unwrap(), "two");
        assert_eq!(text.has(2, false), Err(Stop::NotYet));
        assert_eq!(line(&mut text, 2).unwrap(), "three!");
        assert_eq!(text.has(3, true), Ok(false));
        // It has grown.
        input.there.borrow_mut().extend(b"four");
        text.look_again();
        assert_eq!(line(&mut text, 3).unwrap(), "four");
        input.there.borrow_mut().extend(b"teen\n");
        text.look_again();
        assert_eq!(line(&mut text, 3).unwrap(), "fourteen");
    }
}
