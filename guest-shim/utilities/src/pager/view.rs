//! What of a text is on the screen, and how that moves: by rows, to lines, to what is looked for. It knows no terminal and
//! no keys.

use std::collections::HashMap;
use std::ops::Range;

use super::line::{self, Line, Look};
use super::text::{Stop, Text};
use super::tty::Size;

/// Columns in front of a line for its number.
const NUMBER: usize = 8;
/// So many heights of lines are kept.
const MAX_HEIGHTS: usize = 4096;
/// So many lines are searched before somebody is asked whether to go on.
pub const SEARCHED_AT_ONCE: u64 = 4096;

/// When the case of letters does not count in a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Folding {
    #[default]
    Never,
    /// If the pattern has no capitals.
    Small,
    Always,
}

/// How the text is shown.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub look: Look,
    pub has_numbers: bool,
    pub chops: bool,
    pub squeezes: bool,
    pub folding: Folding,
    pub marks_found: bool,
    /// What is behind the end of the text is marked.
    pub has_tildes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            look: Look { has_colors: false, tab: 8 },
            has_numbers: false,
            chops: false,
            squeezes: false,
            folding: Folding::Never,
            marks_found: true,
            has_tildes: true,
        }
    }
}

/// A row of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u64,
    pub row: usize,
}

/// What is looked for.
#[derive(Clone)]
pub struct Pattern {
    expression: regex_lite::Regex,
    /// Where nothing in it has a meaning of its own.
    literal: Option<String>,
    /// Lines are wanted in which it is not.
    is_negated: bool,
}

impl Pattern {
    pub fn new(text: &str, folding: Folding) -> Result<Self, String> {
        let (text, is_negated) = match text.strip_prefix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let folds = match folding {
            Folding::Never => false,
            Folding::Small => !text.chars().any(char::is_uppercase),
            Folding::Always => true,
        };
        let expression = regex_lite::RegexBuilder::new(text)
            .case_insensitive(folds)
            .build()
            .map_err(|error| error.to_string())?;
        let is_literal = !folds && !text.contains(|letter| ".^$*+?()[]{}|\\".contains(letter));
        Ok(Pattern { expression, literal: is_literal.then(|| text.to_owned()), is_negated })
    }

    fn is_in(&self, text: &str) -> bool {
        let is_found = match &self.literal {
            Some(literal) => text.contains(literal),
            None => self.expression.is_match(text),
        };
        is_found != self.is_negated
    }

    /// Where in a line something is to be marked.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_negated {
            return vec![];
        }
        self.expression.find_iter(text).map(|found| found.range()).filter(|found| !found.is_empty()).collect()
    }
}

/// What is to be shown.
#[derive(Default)]
pub struct Screen {
    pub rows: Vec<String>,
    /// The last row of the text that is shown.
    pub bottom: Place,
    /// The text ends on this screen.
    pub is_end: bool,
    /// There is room for what has not come yet.
    pub is_waiting: bool,
    /// What could not be read.
    pub failed: Option<cordon_vm::types::Errno>,
}

pub struct View {
    pub text: Text,
    pub settings: Settings,
    pub top: Place,
    /// The first column, where lines are chopped.
    pub left: usize,
    pub pattern: Option<Pattern>,
    size: Size,
    heights: HashMap<u64, usize>,
    buffer: Vec<u8>,
}

impl View {
    pub fn new(text: Text, settings: Settings, size: Size) -> Self {
        View {
            text,
            settings,
            top: Place::default(),
            left: 0,
            pattern: None,
            size,
            heights: HashMap::new(),
            buffer: vec![],
        }
    }

    /// Rows for text.
    pub fn rows(&self) -> usize {
        self.size.rows - 1
    }

    /// Columns for text.
    pub fn columns(&self) -> usize {
        let numbers = if self.settings.has_numbers { NUMBER } else { 0 };
        self.size.columns.saturating_sub(numbers).max(1)
    }

