//! One line as a pager shows it: characters and the columns they take, colours and overstriking, rows that fit on the
//! screen, and what was found in it. Nothing of a text reaches the terminal that could do more there than to be seen.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

const REVERSE: u8 = 1;
const BOLD: u8 = 2;
const UNDERLINE: u8 = 4;

/// How lines are shown.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Sequences that choose colours do so.
    pub has_colors: bool,
    pub tab: usize,
}

enum Shown {
    Itself,
    Blanks,
    /// Something that names it.
    Note(Box<str>),
}

struct Cell {
    /// Where its characters begin in the text.
    at: usize,
    width: usize,
    style: u8,
    shown: Shown,
}

/// A line that is laid out.
#[derive(Default)]
pub struct Line {
    /// What can be searched.
    pub text: String,
    cells: Vec<Cell>,
    /// Sequences that choose colours, before which cell each stands.
    colors: Vec<(usize, String)>,
}

/// The text of a line for searching, without laying it out.
pub fn plain(bytes: &[u8], look: Look) -> std::borrow::Cow<'_, str> {
    if memchr::memchr2(0x1b, 0x08, bytes).is_none() {
        return String::from_utf8_lossy(bytes);
    }
    Line::new(bytes, look).text.into()
}

impl Line {
    pub fn new(bytes: &[u8], look: Look) -> Self {
        let mut line = Line::default();
        let mut column = 0;
        for chunk in bytes.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some(character) = rest.chars().next() {
                if character == '\x1b'
                    && look.has_colors
                    && let Some((color, length)) = sequence(rest)
                {
                    if let Some(color) = color {
                        line.colors.push((line.cells.len(), color.to_owned()));
                    }
                    rest = &rest[length..];
                    continue;
                }
                rest = &rest[character.len_utf8()..];
                if character == '\x08'
                    && let Some(over) = rest.chars().next().filter(|over| !over.is_control())
                    && line.overstrike(over, &mut column)
                {
                    rest = &rest[over.len_utf8()..];
                    continue;
                }
                column += line.add(character, column, look);
            }
            for byte in chunk.invalid() {
                column += line.note(char::REPLACEMENT_CHARACTER, format!("<{byte:02X}>"));
            }
        }
        line
    }

    /// Adds a character and gives the columns that it takes.
    fn add(&mut self, character: char, column: usize, look: Look) -> usize {
        match character {
            '\t' => {
                let width = look.tab - column % look.tab;
                self.push(character, width, 0, Shown::Blanks);
                width
            }
            '\x1b' => self.note(character, "ESC".into()),
            '\0'..' ' | '\x7f' => {
                let name = char::from(character as u8 ^ 0x40);
                self.note(character, format!("^{name}"))
            }
            // Directions of writing would move what stands beside them.
            _ if character.is_control() || is_format(character) => {
                self.note(character, format!("<U+{:04X}>", u32::from(character)))
            }
            _ => match character.width().unwrap_or(0) {
                // It belongs to the character before.
                0 if !self.cells.is_empty() => {
                    self.text.push(character);
                    0
                }
                0 => self.note(character, format!("<U+{:04X}>", u32::from(character))),
                width => {
                    self.push(character, width, 0, Shown::Itself);
                    width
                }
            },
        }
    }

    fn push(&mut self, character: char, width: usize, style: u8, shown: Shown) {
        self.cells.push(Cell { at: self.text.len(), width, style, shown });
        self.text.push(character);
    }

    fn note(&mut self, character: char, note: String) -> usize {
        let width = note.len();
        self.push(character, width, REVERSE, Shown::Note(note.into()));
        width
    }

    /// A character that is printed over the last, as printers make bold and underlined ones.
    fn overstrike(&mut self, over: char, column: &mut usize) -> bool {
        let Some(cell) = self.cells.last_mut().filter(|cell| matches!(cell.shown, Shown::Itself)) else {
            return false;
        };
        let under = &self.text[cell.at..];
        if over == '_' && under != "_" {
            cell.style |= UNDERLINE;
        } else if under.starts_with(over) {
            cell.style |= BOLD;
        } else {
            let style = cell.style | if under == "_" { UNDERLINE } else { 0 };
            let (at, width) = (cell.at, cell.width);
            self.cells.pop();
            self.text.truncate(at);
            *column -= width;
            let width = over.width().unwrap_or(0);
            self.push(over, width, style, Shown::Itself);
            *column += width;
        }
        true
    }

    /// The cells of each row where rows are so wide; one row at least.
    pub fn rows(&self, columns: usize) -> Vec<Range<usize>> {
        let mut rows = vec![];
        let (mut start, mut column) = (0, 0);
        for (number, cell) in self.cells.iter().enumerate() {
            if column + cell.width > columns && number > start {
                rows.push(start..number);
                (start, column) = (number, 0);
            }
            column += cell.width;
        }
        rows.push(start..self.cells.len());
        rows
    }

    /// The row in which a place of the text is.
    pub fn row_of(&self, columns: usize, place: usize) -> usize {
        let cell = self.cells.partition_point(|cell| cell.at <= place).saturating_sub(1);
        self.rows(columns).iter().position(|row| row.contains(&cell)).unwrap_or(0)
    }

    /// What shows these cells, with marks where something was found.
    pub fn shown(&self, row: Range<usize>, found: &[Range<usize>]) -> String {
        self.render(row, found, usize::MAX)
    }

    /// What shows the part of a line from a column on in so many columns. That it goes on is marked.
    pub fn chopped(&self, left: usize, columns: usize, found: &[Range<usize>]) -> String {
        let mut column = 0;
        let mut first = 0;
        while first < self.cells.len() && column < left {
            column += self.cells[first].width;
            first += 1;
        }
        // Half of a wide character is none.
        let blanks = (column.saturating_sub(left)).min(columns);
        let (mut last, mut width) = (first, blanks);
        while last < self.cells.len() && width + self.cells[last].width <= columns {
            width += self.cells[last].width;
            last += 1;
        }
        let mut goes_on = last < self.cells.len();
        if goes_on && width >= columns && last > first {
            last -= 1;
            width -= self.cells[last].width;
        }
        goes_on &= width < columns;
        let mut shown = " ".repeat(blanks);
        shown.push_str(&self.render(first..last, found, columns));
        if goes_on {
            shown.push_str(&" ".repeat(columns - width - 1));
            shown.push_str("\x1b[7m>\x1b[0m");
        }
        shown
    }

    fn render(&self, row: Range<usize>, found: &[Range<usize>], columns: usize) -> String {
        let mut out = String::new();
        // What was chosen before and holds.
        let mut active = String::new();
        let mut colors = self.colors.iter().peekable();
        let (mut style, mut is_plain) = (0, true);
        for number in row.clone() {
            let cell = &self.cells[number];
            let before = active.len();
            let mut is_changed = false;
            while let Some((_, color)) = colors.next_if(|(at, _)| *at <= number) {
                is_changed = true;
                if is_reset(color) {
                    active.clear();
                } else {
                    active.push_str(color);
                }
            }
            is_changed &= before > 0 || !active.is_empty();
            let mut wanted = cell.style;
            if found.iter().any(|found| found.contains(&cell.at)) {
                wanted ^= REVERSE;
            }
            if is_changed || wanted != style {
                if !is_plain {
                    out.push_str("\x1b[0m");
                }
                out.push_str(&active);
                for (bit, code) in [(REVERSE, "\x1b[7m"), (BOLD, "\x1b[1m"), (UNDERLINE, "\x1b[4m")] {
                    if wanted & bit != 0 {
                        out.push_str(code);
                    }
                }
                style = wanted;
                is_plain = active.is_empty() && style == 0;
            }
            match &cell.shown {
                Shown::Itself => {
                    let end = self.cells.get(number + 1).map_or(self.text.len(), |next| next.at);
                    out.push_str(&self.text[cell.at..end]);
                }
                Shown::Blanks => out.push_str(&" ".repeat(cell.width.min(columns))),
                Shown::Note(note) => out.push_str(note),
            }
        }
        if !is_plain {
            out.push_str("\x1b[0m");
        }
        out
    }
}

