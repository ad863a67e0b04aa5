//! The line discipline: what becomes of bytes between whoever sits at a terminal and the programs on it (POSIX.1-2024,
//! XBD 11.1).
//!
//! A machine of states without locks, processes or wakers. Both directions are bounded, and no byte is lost in either:
//! what does not fit is not taken. An echo alone is dropped where nobody takes what is shown.

use std::collections::VecDeque;

use super::attributes::{Attributes, DELETE, DISABLED, InputModes, LocalModes, OutputModes, control};
use crate::Signal;

/// Bytes that may wait to be read.
pub const TERMINAL_INPUT_CAPACITY: usize = 16 * 1024;
/// A line that is longer is handed over in pieces of this length (`MAX_CANON`).
pub const TERMINAL_LINE_MAX: usize = 4096;
/// Bytes of programs that may wait to be shown.
pub const TERMINAL_OUTPUT_CAPACITY: usize = 64 * 1024;
/// Bytes of echo that have room besides.
const ECHO_CAPACITY: usize = 8 * 1024;
/// The most that showing one byte takes: a carriage return and a newline.
const OUTPUT_EXPANSION: usize = 2;

/// What all of this takes at most: the buffers, and lengths of lines beside them.
pub(super) const TERMINAL_BYTES: usize =
    TERMINAL_INPUT_CAPACITY * 5 + TERMINAL_LINE_MAX * 2 + TERMINAL_OUTPUT_CAPACITY + ECHO_CAPACITY;

const TAB_COLUMNS: usize = 8;

/// What came of bytes that were typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// How many were taken. Fewer than there are wait until something is read.
    pub(super) taken: usize,
    /// What they send to the programs in the foreground, in order.
    pub(super) signals: Vec<Signal>,
}

#[derive(Debug, Default)]
pub(super) struct Discipline {
    attributes: Attributes,
    /// What can be read.
    ready: VecDeque<u8>,
    /// In canonical mode, how much of it makes one line each, from the front; 0 is an end of file.
    lines: VecDeque<u32>,
    /// The line that is being edited.
    line: Vec<u8>,
    /// Where on the screen that began.
    line_column: usize,
    /// The next character is no special one.
    literal_next: bool,
    /// What waits to be shown.
    output: VecDeque<u8>,
    column: usize,
    /// The stop character holds output.
    held: bool,
}

impl Discipline {
    pub(super) fn attributes(&self) -> Attributes {
        self.attributes
    }

    /// Changes modes. What was typed before stays, in the form in which it is there.
    pub(super) fn set_attributes(&mut self, attributes: Attributes) {
        let was = self.is(LocalModes::CANONICAL);
        self.attributes = attributes;
        let is = self.is(LocalModes::CANONICAL);
        if was && !is {
            self.ready.extend(self.line.drain(..));
            self.lines.clear();
        } else if !was && is && !self.ready.is_empty() {
            self.lines.push_back(self.ready.len() as u32);
        }
        if !self.has_input(InputModes::FLOW_CONTROL) {
            self.held = false;
        }
        if !self.is(LocalModes::EXTENDED) {
            self.literal_next = false;
        }
    }

    fn is(&self, mode: LocalModes) -> bool {
        self.attributes.local.contains(mode)
    }

    fn has_input(&self, mode: InputModes) -> bool {
        self.attributes.input.contains(mode)
    }

    /// Whether `byte` is a special character: this one, unless it is switched off.
    fn names(byte: u8, character: u8) -> bool {
        byte == character && character != DISABLED
    }

    /// Takes what is typed.
    pub(super) fn type_in(&mut self, bytes: &[u8]) -> Typed {
        let mut typed = Typed::default();
        for &byte in bytes {
            if !self.take(byte, &mut typed.signals) {
                break;
            }
            typed.taken += 1;
        }
        typed
    }

