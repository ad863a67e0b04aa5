//! How a line stands on a terminal: which rows and columns it takes, and what has to be written to show it anew.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where the cursor is, from where the prompt begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

/// What is shown of a line.
#[derive(Default)]
pub struct Screen {
    cursor: Place,
    /// Something of it is shown: there is something to put it in the place of.
    is_shown: bool,
    /// The cursor is behind the last character.
    is_at_end: bool,
}

impl Screen {
    /// What shows the prompt and the line instead of what was shown before, with the cursor before the byte `position`.
    pub fn draw(&mut self, columns: usize, prompt: &str, line: &str, position: usize) -> String {
        let prompt = printed(prompt);
        let mut text = String::new();
        if self.cursor.row > 0 {
            text.push_str(&format!("\x1b[{}A", self.cursor.row));
        }
        if self.is_shown {
            text.push('\r');
        }
        text.push_str(&prompt);
        text.push_str(&line.replace('\n', "\r\n"));
        let before = after(columns, Place::default(), &visible(&prompt));
        let end = after(columns, before, line);
        if end.column == 0 && end.row > 0 && !line.ends_with('\n') {
            // The terminal goes on to the next row when there is something to show in it.
            text.push_str("\r\n");
        }
        if std::mem::replace(&mut self.is_shown, true) {
            text.push_str("\x1b[J");
        }
        self.cursor = after(columns, before, line.get(..position).unwrap_or(line));
        self.is_at_end = position >= line.len();
        if !self.is_at_end {
            if end.row > self.cursor.row {
                text.push_str(&format!("\x1b[{}A", end.row - self.cursor.row));
            }
            text.push('\r');
            if self.cursor.column > 0 {
                text.push_str(&format!("\x1b[{}C", self.cursor.column));
            }
        }
        text
    }

    /// What shows one more character at the end; none if everything has to be shown.
    pub fn append(&mut self, columns: usize, character: char) -> Option<String> {
        let place = after(columns, self.cursor, character.encode_utf8(&mut [0; 4]));
        (self.is_at_end && place.row == self.cursor.row).then(|| {
            self.cursor = place;
            character.to_string()
        })
    }
}

/// Where a text ends that begins there.
fn after(columns: usize, from: Place, text: &str) -> Place {
    let Place { mut row, mut column } = from;
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if character == '\n' || column + width > columns {
            (row, column) = (row + 1, 0);
        }
        column += width;
    }
    if column >= columns {
        (row, column) = (row + 1, 0);
    }
    Place { row, column }
}

/// A prompt as it is written: without the marks that readline has around what takes no room.
pub fn printed(prompt: &str) -> String {
    prompt.replace(['\x01', '\x02'], "")
}

/// What takes room of a text with escape sequences.
fn visible(text: &str) -> String {
    let mut visible = String::new();
    let mut left = text.chars();
    while let Some(character) = left.next() {
        if character != '\x1b' {
            visible.push(character);
            continue;
        }
        match left.next() {
            Some('[') => drop(left.find(|character| ('@'..='~').contains(character))),
            // A title, for example.
            Some(']') => drop(left.find(|character| matches!(character, '\x07' | '\\'))),
            _ => {}
        }
    }
    visible
}

/// Names in as many columns as there is room for, downwards.
pub fn in_columns(columns: usize, names: &[&str]) -> String {
    let widest = names.iter().map(|name| name.width()).max().unwrap_or(0) + 2;
    let across = (columns / widest).max(1);
    let down = names.len().div_ceil(across);
    let mut text = String::new();
    for row in 0..down {
        let mut line = String::new();
        for name in names.iter().skip(row).step_by(down) {
            line.push_str(name);
            line.push_str(&" ".repeat(widest - name.width()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> (usize, usize) {
        let place = after(10, Place::default(), text);
        (place.row, place.column)
    }

    #[test]
    fn rows_and_columns_are_the_terminals() {
        assert_eq!(place("abc"), (0, 3));
        assert_eq!(place("0123456789"), (1, 0));
        assert_eq!(place("0123456789a"), (1, 1));
        // A wide character does not stand half in a row.
        assert_eq!(place("012345678漢"), (1, 2));
        assert_eq!(place("a\nb"), (1, 1));
        assert_eq!(visible("\x1b[1;32mhere\x1b[0m\x1b]0;title\x07$ "), "here$ ");
    }

    #[test]
    fn a_line_is_shown_in_place_of_the_last() {
        let mut screen = Screen::default();
        assert_eq!(screen.draw(10, "$ ", "abc", 3), "$ abc");
        assert_eq!(screen.append(10, 'd').as_deref(), Some("d"));
        assert_eq!(screen.draw(10, "$ ", "abcd", 1), "\r$ abcd\x1b[J\r\x1b[3C");
        assert_eq!(screen.append(10, 'd'), None);
        assert_eq!(screen.draw(10, "$ ", "0123456789", 10), "\r$ 0123456789\x1b[J");
        assert_eq!(screen.draw(10, "$ ", "0123456789", 0), "\x1b[1A\r$ 0123456789\x1b[J\x1b[1A\r\x1b[2C");
        assert_eq!(screen.draw(10, "$ ", "01234567", 8), "\r$ 01234567\r\n\x1b[J");
    }

    #[test]
    fn names_stand_in_columns() {
        assert_eq!(in_columns(10, &["a", "bb", "c"]), "a   c\nbb\n");
        assert_eq!(in_columns(3, &["long name", "x"]), "long name\nx\n");
    }
}