fn is_reset(color: &str) -> bool {
    matches!(color, "\x1b[m" | "\x1b[0m")
}

fn is_format(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A sequence that chooses colours, if the text begins with one, or none for a link or the erasing of a line, which are
/// left out; and its length.
fn sequence(text: &str) -> Option<(Option<&str>, usize)> {
    let bytes = text.as_bytes();
    match bytes.get(1)? {
        b'[' => {
            let length = bytes[2..].iter().position(|byte| !matches!(byte, b'0'..=b';'))? + 3;
            match bytes[length - 1] {
                b'm' => Some((Some(&text[..length]), length)),
                b'K' => Some((None, length)),
                _ => None,
            }
        }
        b']' if text[2..].starts_with("8;") => {
            let end = text.find(['\x07', '\\'])?;
            Some((None, end + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { has_colors: true, tab: 8 };

    fn shown(bytes: &[u8], look: Look) -> String {
        let line = Line::new(bytes, look);
        line.shown(0..line.cells.len(), &[])
    }

    #[test]
    fn characters_are_shown_as_what_they_are() {
        assert_eq!(shown("a\tb é漢".as_bytes(), LOOK), "a       b é漢");
        assert_eq!(shown(b"a\tb", Look { tab: 4, ..LOOK }), "a   b");
        assert_eq!(shown(b"\x07\xff", LOOK), "\x1b[7m^G<FF>\x1b[0m");
        assert_eq!(
            shown("\u{9b}x\u{202e}".as_bytes(), LOOK),
            "\x1b[7m<U+009B>\x1b[0mx\x1b[7m<U+202E>\x1b[0m"
        );
        assert_eq!(shown("e\u{301}x".as_bytes(), LOOK), "e\u{301}x");
        assert_eq!(shown(b"b\x08bo_\x08ux\x08_", LOOK), "\x1b[1mb\x1b[0mo\x1b[4mux\x1b[0m");
        assert_eq!(plain(b"b\x08bo_\x08u", LOOK), "bou");
        assert_eq!(plain(b"plain\xff", LOOK), "plain\u{fffd}");
    }

    #[test]
    fn colours_are_shown_if_wanted_and_nothing_else_reaches_the_terminal() {
        let text = b"a\x1b[31mb\x1b[0mc\x1b[K\x1b]8;;x\x1b\\d";
        assert_eq!(shown(text, LOOK), "a\x1b[31mb\x1b[0mcd");
        assert_eq!(plain(text, LOOK), "abcd");
        let without = Look { has_colors: false, ..LOOK };
        assert_eq!(shown(b"\x1b[31mb", without), "\x1b[7mESC\x1b[0m[31mb");
        assert_eq!(shown(b"\x1b[2Jb\x1b]0;title\x07", LOOK).matches('\x1b').count(), 6, "three marks");
        // They hold from row to row.
        let line = Line::new(b"\x1b[1m\x1b[31mabcd\x1b[m", LOOK);
        let rows = line.rows(2);
        assert_eq!(rows, [0..2, 2..4]);
        assert_eq!(line.shown(rows[1].clone(), &[]), "\x1b[1m\x1b[31mcd\x1b[0m");
    }

    #[test]
    fn rows_are_as_wide_as_the_screen() {
        let rows = |text: &str, columns| Line::new(text.as_bytes(), LOOK).rows(columns);
        assert_eq!(rows("", 10), [0..0]);
        assert_eq!(rows("abc", 3), [0..3]);
        assert_eq!(rows("abcd", 3), [0..3, 3..4]);
        assert_eq!(rows("ab漢字", 3), [0..2, 2..3, 3..4]);
        assert_eq!(rows("漢", 1), [0..1]);
        assert_eq!(Line::new(b"abcdefg", LOOK).row_of(3, 4), 1);
    }

    #[test]
    fn a_long_line_can_be_chopped() {
        let line = Line::new("0123456789漢字".as_bytes(), LOOK);
        assert_eq!(line.chopped(0, 20, &[]), "0123456789漢字");
        assert_eq!(line.chopped(0, 4, &[]), "012\x1b[7m>\x1b[0m");
        assert_eq!(line.chopped(8, 4, &[]), "89 \x1b[7m>\x1b[0m");
        assert_eq!(line.chopped(11, 4, &[]), " 字");
        assert_eq!(line.chopped(100, 4, &[]), "");
    }

    #[test]
    fn what_was_found_is_marked() {
        let line = Line::new(b"one two \x1b[31mtwo\x1b[0m", LOOK);
        assert_eq!(line.shown(0..11, &[4..7, 8..11]), "one \x1b[7mtwo\x1b[0m \x1b[31m\x1b[7mtwo\x1b[0m");
    }
}
