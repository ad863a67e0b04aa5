//! `column` as util-linux has it: columns of a list, and tables.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use cordon_multicall::files::{finish, open, output, reason};
use cordon_multicall::{options, say};
use cordon_vm::byte_text;
use unicode_width::UnicodeWidthStr;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage:
 column [options] [<file>...]

Columnate lists.

Options:
 -t, --table                      create a table
 -n, --table-name <name>          table name for JSON output
 -O, --table-order <columns>      specify order of output columns
 -N, --table-columns <names>      comma separated columns names
 -l, --table-columns-limit <num>  maximal number of input columns
 -E, --table-noextreme <columns>  accepted
 -d, --table-noheadings           don't print header
 -H, --table-hide <columns>       don't print the columns
 -R, --table-right <columns>      right align text in these columns
 -L, --keep-empty-lines           don't ignore empty lines
 -J, --json                       use JSON output format for table

 -c, --output-width <width>       width of output in number of characters
 -o, --output-separator <string>  columns separator for table output (default is two spaces)
 -s, --separator <string>         possible table delimiters
 -x, --fillrows                   fill rows before columns

 -h, --help                       display this help
 -V, --version                    display version";

const LONGS: &[&str] = &[
    "table=t",
    "table-name:=n",
    "table-order:=O",
    "table-columns:=N",
    "table-columns-limit:=l",
    "table-noextreme:=E",
    "table-noheadings=d",
    "table-hide:=H",
    "table-right:=R",
    "keep-empty-lines=L",
    "json=J",
    "output-width:=c",
    "columns:=c",
    "output-separator:=o",
    "separator:=s",
    "fillrows=x",
    "help=h",
    "version=V",
    "table-truncate:=T",
    "table-wrap:=W",
    "table-header-repeat=e",
    "tree:=r",
    "tree-id:=i",
    "tree-parent:=p",
];

pub fn main(args: Args) -> i32 {
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("column: {message}"));
        1
    };
    let parsed = match options::parse(args, "c:dE:eH:hi:JLl:N:n:O:o:p:R:r:s:T:tVW:x", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            return fail(&format!("{message}\nTry 'column --help' for more information."));
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "column (cordon)");
        return 0;
    }
    if let Some((letter, _)) = parsed.options.iter().find(|(letter, _)| "TWrip".contains(*letter)) {
        return fail(&format!("option '-{letter}' is not supported"));
    }
    let mut width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(80);
    if let Some(text) = parsed.value('c') {
        match text.parse() {
            Ok(0) if text == "0" => width = usize::MAX / 2,
            Ok(given) => width = given,
            Err(_) if text == "unlimited" => width = usize::MAX / 2,
            Err(_) => return fail("invalid columns argument"),
        }
    }
    let mut text = vec![];
    let mut status = 0;
    for name in parsed.files() {
        let read = open(&name).and_then(|mut file| {
            if text.last().is_some_and(|&last| last != b'\n') {
                text.push(b'\n');
            }
            file.read_to_end(&mut text)
        });
        if let Err(error) = read {
            status = fail(&format!("{name}: {}", reason(&error)));
        }
    }
    let text = byte_text::decoded(&text);
    let keeps_empty = parsed.has('L');
    let lines = text.lines().map(str::trim_start).filter(|line| keeps_empty || !line.is_empty());
    let mut out = output();
    let done = if parsed.has('t') || parsed.has('J') {
        // Blanks in front belong to a field where the separator is another.
        let lines: Vec<&str> =
            text.lines().filter(|line| keeps_empty || !line.trim_start().is_empty()).collect();
        match Table::new(&parsed, &lines) {
            Ok(table) if parsed.has('J') => table.json(&mut out, parsed.value('n').unwrap_or("table")),
            Ok(table) => table.text(&mut out, parsed.value('o').unwrap_or("  ")),
            Err(message) => return fail(&message),
        }
    } else {
        let entries: Vec<&str> = lines.collect();
        fill(&entries, width, parsed.has('x'), parsed.value('o'), &mut out)
    };
    match done {
        Ok(()) => finish("column", out, status),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 1,
        Err(error) => fail(&format!("write error: {}", reason(&error))),
    }
}

/// The entries in as many columns as fit, each as wide as the widest with its tab.
fn fill(
    entries: &[&str],
    width: usize,
    by_rows: bool,
    _separator: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    const TAB: usize = 8;
    let widest = entries.iter().map(|entry| entry.width()).max().unwrap_or(0);
    if widest >= width {
        return entries.iter().try_for_each(|entry| writeln!(out, "{entry}"));
    }
    let column = (widest + TAB) / TAB * TAB;
    let columns = (width / column).max(1);
    let rows = entries.len().div_ceil(columns);
    for row in 0..rows {
        // An entry is followed by tabs up to the next column's start.
        let mut at = 0;
        for place in 0..columns {
            let index = if by_rows { row * columns + place } else { place * rows + row };
            let Some(entry) = entries.get(index) else { break };
            while at < place * column {
                write!(out, "\t")?;
                at = (at / TAB + 1) * TAB;
            }
            write!(out, "{entry}")?;
            at += entry.width();
        }
        writeln!(out)?;
    }
    Ok(())
}

struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Columns that are shown, in their order.
    shown: Vec<usize>,
    right: Vec<usize>,
    has_header: bool,
}