    /// Shows it so from now on, from the same line.
    pub fn change(&mut self, settings: Settings, size: Size) {
        self.settings = settings;
        self.size = size;
        self.forget_heights();
        if settings.chops {
            self.top.row = 0;
        }
        // The row may be one that the line does not have any more.
        if let Ok(height) = self.height(self.top.line, false) {
            self.top.row = self.top.row.min(height.unwrap_or(1).max(1) - 1);
        }
    }

    pub fn forget_heights(&mut self) {
        self.heights.clear();
    }

    fn line(&mut self, number: u64, waits: bool) -> Result<Option<Line>, Stop> {
        let is_there = self.text.line(number, &mut self.buffer, waits)?;
        Ok(is_there.then(|| Line::new(&self.buffer, self.settings.look)))
    }

    /// The number of rows of a line; none if there is no such line, and 0 if it is left out.
    fn height(&mut self, number: u64, waits: bool) -> Result<Option<usize>, Stop> {
        if let Some(height) = self.heights.get(&number) {
            return Ok(Some(*height));
        }
        let height = if self.settings.squeezes && number > 0 && self.is_blank(number, waits)? {
            usize::from(!self.is_blank(number - 1, waits)?)
        } else if self.settings.chops {
            if !self.text.has(number, waits)? {
                return Ok(None);
            }
            1
        } else {
            match self.line(number, waits)? {
                Some(line) => line.rows(self.columns()).len(),
                None => return Ok(None),
            }
        };
        if self.heights.len() >= MAX_HEIGHTS {
            self.heights.clear();
        }
        self.heights.insert(number, height);
        Ok(Some(height))
    }

    fn is_blank(&mut self, number: u64, waits: bool) -> Result<bool, Stop> {
        Ok(self.text.line(number, &mut self.buffer, waits)? && self.buffer.is_empty())
    }

    fn next(&mut self, place: Place, waits: bool) -> Result<Option<Place>, Stop> {
        if self.height(place.line, waits)?.is_some_and(|height| place.row + 1 < height) {
            return Ok(Some(Place { row: place.row + 1, ..place }));
        }
        let mut line = place.line + 1;
        while let Some(height) = self.height(line, waits)? {
            if height > 0 {
                return Ok(Some(Place { line, row: 0 }));
            }
            line += 1;
        }
        Ok(None)
    }

    fn previous(&mut self, place: Place) -> Result<Option<Place>, Stop> {
        if place.row > 0 {
            return Ok(Some(Place { row: place.row - 1, ..place }));
        }
        for line in (0..place.line).rev() {
            if let Some(height @ 1..) = self.height(line, true)? {
                return Ok(Some(Place { line, row: height - 1 }));
            }
        }
        Ok(None)
    }

    /// What is on the screen now, as far as it is there.
    pub fn screen(&mut self, waits: bool) -> Screen {
        let mut screen = Screen { bottom: self.top, ..Screen::default() };
        match self.put(&mut screen, waits) {
            Ok(()) => {}
            Err(Stop::NotYet | Stop::Interrupted) => screen.is_waiting = screen.rows.len() < self.rows(),
            Err(Stop::Failed(errno)) => screen.failed = Some(errno),
        }
        while screen.rows.len() < self.rows() {
            let mark = self.settings.has_tildes && !screen.is_waiting;
            screen.rows.push(if mark { "~".into() } else { String::new() });
        }
        screen
    }

    fn put(&mut self, screen: &mut Screen, waits: bool) -> Result<(), Stop> {
        let Place { line: mut number, row: mut first } = self.top;
        while screen.rows.len() < self.rows() {
            match self.height(number, waits)? {
                None => {
                    screen.is_end = true;
                    return Ok(());
                }
                Some(0) => {
                    number += 1;
                    continue;
                }
                Some(_) => {}
            }
            let Some(line) = self.line(number, waits)? else {
                screen.is_end = true;
                return Ok(());
            };
            let found = match &self.pattern {
                Some(pattern) if self.settings.marks_found => pattern.places(&line.text),
                _ => vec![],
            };
            let columns = self.columns();
            if self.settings.chops {
                let text = line.chopped(self.left, columns, &found);
                self.push(screen, Place { line: number, row: 0 }, &text);
            } else {
                for (row, cells) in line.rows(columns).into_iter().enumerate().skip(first) {
                    if screen.rows.len() == self.rows() {
                        return Ok(());
                    }
                    let text = line.shown(cells, &found);
                    self.push(screen, Place { line: number, row }, &text);
                }
            }
            first = 0;
            number += 1;
        }
        screen.is_end = self.next(screen.bottom, waits)?.is_none();
        Ok(())
    }