    /// Takes one byte, or says that it has to wait.
    fn take(&mut self, typed: u8, signals: &mut Vec<Signal>) -> bool {
        let byte = if self.has_input(InputModes::STRIP) { typed & 0x7f } else { typed };
        if self.literal_next {
            return self.keep(byte, true, |this| this.literal_next = false);
        }
        let characters = self.attributes.characters;
        if self.has_input(InputModes::FLOW_CONTROL) {
            if Self::names(byte, characters.start) {
                self.held = false;
                return true;
            }
            if Self::names(byte, characters.stop) {
                self.held = true;
                return true;
            }
            if self.has_input(InputModes::ANY_STARTS) {
                self.held = false;
            }
        }
        if self.is(LocalModes::SIGNALS) {
            let sent = [
                (characters.interrupt, Signal::Int),
                (characters.quit, Signal::Quit),
                (characters.suspend, Signal::Tstp),
            ];
            if let Some((_, signal)) = sent.into_iter().find(|&(special, _)| Self::names(byte, special)) {
                self.send(byte, signal, signals);
                return true;
            }
        }
        let byte = match byte {
            b'\r' if self.has_input(InputModes::IGNORE_RETURN) => return true,
            b'\r' if self.has_input(InputModes::RETURN_TO_NEWLINE) => b'\n',
            b'\n' if self.has_input(InputModes::NEWLINE_TO_RETURN) => b'\r',
            byte => byte,
        };
        if self.is(LocalModes::CANONICAL) { self.edit(byte) } else { self.keep(byte, false, |_| {}) }
    }

    /// A character that sends a signal. Unless that is switched off, nothing that was typed or written before it is
    /// read or shown any more.
    fn send(&mut self, byte: u8, signal: Signal, signals: &mut Vec<Signal>) {
        self.held = false;
        if !self.is(LocalModes::NO_FLUSH) {
            self.flush_input();
            self.output.clear();
        }
        if self.is(LocalModes::ECHO) {
            self.echo(byte);
        }
        // Each is sent once: nothing can happen between two of them.
        if signals.last() != Some(&signal) {
            signals.push(signal);
        }
    }

    /// A byte in canonical mode.
    fn edit(&mut self, byte: u8) -> bool {
        let characters = self.attributes.characters;
        let extended = self.is(LocalModes::EXTENDED);
        if Self::names(byte, characters.erase) {
            self.erase_character();
        } else if Self::names(byte, characters.kill) {
            self.kill_line(byte);
        } else if extended && Self::names(byte, characters.word_erase) {
            self.erase_word();
        } else if extended && Self::names(byte, characters.reprint) {
            self.reprint(byte);
        } else if extended && Self::names(byte, characters.literal_next) {
            self.literal_next = true;
            if self.is(LocalModes::ECHO) && self.is(LocalModes::ECHO_CONTROL) {
                self.show_echo(b"^\x08");
            }
        } else if Self::names(byte, characters.end_of_file) {
            if self.lines.len() >= TERMINAL_INPUT_CAPACITY {
                return false;
            }
            self.end_line();
        } else if byte == b'\n' || Self::names(byte, characters.end_of_line) {
            return self.keep(byte, false, Self::end_line);
        } else {
            return self.keep(byte, false, |_| {});
        }
        true
    }

    /// Keeps a byte to be read, shows it, and goes on from there; or says that there is no room.
    fn keep(&mut self, byte: u8, literally: bool, then: impl FnOnce(&mut Self)) -> bool {
        if !self.takes_input() {
            return false;
        }
        if self.is(LocalModes::CANONICAL) {
            if self.line.is_empty() {
                self.line_column = self.column;
            }
            if self.line.len() >= TERMINAL_LINE_MAX {
                self.end_line();
            }
            self.line.push(byte);
        } else {
            self.ready.push_back(byte);
        }
        if byte == b'\n' && !literally && self.is(LocalModes::CANONICAL) {
            if self.is(LocalModes::ECHO) || self.is(LocalModes::ECHO_NEWLINE) {
                self.echo(byte);
            }
        } else if self.is(LocalModes::ECHO) {
            self.echo(byte);
        }
        then(self);
        true
    }

