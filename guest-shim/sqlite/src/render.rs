//! How rows are shown: the modes of the program.

use std::io::{self, Write};

use crate::database::{Kind, Statement, is_keyword, real_text};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Ascii,
    Box,
    Column,
    Csv,
    Html,
    Insert,
    Json,
    Line,
    List,
    Markdown,
    Quote,
    Table,
    Tcl,
}

/// Names of the modes, as they are told where one is none of them.
pub const MODES: &str = "ascii box column csv html insert json line list markdown qbox quote table tabs tcl";

#[derive(Clone)]
pub struct Style {
    pub mode: Mode,
    pub headers: bool,
    /// Whether that was asked for.
    pub headers_chosen: bool,
    pub column_separator: String,
    pub row_separator: String,
    pub null: String,
    /// Widths that were asked for; what is less than zero is aligned at the right.
    pub widths: Vec<i32>,
    /// The table that rows are inserted into.
    pub table: String,
    pub wrap: usize,
    pub wraps_words: bool,
    pub quotes: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            mode: Mode::List,
            headers: false,
            headers_chosen: false,
            column_separator: "|".into(),
            row_separator: "\n".into(),
            null: String::new(),
            widths: vec![],
            table: "table".into(),
            wrap: 0,
            wraps_words: false,
            quotes: false,
        }
    }
}

impl Style {
    /// Takes a mode with what belongs to it. `false` if there is none of that name.
    pub fn choose(&mut self, name: &str) -> bool {
        let mut separators = |column: &str, row: &str| {
            column.clone_into(&mut self.column_separator);
            row.clone_into(&mut self.row_separator);
        };
        // Names may be cut short, as far as the program that this one is like takes them.
        self.mode = match name {
            "ascii" => {
                separators("\x1f", "\x1e");
                Mode::Ascii
            }
            "csv" => {
                separators(",", "\r\n");
                Mode::Csv
            }
            "html" => Mode::Html,
            "insert" => Mode::Insert,
            "json" => Mode::Json,
            "line" | "lines" => {
                self.row_separator = "\n".into();
                Mode::Line
            }
            "column" | "columns" => {
                self.row_separator = "\n".into();
                Mode::Column
            }
            "list" => {
                separators("|", "\n");
                Mode::List
            }
            "tabs" => {
                separators("\t", "\n");
                Mode::List
            }
            "tcl" => {
                separators(" ", "\n");
                Mode::Tcl
            }
            "quote" => {
                separators(",", "\n");
                Mode::Quote
            }
            "markdown" => Mode::Markdown,
            "table" => Mode::Table,
            "box" | "qbox" => Mode::Box,
            _ => return false,
        };
        if matches!(self.mode, Mode::Column | Mode::Markdown | Mode::Table | Mode::Box) {
            (self.wrap, self.wraps_words, self.quotes) =
                if name == "qbox" { (60, false, true) } else { (0, false, false) };
            if self.mode == Mode::Column && !self.headers_chosen {
                self.headers = true;
            }
        }
        true
    }

    /// The mode as `.mode` and `.show` tell it.
    pub fn told(&self) -> String {
        let name = match self.mode {
            Mode::Ascii => "ascii",
            Mode::Box => "box",
            Mode::Column => "column",
            Mode::Csv => "csv",
            Mode::Html => "html",
            Mode::Insert => "insert",
            Mode::Json => "json",
            Mode::Line => "line",
            Mode::List => "list",
            Mode::Markdown => "markdown",
            Mode::Quote => "quote",
            Mode::Table => "table",
            Mode::Tcl => "tcl",
        };
        if !self.is_columnar() {
            return name.into();
        }
        let words = if self.wraps_words { "on" } else { "off" };
        let quotes = if self.quotes { "" } else { "no" };
        format!(
            "{name} --wrap {} --wordwrap {words} --{quotes}quote",
            if self.wrap == 0 { 60 } else { self.wrap }
        )
    }

    pub fn is_columnar(&self) -> bool {
        matches!(self.mode, Mode::Column | Mode::Markdown | Mode::Table | Mode::Box)
    }
}

/// A name as SQL has it: in quotes where it must be.
pub fn identifier(name: &str) -> String {
    let is_plain = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !is_keyword(name);
    if is_plain { name.into() } else { quoted(name) }
}

/// A name in quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Shows the rows of one statement, as they come.
pub struct Rows<'s> {
    style: &'s Style,
    count: usize,
}

impl<'s> Rows<'s> {
    pub fn new(style: &'s Style) -> Self {
        Self { style, count: 0 }
    }