    fn push(&self, screen: &mut Screen, place: Place, text: &str) {
        screen.bottom = place;
        let number = match (self.settings.has_numbers, place.row) {
            (false, _) => String::new(),
            (true, 0) => format!("{:>7} ", place.line + 1),
            (true, _) => " ".repeat(NUMBER),
        };
        screen.rows.push(number + text);
    }

    /// Rows from a place on, with what is to be marked, and the place behind them.
    pub fn take(&mut self, from: Place, count: usize) -> Result<(Vec<String>, Option<Place>), Stop> {
        let (mut rows, mut place) = (vec![], Some(from));
        while let Some(at) = place.filter(|_| rows.len() < count) {
            if self.height(at.line, true)? != Some(0) {
                let Some(line) = self.line(at.line, true)? else { return Ok((rows, None)) };
                let found = self.pattern.as_ref().map_or(vec![], |pattern| pattern.places(&line.text));
                rows.extend(
                    line.rows(self.columns()).get(at.row).map(|cells| line.shown(cells.clone(), &found)),
                );
            }
            place = self.next(at, true)?;
        }
        Ok((rows, place))
    }

    /// Lines of the text as they are, if all of it fits on the screen.
    pub fn whole(&mut self) -> Result<Option<Vec<String>>, Stop> {
        let (mut lines, mut rows) = (vec![], 0);
        while let Some(line) = self.line(lines.len() as u64, true)? {
            let cells = line.rows(self.columns());
            rows += if self.settings.chops { 1 } else { cells.len() };
            if rows > self.rows() {
                return Ok(None);
            }
            let all = cells.first().map_or(0, |first| first.start)..cells.last().map_or(0, |last| last.end);
            lines.push(line.shown(all, &[]));
        }
        Ok(Some(lines))
    }

    /// Moves forward as far as there is something below; gives by how much.
    pub fn forward(&mut self, rows: usize) -> Result<usize, Stop> {
        let mut below = Some(self.top);
        for _ in 0..self.rows() {
            let Some(place) = below else { return Ok(0) };
            below = self.next(place, true)?;
        }
        let mut moved = 0;
        while moved < rows
            && let Some(place) = below
            && let Some(top) = self.next(self.top, true)?
        {
            self.top = top;
            moved += 1;
            if moved < rows {
                below = self.next(place, true)?;
            }
        }
        Ok(moved)
    }

    /// Moves back; gives by how much.
    pub fn back(&mut self, rows: usize) -> Result<usize, Stop> {
        for moved in 0..rows {
            match self.previous(self.top)? {
                Some(place) => self.top = place,
                None => return Ok(moved),
            }
        }
        Ok(rows)
    }

    /// Shows the end, if that is waited for, or else what there is of the text.
    pub fn go_to_end(&mut self, waits: bool) -> Result<(), Stop> {
        let count = if waits { self.text.count()? } else { self.text.count_now() };
        self.top = Place { line: count, row: 0 };
        if count == 0 {
            return Ok(());
        }
        self.back(self.rows())?;
        Ok(())
    }

    /// Shows a line at the top, counted from 0; false if there is none.
    pub fn go_to_line(&mut self, number: u64) -> Result<bool, Stop> {
        let is_there = self.text.has(number, true)?;
        if is_there {
            self.top = Place { line: number, row: 0 };
        }
        Ok(is_there)
    }