    /// What is in the line can be read.
    fn end_line(&mut self) {
        self.lines.push_back(self.line.len() as u32);
        self.ready.extend(self.line.drain(..));
    }

    /// Takes the last character of the line away, and gives the columns that it took.
    fn take_last(&mut self) -> Option<usize> {
        let from = self.last_character()?;
        let whole = columns(&self.line, self.line_column, self.is(LocalModes::ECHO_CONTROL));
        self.line.truncate(from);
        let left = columns(&self.line, self.line_column, self.is(LocalModes::ECHO_CONTROL));
        // Part of a character may take more than all of it.
        Some(whole.saturating_sub(left))
    }

    /// Where the last character of the line begins.
    fn last_character(&self) -> Option<usize> {
        let mut at = self.line.len().checked_sub(1)?;
        if self.has_input(InputModes::UTF8) {
            // No character has more than three bytes after its first.
            let least = at.saturating_sub(3);
            while at > least && is_continuation(self.line[at]) {
                at -= 1;
            }
            if is_continuation(self.line[at]) {
                return Some(self.line.len() - 1);
            }
        }
        Some(at)
    }

    fn erase_character(&mut self) {
        if let Some(columns) = self.take_last() {
            self.show_erased(columns);
        }
    }

    fn erase_word(&mut self) {
        let mut columns = 0;
        let mut in_word = false;
        while let Some(at) = self.last_character() {
            let is_blank = matches!(self.line[at], b' ' | b'\t');
            if is_blank && in_word {
                break;
            }
            in_word |= !is_blank;
            columns += self.take_last().unwrap_or_default();
        }
        self.show_erased(columns);
    }

    fn kill_line(&mut self, byte: u8) {
        let columns = columns(&self.line, self.line_column, self.is(LocalModes::ECHO_CONTROL));
        self.line.clear();
        if !self.is(LocalModes::ECHO) {
            return;
        }
        if self.is(LocalModes::ECHO_KILL_ERASE) && self.is(LocalModes::ECHO_ERASE) {
            self.show_erased(columns);
        } else {
            self.echo(byte);
            if self.is(LocalModes::ECHO_KILL) {
                self.echo(b'\n');
            }
        }
    }

    fn reprint(&mut self, byte: u8) {
        if !self.is(LocalModes::ECHO) {
            return;
        }
        self.echo(byte);
        self.echo(b'\n');
        self.line_column = self.column;
        for index in 0..self.line.len() {
            self.echo(self.line[index]);
        }
    }

    fn show_erased(&mut self, columns: usize) {
        if !self.is(LocalModes::ECHO) {
            return;
        }
        if !self.is(LocalModes::ECHO_ERASE) {
            let erase = self.attributes.characters.erase;
            return self.echo(erase);
        }
        for _ in 0..columns {
            self.show_echo(b"\x08 \x08");
        }
    }

    /// Shows a byte that was typed.
    fn echo(&mut self, byte: u8) {
        if is_control(byte) && self.is(LocalModes::ECHO_CONTROL) && !matches!(byte, b'\n' | b'\t') {
            self.show_echo(&[b'^', byte ^ 0x40]);
        } else {
            self.show_echo(&[byte]);
        }
    }

    /// Shows bytes that no program has written, if there is room.
    fn show_echo(&mut self, bytes: &[u8]) {
        let room = TERMINAL_OUTPUT_CAPACITY + ECHO_CAPACITY;
        if self.output.len() + bytes.len() * OUTPUT_EXPANSION <= room {
            bytes.iter().for_each(|&byte| self.show(byte));
        }
    }