impl Table {
    fn new(parsed: &options::Parsed, lines: &[&str]) -> Result<Self, String> {
        let limit = match parsed.value('l') {
            None => usize::MAX,
            Some(text) => match text.parse() {
                Ok(limit) if limit > 0 => limit,
                _ => return Err("columns limit must be greater than zero".into()),
            },
        };
        let names: Vec<String> =
            parsed.value('N').map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default();
        if parsed.has('J') && names.is_empty() {
            return Err("option --table-columns required for --json".into());
        }
        let rows: Vec<Vec<String>> =
            lines.iter().map(|line| fields(line, parsed.value('s'), limit)).collect();
        let count = rows.iter().map(Vec::len).max().unwrap_or(0).max(names.len());
        let table = Self {
            has_header: !names.is_empty() && !parsed.has('d'),
            names,
            rows,
            shown: vec![],
            right: vec![],
        };
        let hidden = match parsed.value('H') {
            // Those without a name.
            Some("-") => (table.names.len()..count).collect(),
            Some(list) => table.columns(list, count)?,
            None => vec![],
        };
        let mut shown = match parsed.value('O') {
            Some(list) => table.columns(list, count)?,
            None => vec![],
        };
        shown.extend((0..count).filter(|column| !shown.contains(column)).collect::<Vec<_>>());
        shown.retain(|column| !hidden.contains(column));
        let right = match parsed.value('R') {
            Some(list) => table.columns(list, count)?,
            None => vec![],
        };
        Ok(Self { shown, right, ..table })
    }

    /// Columns by number from 1, by name, or all for `0`.
    fn columns(&self, list: &str, count: usize) -> Result<Vec<usize>, String> {
        let mut found = vec![];
        for word in list.split(',') {
            let named = self.names.iter().position(|name| name == word);
            match (named, word.parse::<usize>()) {
                (Some(column), _) => found.push(column),
                (None, Ok(0)) => found.extend(0..count),
                (None, Ok(number)) if number <= count => found.push(number - 1),
                _ => return Err(format!("undefined column name '{word}'")),
            }
        }
        Ok(found)
    }

    fn cell<'a>(&self, row: &'a [String], column: usize) -> &'a str {
        row.get(column).map_or("", String::as_str)
    }

    fn text(&self, out: &mut impl Write, separator: &str) -> io::Result<()> {
        let mut rows: Vec<&[String]> = self.rows.iter().map(Vec::as_slice).collect();
        if rows.is_empty() {
            return Ok(());
        }
        if self.has_header {
            rows.insert(0, &self.names);
        }
        let widths: Vec<usize> = self
            .shown
            .iter()
            .map(|&column| rows.iter().map(|row| self.cell(row, column).width()).max().unwrap_or(0))
            .collect();
        for row in rows {
            for (place, (&column, &width)) in self.shown.iter().zip(&widths).enumerate() {
                let cell = self.cell(row, column);
                let gap = " ".repeat(width - cell.width());
                let is_last = place + 1 == self.shown.len();
                if self.right.contains(&column) {
                    write!(out, "{gap}{cell}")?;
                } else if is_last {
                    write!(out, "{cell}")?;
                } else {
                    write!(out, "{cell}{gap}")?;
                }
                if !is_last {
                    write!(out, "{separator}")?;
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn json(&self, out: &mut impl Write, name: &str) -> io::Result<()> {
        write!(out, "{{\n   {}: [\n", json_text(name))?;
        for (at, row) in self.rows.iter().enumerate() {
            if at == 0 {
                writeln!(out, "      {{")?;
            }
            for (place, &column) in self.shown.iter().enumerate() {
                let unnamed = String::new();
                let key = self.names.get(column).unwrap_or(&unnamed).to_lowercase();
                let cell = self.cell(row, column);
                let value = if cell.is_empty() { "null".into() } else { json_text(cell) };
                let comma = if place + 1 < self.shown.len() { "," } else { "" };
                writeln!(out, "         {}: {value}{comma}", json_text(&key))?;
            }
            let next = if at + 1 < self.rows.len() { ",{" } else { "" };
            writeln!(out, "      }}{next}")?;
        }
        write!(out, "   ]\n}}\n")
    }
}

/// A text as JSON writes it.
pub fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter if letter < ' ' => quoted.push_str(&format!("\\u{:04x}", letter as u32)),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// The fields of a line: words, or what is between any two separators. The last that may be is the rest.
fn fields(line: &str, separators: Option<&str>, limit: usize) -> Vec<String> {
    let mut found = vec![];
    match separators {
        None => {
            let blank = |letter: char| letter == ' ' || letter == '\t';
            let mut rest = line.trim_start_matches(blank);
            while !rest.is_empty() {
                if found.len() + 1 == limit {
                    found.push(rest.to_owned());
                    break;
                }
                let end = rest.find(blank).unwrap_or(rest.len());
                found.push(rest[..end].to_owned());
                rest = rest[end..].trim_start_matches(blank);
            }
        }
        Some(separators) => {
            let mut rest = line;
            loop {
                match rest.find(|letter| separators.contains(letter)) {
                    Some(end) if found.len() + 1 < limit => {
                        found.push(rest[..end].to_owned());
                        let length = rest[end..].chars().next().map_or(1, char::len_utf8);
                        rest = &rest[end + length..];
                    }
                    _ => break found.push(rest.to_owned()),
                }
            }
        }
    }
    found
}