    /// Shows what stands at a part of the text.
    pub fn go_to_percent(&mut self, percent: f64) -> Result<(), Stop> {
        let size = match self.text.size() {
            Some(size) => size,
            None => {
                self.text.count()?;
                self.text.size().unwrap_or(0)
            }
        };
        let line = self.text.line_at((size as f64 * percent.clamp(0.0, 100.0) / 100.0) as u64)?;
        self.top = Place { line, row: 0 };
        // What is at the end is shown with what is before it.
        let screen = self.screen(true);
        if screen.is_end {
            self.go_to_end(true)?;
        }
        Ok(())
    }

    /// How much of the text is above the end of the screen, in percent.
    pub fn percent(&mut self, screen: &Screen) -> Option<u64> {
        if screen.is_end {
            return Some(100);
        }
        let size = self.text.size().filter(|size| *size > 0)?;
        let offset = self.text.start(screen.bottom.line + 1, false).ok().flatten().unwrap_or(size);
        Some(u64::try_from(u128::from(offset) * 100 / u128::from(size)).unwrap_or(100).min(100))
    }

    /// Looks for the pattern in some lines from one on; the line where it is, or from which on it was not looked for yet.
    /// None if there is no line more.
    pub fn search(&mut self, from: u64, is_back: bool) -> Result<Option<Result<u64, u64>>, Stop> {
        let Some(pattern) = self.pattern.clone() else { return Ok(None) };
        let mut number = from;
        for _ in 0..SEARCHED_AT_ONCE {
            if !self.text.line(number, &mut self.buffer, true)? {
                return Ok(None);
            }
            if pattern.is_in(&line::plain(&self.buffer, self.settings.look)) {
                return Ok(Some(Ok(number)));
            }
            if is_back && number == 0 {
                return Ok(None);
            }
            number = if is_back { number - 1 } else { number + 1 };
        }
        Ok(Some(Err(number)))
    }