    /// Puts a byte where it is shown.
    fn show(&mut self, byte: u8) {
        let modes = self.attributes.output;
        if !modes.contains(OutputModes::PROCESS) {
            self.output.push_back(byte);
            self.move_on(byte);
            return;
        }
        match byte {
            b'\n' if modes.contains(OutputModes::NEWLINE_TO_RETURN_NEWLINE) => {
                self.output.extend(b"\r\n");
                self.column = 0;
            }
            b'\n' => {
                self.output.push_back(b'\n');
                if modes.contains(OutputModes::NEWLINE_RETURNS) {
                    self.column = 0;
                }
            }
            b'\r' if modes.contains(OutputModes::NO_RETURN_AT_START) && self.column == 0 => {}
            b'\r' if modes.contains(OutputModes::RETURN_TO_NEWLINE) => self.output.push_back(b'\n'),
            byte => {
                self.output.push_back(byte);
                self.move_on(byte);
            }
        }
    }

    fn move_on(&mut self, byte: u8) {
        match byte {
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.saturating_sub(1),
            b'\t' => self.column = next_tab(self.column),
            byte if is_control(byte) || is_continuation(byte) => {}
            _ => self.column += 1,
        }
    }

    /// Takes what a program writes: as much as there is room for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.held {
            return 0;
        }
        let mut taken = 0;
        for &byte in bytes {
            if self.output.len() + OUTPUT_EXPANSION > TERMINAL_OUTPUT_CAPACITY {
                break;
            }
            self.show(byte);
            taken += 1;
        }
        taken
    }

    /// Whether a program's write would find room.
    pub(super) fn is_writable(&self) -> bool {
        !self.held && self.output.len() + OUTPUT_EXPANSION <= TERMINAL_OUTPUT_CAPACITY
    }

    /// Whether something that is typed would be taken.
    pub(super) fn takes_input(&self) -> bool {
        self.ready.len() + self.line.len() < TERMINAL_INPUT_CAPACITY
            && self.lines.len() < TERMINAL_INPUT_CAPACITY
    }

    /// Whether everything was shown.
    pub(super) fn is_drained(&self) -> bool {
        self.output.is_empty()
    }

    /// Whether a read would give something, be it the end.
    pub(super) fn is_readable(&self) -> bool {
        if self.is(LocalModes::CANONICAL) {
            !self.lines.is_empty()
        } else {
            self.ready.len() >= usize::from(self.attributes.characters.minimum)
        }
    }

    /// Reads: in canonical mode of one line, 0 bytes at an end of file. None if that has to wait.
    pub(super) fn read(&mut self, target: &mut [u8]) -> Option<usize> {
        if target.is_empty() {
            return Some(0);
        }
        if !self.is(LocalModes::CANONICAL) {
            let least = usize::from(self.attributes.characters.minimum).min(target.len());
            if self.ready.len() < least {
                return None;
            }
            return Some(drain(&mut self.ready, target));
        }
        let line = self.lines.front_mut()?;
        let length = target.len().min(*line as usize);
        let length = drain(&mut self.ready, &mut target[..length]);
        *line -= length as u32;
        if *line == 0 {
            self.lines.pop_front();
        }
        Some(length)
    }

    /// Takes out what is to be shown.
    pub(super) fn take_output(&mut self, target: &mut [u8]) -> usize {
        drain(&mut self.output, target)
    }

    /// Forgets what was typed and not read.
    pub(super) fn flush_input(&mut self) {
        self.ready.clear();
        self.lines.clear();
        self.line.clear();
        self.literal_next = false;
    }

    #[cfg(test)]
    fn lengths(&self) -> (usize, usize, usize) {
        (self.ready.len() + self.line.len(), self.output.len(), self.lines.len())
    }
}

fn drain(from: &mut VecDeque<u8>, target: &mut [u8]) -> usize {
    let length = target.len().min(from.len());
    for (place, byte) in target.iter_mut().zip(from.drain(..length)) {
        *place = byte;
    }
    length
}

fn is_control(byte: u8) -> bool {
    byte < b' ' || byte == DELETE
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn next_tab(column: usize) -> usize {
    (column / TAB_COLUMNS + 1) * TAB_COLUMNS
}

/// The columns that a line takes which begins at `start`.
fn columns(line: &[u8], start: usize, shows_control: bool) -> usize {
    let mut at = start;
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            at = match character {
                '\t' => next_tab(at),
                '\n' => at,
                character if character.is_ascii_control() => at + if shows_control { 2 } else { 0 },
                character => at + width(character),
            };
        }
        at += chunk.invalid().iter().filter(|byte| !is_continuation(**byte)).count();
    }
    at - start
}