    pub fn row(&mut self, row: &mut Statement, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        let columns = row.columns();
        if self.count == 0 {
            self.header(row, out)?;
        }
        self.count += 1;
        let (between, end) = (style.column_separator.as_bytes(), style.row_separator.as_bytes());
        match style.mode {
            Mode::Line => {
                let widest =
                    (0..columns).map(|column| row.name(column).chars().count()).max().unwrap_or(0).max(5);
                if self.count > 1 {
                    out.write_all(end)?;
                }
                for column in 0..columns {
                    write!(out, "{:>widest$} = ", row.name(column))?;
                    out.write_all(shown(row, column, style))?;
                    out.write_all(end)?;
                }
            }
            Mode::Html => {
                out.write_all(b"<TR>")?;
                for column in 0..columns {
                    out.write_all(b"<TD>")?;
                    html(shown(row, column, style), out)?;
                    out.write_all(b"</TD>\n")?;
                }
                out.write_all(b"</TR>\n")?;
            }
            Mode::Json => {
                out.write_all(if self.count == 1 { b"[{" } else { b",\n{" })?;
                for column in 0..columns {
                    if column > 0 {
                        out.write_all(b",")?;
                    }
                    json(row.name(column).as_bytes(), out)?;
                    out.write_all(b":")?;
                    json_value(row, column, out)?;
                }
                out.write_all(b"}")?;
            }
            Mode::Insert => {
                write!(out, "INSERT INTO {}", identifier(&style.table))?;
                if style.headers {
                    let names: Vec<_> = (0..columns).map(|column| identifier(&row.name(column))).collect();
                    write!(out, "({})", names.join(","))?;
                }
                out.write_all(b" VALUES(")?;
                for column in 0..columns {
                    if column > 0 {
                        out.write_all(b",")?;
                    }
                    out.write_all(&literal(row, column, true))?;
                }
                out.write_all(b");\n")?;
            }
            _ => {
                for column in 0..columns {
                    if column > 0 {
                        out.write_all(between)?;
                    }
                    match style.mode {
                        Mode::Csv if row.kind(column) != Kind::Null => csv(row.text(column), between, out)?,
                        Mode::Tcl => tcl(shown(row, column, style), out)?,
                        Mode::Quote => out.write_all(&literal(row, column, false))?,
                        _ => out.write_all(shown(row, column, style))?,
                    }
                }
                out.write_all(end)?;
            }
        }
        Ok(())
    }

    fn header(&self, row: &Statement, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        let names = (0..row.columns()).map(|column| row.name(column));
        if !style.headers || matches!(style.mode, Mode::Line | Mode::Json | Mode::Insert) {
            return Ok(());
        }
        if style.mode == Mode::Html {
            out.write_all(b"<TR>")?;
            for name in names {
                out.write_all(b"<TH>")?;
                html(name.as_bytes(), out)?;
                out.write_all(b"</TH>\n")?;
            }
            return out.write_all(b"</TR>\n");
        }
        let separator = style.column_separator.as_bytes();
        for (at, name) in names.enumerate() {
            if at > 0 {
                out.write_all(separator)?;
            }
            match style.mode {
                Mode::Csv => csv(name.as_bytes(), separator, out)?,
                Mode::Tcl => tcl(name.as_bytes(), out)?,
                Mode::Quote => out.write_all(&text_literal(name.as_bytes(), false))?,
                _ => out.write_all(name.as_bytes())?,
            }
        }
        out.write_all(style.row_separator.as_bytes())
    }

    /// What follows the last row.
    pub fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.style.mode == Mode::Json && self.count > 0 {
            out.write_all(b"]\n")?;
        }
        Ok(())
    }
}

fn shown<'r>(row: &'r mut Statement, column: usize, style: &'r Style) -> &'r [u8] {
    if row.kind(column) == Kind::Null { style.null.as_bytes() } else { row.text(column) }
}

fn csv(text: &[u8], separator: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let is_odd = |byte: &u8| *byte <= b' ' || *byte >= 0x7f || matches!(byte, b'"' | b'\'');
    let has_separator =
        !separator.is_empty() && text.windows(separator.len()).any(|window| window == separator);
    if !text.is_empty() && !has_separator && !text.iter().any(is_odd) {
        return out.write_all(text);
    }
    let mut field = vec![0; text.len() * 2 + 2];
    let (_, _, length) = csv_core::quote(text, &mut field, b'"', b'"', true);
    out.write_all(b"\"")?;
    out.write_all(&field[..length])?;
    out.write_all(b"\"")
}

fn html(text: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for byte in text {
        match byte {
            b'<' => out.write_all(b"&lt;")?,
            b'>' => out.write_all(b"&gt;")?,
            b'&' => out.write_all(b"&amp;")?,
            b'"' => out.write_all(b"&quot;")?,
            b'\'' => out.write_all(b"&#39;")?,
            byte => out.write_all(&[*byte])?,
        }
    }
    Ok(())
}