    /// Shows the place in a line where something was found.
    pub fn show_found(&mut self, number: u64) -> Result<(), Stop> {
        let place = match (self.line(number, true)?, &self.pattern) {
            (Some(line), Some(pattern)) if !self.settings.chops => {
                let first = pattern.places(&line.text).first().map_or(0, |found| found.start);
                line.row_of(self.columns(), first)
            }
            _ => 0,
        };
        self.top = Place { line: number, row: place };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::{Pieces, whole};
    use super::*;

    const SIZE: Size = Size { columns: 10, rows: 4 };

    fn view(text: &str) -> View {
        View::new(whole(text), Settings::default(), SIZE)
    }

    fn numbered(count: usize) -> View {
        view(&(1..=count).map(|number| format!("{number}\n")).collect::<String>())
    }

    fn rows(view: &mut View) -> Vec<String> {
        view.screen(false).rows
    }

    #[test]
    fn the_screen_moves_over_the_text() {
        let mut view = numbered(10);
        assert_eq!(rows(&mut view), ["1", "2", "3"]);
        assert_eq!(view.forward(2), Ok(2));
        assert_eq!(rows(&mut view), ["3", "4", "5"]);
        // Not further than the end.
        assert_eq!(view.forward(100), Ok(5));
        let screen = view.screen(false);
        assert_eq!((screen.rows, screen.is_end), (vec!["8".into(), "9".into(), "10".into()], true));
        assert_eq!(view.forward(1), Ok(0));
        assert_eq!(view.back(3), Ok(3));
        assert_eq!(rows(&mut view), ["5", "6", "7"]);
        assert_eq!(view.back(100), Ok(4));
        view.go_to_end(true).unwrap();
        assert_eq!(rows(&mut view), ["8", "9", "10"]);
        assert_eq!(view.go_to_line(4), Ok(true));
        assert_eq!(rows(&mut view), ["5", "6", "7"]);
        assert_eq!(view.go_to_line(10), Ok(false));
        view.go_to_percent(50.0).unwrap();
        assert_eq!(rows(&mut view), ["6", "7", "8"]);
        view.go_to_percent(100.0).unwrap();
        assert_eq!(rows(&mut view), ["8", "9", "10"]);
        view.go_to_line(0).unwrap();
        let screen = view.screen(false);
        assert_eq!(view.percent(&screen), Some(28));
        assert_eq!(numbered(2).whole().unwrap().unwrap(), ["1", "2"]);
        assert_eq!(numbered(4).whole(), Ok(None));
        assert_eq!(rows(&mut numbered(1)), ["1", "~", "~"]);
        let mut empty = self::view("");
        assert_eq!((empty.forward(1), empty.back(1), empty.go_to_end(true)), (Ok(0), Ok(0), Ok(())));
        assert!(empty.screen(false).is_end);
    }

    #[test]
    fn long_lines_take_rows_or_are_chopped() {
        let mut view = view("0123456789abcdefghijK\nnext\nlast\n");
        assert_eq!(rows(&mut view), ["0123456789", "abcdefghij", "K"]);
        assert_eq!(view.forward(1), Ok(1));
        assert_eq!(rows(&mut view), ["abcdefghij", "K", "next"]);
        assert_eq!(view.forward(5), Ok(1));
        assert_eq!(view.back(1), Ok(1));
        let chopped = Settings { chops: true, has_numbers: true, ..Settings::default() };
        view.change(chopped, Size { columns: 13, rows: 4 });
        assert_eq!(rows(&mut view), ["      1 0123\x1b[7m>\x1b[0m", "      2 next", "      3 last"]);
        view.left = 2;
        assert_eq!(rows(&mut view)[1], "      2 xt");
        // What was a row of a line may be none in another size.
        view.change(Settings::default(), SIZE);
        view.top.row = 2;
        view.change(Settings::default(), Size { columns: 80, rows: 3 });
        assert_eq!(rows(&mut view), ["0123456789abcdefghijK", "next"]);
    }

    #[test]
    fn blank_lines_are_one_if_wanted() {
        let mut view = view("a\n\n\n\nb\n\nc\n");
        view.settings.squeezes = true;
        assert_eq!(rows(&mut view), ["a", "", "b"]);
        assert_eq!(view.forward(9), Ok(2));
        assert_eq!(rows(&mut view), ["b", "", "c"]);
        assert_eq!(view.back(9), Ok(2));
    }

    #[test]
    fn patterns_are_found_and_marked() {
        let mut view = view(&"x\n".repeat(5000).replacen("x\nx\n", "x\nhere Now\n", 1));
        view.pattern = Some(Pattern::new("now", Folding::Small).unwrap());
        assert_eq!(view.search(0, false), Ok(Some(Ok(1))));
        assert_eq!(view.search(2, false), Ok(Some(Err(4098))));
        assert_eq!(view.search(4098, false), Ok(None));
        assert_eq!(view.search(10, true), Ok(Some(Ok(1))));
        assert_eq!(view.search(0, true), Ok(None));
        assert_eq!(rows(&mut view)[1], "here \x1b[7mNow\x1b[0m");
        view.pattern = Some(Pattern::new("!x", Folding::Never).unwrap());
        assert_eq!(view.search(4000, true), Ok(Some(Ok(1))));
        assert!(Pattern::new("(", Folding::Never).is_err());
        let mut view = self::view("0123456789abcdefghij\n");
        view.pattern = Some(Pattern::new("[f]", Folding::Never).unwrap());
        view.show_found(0).unwrap();
        assert_eq!(view.top, Place { line: 0, row: 1 });
    }

    #[test]
    fn what_has_not_come_is_left_blank() {
        let mut view = View::new(Text::new(Pieces::new("1\n2\n", &["3\n4\n"])), Settings::default(), SIZE);
        let screen = view.screen(false);
        assert_eq!((screen.rows, screen.is_waiting), (vec!["1".into(), "2".into(), String::new()], true));
        view.go_to_end(false).unwrap();
        assert_eq!(rows(&mut view)[..2], ["1", "2"]);
        view.go_to_end(true).unwrap();
        assert_eq!(rows(&mut view), ["2", "3", "4"]);
    }
}