/// The columns of a character, by the large blocks of those that take two or none.
fn width(character: char) -> usize {
    match u32::from(character) {
        0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

const _: () = assert!(control(b'C') == 3 && TERMINAL_LINE_MAX < TERMINAL_INPUT_CAPACITY);

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Attributes)) -> Discipline {
        let mut attributes = Attributes::default();
        change(&mut attributes);
        let mut discipline = Discipline::default();
        discipline.set_attributes(attributes);
        discipline
    }

    fn typed(discipline: &mut Discipline, text: &str) -> Vec<Signal> {
        let typed = discipline.type_in(text.as_bytes());
        assert_eq!(typed.taken, text.len());
        typed.signals
    }

    fn read(discipline: &mut Discipline) -> Option<String> {
        let mut buffer = [0; 100_000];
        let length = discipline.read(&mut buffer)?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    fn shown(discipline: &mut Discipline) -> String {
        let mut buffer = [0; 100_000];
        let length = discipline.take_output(&mut buffer);
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn lines_are_read_one_by_one_once_they_are_complete() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, "on");
        assert_eq!(read(&mut discipline), None);
        typed(&mut discipline, "e\rtwo\nthr");
        let mut short = [0; 2];
        assert_eq!((discipline.read(&mut short), short), (Some(2), *b"on"));
        assert_eq!(read(&mut discipline).as_deref(), Some("e\n"));
        assert_eq!(read(&mut discipline).as_deref(), Some("two\n"));
        assert_eq!(read(&mut discipline), None);
        assert_eq!(shown(&mut discipline), "one\r\ntwo\r\nthr");
    }

    #[test]
    fn the_end_of_file_gives_what_was_typed_and_alone_the_end() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, "part\x04\x04x\n");
        let all: Vec<_> = std::iter::from_fn(|| read(&mut discipline)).collect();
        assert_eq!(all, ["part", "", "x\n"]);
        assert_eq!(shown(&mut discipline), "partx\r\n", "it is not shown");
    }

    #[test]
    fn characters_words_and_lines_are_erased() {
        for (keys, line, screen) in [
            ("abc\x7f\x7fx\n", "ax\n", "abc\x08 \x08\x08 \x08x\r\n"),
            ("\x7f\x7fa\n", "a\n", "a\r\n"),
            ("gr\u{fc}\x7f\u{df}\n", "gr\u{df}\n", "gr\u{fc}\x08 \x08\u{df}\r\n"),
            ("\u{65e5}\x7fx\n", "x\n", "\u{65e5}\x08 \x08\x08 \x08x\r\n"),
            ("a\x01\x7fb\n", "ab\n", "a^A\x08 \x08\x08 \x08b\r\n"),
            ("ab\t\x7fc\n", "abc\n", "ab\tBBBBBBc\r\n"),
            ("one two  \x17x\n", "one x\n", "one two  BBBBBx\r\n"),
            ("e\u{301}\x7fx\n", "ex\n", "e\u{301}x\r\n"),
            ("abc\x15de\n", "de\n", "abcBBBde\r\n"),
        ] {
            let mut discipline = Discipline::default();
            typed(&mut discipline, keys);
            assert_eq!(read(&mut discipline).as_deref(), Some(line), "{keys:?}");
            assert_eq!(shown(&mut discipline), screen.replace('B', "\x08 \x08"), "{keys:?}");
        }
    }

    #[test]
    fn what_is_no_character_any_more_is_erased_byte_by_byte() {
        let mut discipline = with(|attributes| attributes.input.remove(InputModes::UTF8));
        typed(&mut discipline, "\u{301}\x7f\x7f\x7f\u{65e5}\x17x\n");
        assert_eq!(read(&mut discipline).as_deref(), Some("x\n"));
        assert!(shown(&mut discipline).len() < 100);
    }

    #[test]
    fn a_character_that_is_typed_literally_is_no_special_one() {
        let mut discipline = Discipline::default();
        assert_eq!(typed(&mut discipline, "\x16\x03\x16\x04\x16\n\n"), []);
        assert_eq!(read(&mut discipline).as_deref(), Some("\x03\x04\n\n"));
        let mut off = with(|attributes| attributes.local.remove(LocalModes::EXTENDED));
        assert_eq!(typed(&mut off, "\x16\x03"), [Signal::Int]);
    }

    #[test]
    fn a_line_is_shown_again() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, "ab\x12");
        assert_eq!(shown(&mut discipline), "ab^R\r\nab");
    }

    #[test]
    fn signals_are_sent_and_forget_what_waits() {
        let mut discipline = Discipline::default();
        discipline.write(b"much output");
        let signals = typed(&mut discipline, "a\nb\x03c\x1a\x1cd\n");
        assert_eq!(signals, [Signal::Int, Signal::Tstp, Signal::Quit]);
        assert_eq!(read(&mut discipline).as_deref(), Some("d\n"));
        assert_eq!(shown(&mut discipline), "^\\d\r\n");
        let mut kept = with(|attributes| attributes.local.insert(LocalModes::NO_FLUSH));
        assert_eq!(typed(&mut kept, "a\x03\n"), [Signal::Int]);
        assert_eq!(read(&mut kept).as_deref(), Some("a\n"));
        let mut off = with(|attributes| attributes.characters.interrupt = DISABLED);
        assert_eq!(typed(&mut off, "\x03\0\n"), []);
        assert_eq!(read(&mut off).as_deref(), Some("\x03\0\n"));
    }

    #[test]
    fn raw_bytes_are_read_as_they_are_typed() {
        let mut discipline = with(|attributes| *attributes = attributes.raw());
        assert_eq!(typed(&mut discipline, "\x03\r\x7f\x04"), []);
        assert_eq!(read(&mut discipline).as_deref(), Some("\x03\r\x7f\x04"));
        assert_eq!((read(&mut discipline), shown(&mut discipline)), (None, String::new()));
        discipline.write(b"a\nb");
        assert_eq!(shown(&mut discipline), "a\nb");
        let mut attributes = discipline.attributes();
        attributes.characters.minimum = 3;
        discipline.set_attributes(attributes);
        typed(&mut discipline, "xy");
        assert_eq!((discipline.is_readable(), read(&mut discipline)), (false, None));
        typed(&mut discipline, "z");
        assert_eq!(read(&mut discipline).as_deref(), Some("xyz"));
        attributes.characters.minimum = 0;
        discipline.set_attributes(attributes);
        assert_eq!((discipline.is_readable(), read(&mut discipline).as_deref()), (true, Some("")));
    }

    #[test]
    fn what_was_typed_before_a_change_of_mode_is_read_after_it() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, "one\ntw");
        discipline.set_attributes(Attributes::default().raw());
        assert_eq!(read(&mut discipline).as_deref(), Some("one\ntw"));
        typed(&mut discipline, "x\ry");
        discipline.set_attributes(Attributes::default());
        assert_eq!(read(&mut discipline).as_deref(), Some("x\ry"));
        assert_eq!(read(&mut discipline), None);
    }

    #[test]
    fn output_is_held_until_it_may_go_on() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, "\x13");
        assert_eq!((discipline.write(b"x"), discipline.is_writable()), (0, false));
        typed(&mut discipline, "\x11");
        assert_eq!((discipline.write(b"x"), shown(&mut discipline).as_str()), (1, "x"));
        typed(&mut discipline, "\x13\x03");
        assert!(discipline.is_writable(), "a signal lets it go on");
        typed(&mut discipline, "\x13");
        discipline.set_attributes(Attributes::default().raw());
        assert!(discipline.is_writable(), "who switches it off is not held");
    }

    #[test]
    fn echo_stays_within_its_room_and_signals_come_through_when_nobody_looks() {
        let mut discipline = Discipline::default();
        while discipline.write(&[b'\n'; 1000]) > 0 {}
        assert!(!discipline.is_writable());
        for _ in 0..40 {
            typed(&mut discipline, &"x".repeat(TERMINAL_LINE_MAX / 2));
            typed(&mut discipline, "\x15");
        }
        assert!(discipline.lengths().1 <= TERMINAL_OUTPUT_CAPACITY + ECHO_CAPACITY);
        assert_eq!(typed(&mut discipline, "\x03"), [Signal::Int]);
        assert_eq!(shown(&mut discipline), "^C");
    }

    #[test]
    fn long_lines_come_in_pieces_and_what_has_no_room_waits() {
        let mut discipline = Discipline::default();
        let line = "y".repeat(2 * TERMINAL_INPUT_CAPACITY);
        let taken = discipline.type_in(line.as_bytes()).taken;
        assert_eq!((taken, discipline.takes_input()), (TERMINAL_INPUT_CAPACITY, false));
        assert_eq!(discipline.type_in(b"\x03").signals, [Signal::Int], "a signal has no need of room");
        discipline.type_in(line.as_bytes());
        assert_eq!(read(&mut discipline).map(|piece| piece.len()), Some(TERMINAL_LINE_MAX));
        assert_eq!(discipline.type_in(line.as_bytes()).taken, TERMINAL_LINE_MAX);
        let mut ends = Discipline::default();
        assert_eq!(ends.type_in(&vec![4; 2 * TERMINAL_INPUT_CAPACITY]).taken, TERMINAL_INPUT_CAPACITY);
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        #[derive(Clone, Debug)]
        enum Step {
            Type(Vec<u8>),
            Write(Vec<u8>),
            Read(usize),
            Show(usize),
            Modes(Attributes),
        }

        fn attributes() -> impl Strategy<Value = Attributes> {
            (any::<u16>(), any::<u16>(), any::<u16>(), any::<[u8; 13]>()).prop_map(
                |(input, output, local, bytes)| {
                    let mut attributes = Attributes {
                        input: InputModes::from_bits_truncate(input),
                        output: OutputModes::from_bits_truncate(output),
                        local: LocalModes::from_bits_truncate(local),
                        ..Attributes::default()
                    };
                    let characters = &mut attributes.characters;
                    let all = [
                        &mut characters.interrupt,
                        &mut characters.quit,
                        &mut characters.suspend,
                        &mut characters.erase,
                        &mut characters.word_erase,
                        &mut characters.kill,
                        &mut characters.end_of_file,
                        &mut characters.end_of_line,
                        &mut characters.start,
                        &mut characters.stop,
                        &mut characters.literal_next,
                        &mut characters.reprint,
                        &mut characters.minimum,
                    ];
                    for (place, byte) in all.into_iter().zip(bytes) {
                        // Half of the time what they usually are.
                        if byte & 1 == 1 {
                            *place = byte;
                        }
                    }
                    attributes
                },
            )
        }

        fn bytes() -> impl Strategy<Value = Vec<u8>> {
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                prop::collection::vec(
                    prop::sample::select(b"ab \t\r\n\x7f\x15\x17\x04\x03\x13\x11\x16\x12\xc3\xbc".to_vec()),
                    0..100
                ),
                (any::<u8>(), 0..9000_usize).prop_map(|(byte, count)| vec![byte; count]),
            ]
        }

        fn step() -> impl Strategy<Value = Step> {
            prop_oneof![
                4 => bytes().prop_map(Step::Type),
                2 => bytes().prop_map(Step::Write),
                2 => (0..9000_usize).prop_map(Step::Read),
                2 => (0..9000_usize).prop_map(Step::Show),
                1 => attributes().prop_map(Step::Modes),
            ]
        }

        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            fn its_bounds_hold_whatever_happens(steps in prop::collection::vec(step(), 0..60)) {
                let mut discipline = Discipline::default();
                let mut buffer = vec![0; 9000];
                for step in steps {
                    match step {
                        Step::Type(bytes) => {
                            let took = discipline.takes_input();
                            let typed = discipline.type_in(&bytes);
                            prop_assert!(typed.taken <= bytes.len());
                            prop_assert!(!took || bytes.is_empty() || typed.taken > 0);
                        }
                        Step::Write(bytes) => {
                            let writable = discipline.is_writable();
                            prop_assert_eq!(discipline.write(&bytes) > 0, writable && !bytes.is_empty());
                        }
                        Step::Read(length) => {
                            let readable = discipline.is_readable();
                            let read = discipline.read(&mut buffer[..length]);
                            prop_assert!(length == 0 || !readable || read.is_some());
                        }
                        Step::Show(length) => {
                            let drained = discipline.is_drained();
                            prop_assert_eq!(discipline.take_output(&mut buffer[..length]) == 0, length == 0 || drained);
                        }
                        Step::Modes(attributes) => discipline.set_attributes(attributes),
                    }
                    let (input, output, lines) = discipline.lengths();
                    prop_assert!(input <= TERMINAL_INPUT_CAPACITY && lines <= TERMINAL_INPUT_CAPACITY + 1);
                    prop_assert!(output <= TERMINAL_OUTPUT_CAPACITY + ECHO_CAPACITY);
                    let lined: usize = discipline.lines.iter().map(|length| *length as usize).sum();
                    prop_assert!(lined <= discipline.ready.len());
                    if discipline.is(LocalModes::CANONICAL) {
                        prop_assert_eq!(lined, discipline.ready.len());
                    } else {
                        prop_assert!(discipline.lines.is_empty() && discipline.line.is_empty());
                    }
                }
            }

            /// With no special characters, whatever is typed is read: in any pieces, over any changes of mode.
            #[test]
            fn no_byte_is_lost(
                pieces in prop::collection::vec((bytes(), any::<bool>(), 1..9000_usize), 0..40),
                extra in prop::collection::vec(bytes(), 0..10),
            ) {
                let quiet = |canonical: bool| {
                    let mut attributes = Attributes::default().raw();
                    attributes.local.set(LocalModes::CANONICAL, canonical);
                    let minimum = attributes.characters.minimum;
                    attributes.characters = crate::terminal::ControlCharacters {
                        interrupt: 0, quit: 0, suspend: 0, erase: 0, word_erase: 0, kill: 0, end_of_file: 0,
                        end_of_line: 0, start: 0, stop: 0, literal_next: 0, reprint: 0, minimum,
                    };
                    attributes
                };
                let mut discipline = Discipline::default();
                let (mut sent, mut got) = (Vec::new(), Vec::new());
                let mut buffer = vec![0; 9000];
                for (bytes, canonical, length) in pieces {
                    discipline.set_attributes(quiet(canonical));
                    let mut rest = &bytes[..];
                    loop {
                        let taken = discipline.type_in(rest).taken;
                        sent.extend_from_slice(&rest[..taken]);
                        rest = &rest[taken..];
                        if rest.is_empty() {
                            break;
                        }
                        // What is full can be read.
                        let read = discipline.read(&mut buffer[..length]).unwrap();
                        got.extend_from_slice(&buffer[..read]);
                    }
                }
                discipline.set_attributes(quiet(false));
                while discipline.is_readable() {
                    let read = discipline.read(&mut buffer).unwrap();
                    got.extend_from_slice(&buffer[..read]);
                }
                prop_assert_eq!(got, sent);

                let (mut sent, mut got) = (Vec::new(), Vec::new());
                for bytes in extra {
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        let taken = discipline.write(rest);
                        sent.extend_from_slice(&rest[..taken]);
                        rest = &rest[taken..];
                        let length = discipline.take_output(&mut buffer);
                        got.extend_from_slice(&buffer[..length]);
                    }
                }
                while !discipline.is_drained() {
                    let length = discipline.take_output(&mut buffer);
                    got.extend_from_slice(&buffer[..length]);
                }
                prop_assert_eq!(got, sent);
            }
        }
    }
}