fn tcl(text: &[u8], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for byte in text {
        match byte {
            b'\\' => out.write_all(b"\\\\")?,
            b'"' => out.write_all(b"\\\"")?,
            b'\t' => out.write_all(b"\\t")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            byte if (b' '..0x7f).contains(byte) => out.write_all(&[*byte])?,
            byte => write!(out, "\\{byte:03o}")?,
        }
    }
    out.write_all(b"\"")
}

/// A text of JSON. Bytes that are no UTF-8 stay what they are, as in the data base.
fn json(text: &[u8], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for byte in text {
        match byte {
            b'"' | b'\\' => out.write_all(&[b'\\', *byte])?,
            0x08 => out.write_all(b"\\b")?,
            0x0c => out.write_all(b"\\f")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            b'\t' => out.write_all(b"\\t")?,
            byte if *byte < b' ' => write!(out, "\\u{byte:04x}")?,
            byte => out.write_all(&[*byte])?,
        }
    }
    out.write_all(b"\"")
}

fn json_value(row: &mut Statement, column: usize, out: &mut dyn Write) -> io::Result<()> {
    match row.kind(column) {
        Kind::Null => out.write_all(b"null"),
        Kind::Integer => out.write_all(row.text(column)),
        Kind::Real => out.write_all(real_text(row.real(column)).as_bytes()),
        Kind::Text => json(row.text(column), out),
        Kind::Blob => json(row.blob(column), out),
    }
}

/// A value as SQL has it. Of texts, ends of lines are written by a function where that is wanted.
pub fn literal(row: &mut Statement, column: usize, one_line: bool) -> Vec<u8> {
    match row.kind(column) {
        Kind::Null => b"NULL".into(),
        Kind::Integer => row.text(column).into(),
        Kind::Real => real_text(row.real(column)).into(),
        Kind::Text => text_literal(row.text(column), one_line),
        Kind::Blob => {
            let digits: String = row.blob(column).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("X'{digits}'").into()
        }
    }
}

fn text_literal(text: &[u8], one_line: bool) -> Vec<u8> {
    let mut inner = Vec::with_capacity(text.len() + 2);
    let (mut before, mut after) = (String::new(), String::new());
    let mut marks: Vec<(u8, String)> = vec![];
    if one_line {
        for (byte, names) in [(b'\n', ["\\n", "\\012"]), (b'\r', ["\\r", "\\015"])] {
            if !text.contains(&byte) {
                continue;
            }
            let is_free = |mark: &str| !text.windows(mark.len()).any(|window| window == mark.as_bytes());
            let made = (0_u32..).map(|number| format!("({}{number})", names[0]));
            let mark = names.map(str::to_owned).into_iter().chain(made).find(|mark| is_free(mark));
            let mark = mark.unwrap_or_default();
            before = format!("replace({before}");
            after = format!("{after},'{mark}',char({byte}))");
            marks.push((byte, mark));
        }
    }
    inner.extend_from_slice(before.as_bytes());
    inner.push(b'\'');
    for byte in text {
        match marks.iter().find(|(marked, _)| marked == byte) {
            Some((_, mark)) => inner.extend_from_slice(mark.as_bytes()),
            None if *byte == b'\'' => inner.extend_from_slice(b"''"),
            None => inner.push(*byte),
        }
    }
    inner.push(b'\'');
    inner.extend_from_slice(after.as_bytes());
    inner
}

/// One cell of a table, cut into the lines that it is shown in.
type Cell = Vec<Vec<char>>;

fn cell(text: &[u8], wrap: usize, wraps_words: bool) -> Cell {
    let mut lines = vec![];
    let mut line: Vec<char> = vec![];
    let text = String::from_utf8_lossy(text).replace("\r\n", "\n");
    for character in text.chars() {
        match character {
            '\t' => {
                line.push(' ');
                while !line.len().is_multiple_of(8) {
                    line.push(' ');
                }
            }
            character if character < ' ' => {
                lines.push(std::mem::take(&mut line));
                continue;
            }
            character => line.push(character),
        }
        while wrap > 0 && line.len() > wrap {
            let is_word = |character: &char| character.is_alphanumeric() || *character == '_';
            let mut at = wrap;
            if wraps_words {
                // The last place, in the second half of the line, where a word ends or begins.
                let fits = (wrap / 2..=wrap).rev().find(|&at| {
                    at > 0 && (line[at].is_whitespace() || is_word(&line[at]) != is_word(&line[at - 1]))
                });
                at = fits.unwrap_or(wrap);
            }
            let mut rest = line.split_off(at);
            if wraps_words {
                let blanks = rest.iter().take_while(|character| character.is_whitespace()).count();
                rest.drain(..blanks);
            }
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Lines and corners of a table.
struct Frame {
    top: Option<[&'static str; 4]>,
    middle: Option<[&'static str; 4]>,
    bottom: Option<[&'static str; 4]>,
    side: [&'static str; 3],
}

const BOX: Frame = Frame {
    top: Some(["┌", "┬", "┐", "─"]),
    middle: Some(["├", "┼", "┤", "─"]),
    bottom: Some(["└", "┴", "┘", "─"]),
    side: ["│ ", " │ ", " │"],
};
const TABLE: Frame = Frame {
    top: Some(["+", "+", "+", "-"]),
    middle: Some(["+", "+", "+", "-"]),
    bottom: Some(["+", "+", "+", "-"]),
    side: ["| ", " | ", " |"],
};
const MARKDOWN: Frame =
    Frame { top: None, middle: Some(["|", "|", "|", "-"]), bottom: None, side: ["| ", " | ", " |"] };
const COLUMN: Frame = Frame { top: None, middle: None, bottom: None, side: ["", "  ", ""] };

/// Shows all rows of a statement as a table, which takes all of them at once.
pub fn table(
    row: &mut Statement,
    style: &Style,
    out: &mut dyn Write,
) -> Result<io::Result<()>, crate::database::Failure> {
    let columns = row.columns();
    let asked = |column: usize| style.widths.get(column).copied().unwrap_or(0);
    let wrap = |column: usize| match asked(column).unsigned_abs() as usize {
        0 => style.wrap,
        width => width,
    };
    let mut rows: Vec<Vec<Cell>> = vec![];
    while row.step()? {
        if rows.is_empty() {
            let names = (0..columns).map(|column| {
                let mut lines = cell(row.name(column).as_bytes(), wrap(column), style.wraps_words);
                lines.truncate(1);
                lines
            });
            rows.push(names.collect());
        }
        let cells = (0..columns).map(|column| {
            let text = match row.kind(column) {
                _ if style.quotes => {
                    let mut text = literal(row, column, false);
                    if text.starts_with(b"X'") {
                        text[0] = b'x';
                    }
                    text
                }
                Kind::Null => style.null.as_bytes().to_vec(),
                _ => row.text(column).to_vec(),
            };
            cell(&text, wrap(column), style.wraps_words)
        });
        rows.push(cells.collect());
    }
    if rows.is_empty() {
        return Ok(Ok(()));
    }
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let widest = rows.iter().flat_map(|cells| &cells[column]).map(Vec::len).max().unwrap_or(0);
            widest.max(asked(column).unsigned_abs() as usize)
        })
        .collect();
    Ok(draw(&rows, &widths, style, out))
}

fn draw(rows: &[Vec<Cell>], widths: &[usize], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let frame = match style.mode {
        Mode::Box => BOX,
        Mode::Table => TABLE,
        Mode::Markdown => MARKDOWN,
        _ => COLUMN,
    };
    let rule = |corners: Option<[&str; 4]>, out: &mut dyn Write| -> io::Result<()> {
        let Some([left, between, right, line]) = corners else { return Ok(()) };
        let lines: Vec<_> = widths.iter().map(|width| line.repeat(width + 2)).collect();
        writeln!(out, "{left}{}{right}", lines.join(between))
    };
    let is_column = style.mode == Mode::Column;
    let (header, rows) = rows.split_at(1);
    let has_many_lines = rows.iter().flatten().any(|cell| cell.len() > 1);
    rule(frame.top, out)?;
    if !is_column || style.headers {
        for header in header {
            line(header, widths, style, &frame, !is_column, out)?;
        }
        if is_column {
            let rules: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
            writeln!(out, "{}", rules.join("  "))?;
        }
        rule(frame.middle, out)?;
    }
    for (at, cells) in rows.iter().enumerate() {
        if at > 0 && has_many_lines {
            match style.mode {
                Mode::Column => writeln!(out)?,
                Mode::Markdown => {}
                _ => rule(frame.middle, out)?,
            }
        }
        line(cells, widths, style, &frame, false, out)?;
    }
    rule(frame.bottom, out)
}

fn line(
    cells: &[Cell],
    widths: &[usize],
    style: &Style,
    frame: &Frame,
    centered: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    for at in 0..height {
        out.write_all(frame.side[0].as_bytes())?;
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            if column > 0 {
                out.write_all(frame.side[1].as_bytes())?;
            }
            let text: String = cell.get(at).map(|line| line.iter().collect()).unwrap_or_default();
            let is_right = style.widths.get(column).is_some_and(|width| *width < 0);
            match (centered, is_right) {
                (true, _) => write!(out, "{text:^width$}")?,
                (_, true) => write!(out, "{text:>width$}")?,
                _ => write!(out, "{text:<width$}")?,
            }
        }
        writeln!(out, "{}", frame.side[2])?;
    }
    Ok(())
}
