//! `.import`: rows of a text into a table.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use crate::database::{Database, Failure};
use crate::render::{Mode, quoted};
use crate::shell::{Next, Shell, contents};

pub const USAGE: &str = "\
.import FILE TABLE       Import data from FILE into TABLE
   Options:
     --ascii               Use \\037 and \\036 as column and row separators
     --csv                 Use , and \\n as column and row separators
     --skip N              Skip the first N rows of input
     --schema S            Target table to be S.TABLE
     -v                    \"Verbose\" - increase auxiliary output
   Notes:
     *  If TABLE does not exist, it is created.  The first row of input
        determines the column names.
     *  If neither --csv or --ascii are used, the input mode is derived
        from the \".mode\" output mode
     *  If FILE begins with \"|\" then it is a command that generates the
        input text.";

/// What the arguments ask for.
struct Wanted {
    name: String,
    table: String,
    schema: Option<String>,
    skipped: usize,
    verbose: bool,
    separators: [String; 2],
}

/// Rows of a text, each with the line that it begins in.
struct Records<'t> {
    reader: Reader,
    rest: &'t [u8],
    line: u64,
}

impl<'t> Records<'t> {
    fn new(text: &'t [u8], column: u8, row: u8, quotes: bool) -> Self {
        let terminator = if row == b'\n' { Terminator::CRLF } else { Terminator::Any(row) };
        let reader = ReaderBuilder::new().delimiter(column).terminator(terminator).quoting(quotes).build();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self { reader, rest: text, line: 1 }
    }
}

impl Iterator for Records<'_> {
    type Item = (u64, Vec<Vec<u8>>);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut text, mut ends) = (vec![0; 4096], vec![0; 64]);
        let (mut text_length, mut count) = (0, 0);
        loop {
            let (outcome, read, written, ended) =
                self.reader.read_record(self.rest, &mut text[text_length..], &mut ends[count..]);
            let is_over = self.rest.is_empty();
            self.rest = &self.rest[read..];
            text_length += written;
            count += ended;
            match outcome {
                ReadRecordResult::InputEmpty if is_over => return None,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => text.resize(text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
            }
        }
        let line = self.line;
        self.line = self.reader.line();
        let mut start = 0;
        let fields = ends[..count].iter().map(|&end| {
            let field = text[start..end].to_vec();
            start = end;
            field
        });
        Some((line, fields.collect()))
    }
}

fn wanted(shell: &mut Shell, words: &[String]) -> Option<Wanted> {
    let (mut operands, mut schema, mut skipped, mut verbose) = (vec![], None, 0, false);
    let style = &mut shell.style;
    // From here on what is shown has such ends of lines, too.
    if style.mode == Mode::Csv && style.row_separator == "\r\n" {
        style.row_separator = "\n".into();
    }
    let mut separators = [style.column_separator.clone(), style.row_separator.clone()];
    let mut words = words.iter();
    let wrong = |shell: &mut Shell, text: &str| {
        shell.say(&format!("ERROR: {text}. Usage:\n{USAGE}"));
        None
    };
    while let Some(word) = words.next() {
        match word.strip_prefix("--").or(word.strip_prefix('-')) {
            None => operands.push(word.clone()),
            Some("v") => verbose = true,
            Some("csv") => separators = [",".into(), "\n".into()],
            Some("ascii") => separators = ["\x1f".into(), "\x1e".into()],
            Some("schema") => schema = words.next().cloned(),
            Some("skip") => skipped = words.next().and_then(|count| count.parse().ok()).unwrap_or(0),
            Some(_) => return wrong(shell, &format!("unknown option: \"{word}\"")),
        }
    }
    let mut operands = operands.into_iter();
    let Some(name) = operands.next() else { return wrong(shell, "missing FILE argument") };
    let Some(table) = operands.next() else { return wrong(shell, "missing TABLE argument") };
    if let Some(extra) = operands.next() {
        return wrong(shell, &format!("extra argument: \"{extra}\""));
    }
    Some(Wanted { name, table, schema, skipped, verbose, separators })
}

pub fn run(shell: &mut Shell, words: &[String]) -> Next {
    let Some(wanted) = wanted(shell, words) else { return Next::Failed };
    let [column, row] = &wanted.separators;
    let complaint = match (column.len(), row.len()) {
        (0, _) => Some("non-null column separator required for import"),
        (2.., _) => Some("multi-character column separators not allowed for import"),
        (_, 0) => Some("non-null row separator required for import"),
        (_, 2..) => Some("multi-character row separators not allowed for import"),
        _ => None,
    };
    if let Some(complaint) = complaint {
        shell.complain(&format!("Error: {complaint}"));
        return Next::Failed;
    }
    let Some(text) = contents(&wanted.name) else {
        shell.complain(&format!("Error: cannot open \"{}\"", wanted.name));
        return Next::Failed;
    };
    if shell.open().is_err() {
        return Next::Leave(1);
    }
    if wanted.verbose {
        let shown = |text: &str| text.replace('\n', "\\n").replace('\t', "\\t");
        shell.say(&format!("Column separator \"{}\", row separator \"{}\"", shown(column), shown(row)));
    }
    let quotes = column != "\x1f";
    let mut records = Records::new(&text, column.as_bytes()[0], row.as_bytes()[0], quotes);
    for _ in 0..wanted.skipped {
        records.next();
    }
    let Some(database) = shell.database.take() else { return Next::Leave(1) };
    let outcome = insert(shell, &database, &wanted, &mut records);
    shell.database = Some(database);
    match outcome {
        Ok(true) => Next::GoOn,
        Ok(false) => Next::Failed,
        Err(failure) => {
            shell.complain(&format!("Error: {}", failure.message));
            Next::Failed
        }
    }
}

fn insert(
    shell: &mut Shell,
    database: &Database,
    wanted: &Wanted,
    records: &mut Records,
) -> Result<bool, Failure> {
    let schema = wanted.schema.as_ref().map(|schema| format!("{}.", quoted(schema))).unwrap_or_default();
    let table = format!("{schema}{}", quoted(&wanted.table));
    let count = |database: &Database| {
        let sql = format!("SELECT * FROM {table}");
        database.statement(&sql).map(|statement| statement.columns()).unwrap_or(0)
    };
    if count(database) == 0 {
        let Some((_, names)) = records.next() else {
            shell.complain(&format!("{}: empty file", wanted.name));
            return Ok(false);
        };
        let names: Vec<String> =
            names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let unique = unique(shell, &wanted.name, &names);
        let columns: Vec<String> = unique.iter().map(|name| format!("{} TEXT", quoted(name))).collect();
        let sql = format!("CREATE TABLE {table}(\n{})", columns.join(", "));
        if wanted.verbose {
            shell.say(&format!("{sql}\n"));
        }
        if let Err(failure) = database.run(&sql, &[]) {
            shell.complain(&format!("{sql} failed:\n{}", failure.message));
            return Ok(false);
        }
    }
    let columns = count(database);
    if columns == 0 {
        return Ok(true);
    }
    let marks = vec!["?"; columns].join(",");
    let begins = database.run("BEGIN", &[]).is_ok();
    let mut statement = database.statement(&format!("INSERT INTO {table} VALUES({marks})"))?;
    let (mut added, mut errors, mut last) = (0, 0, 0);
    for (line, fields) in records.by_ref() {
        last = line;
        if fields.len() != columns {
            let how = if fields.len() < columns { "filling the rest with NULL" } else { "extras ignored" };
            let found = fields.len();
            shell.complain(&format!(
                "{}:{line}: expected {columns} columns but found {found} - {how}",
                wanted.name
            ));
        }
        for at in 0..columns {
            statement.bind(at + 1, fields.get(at).map(Vec::as_slice));
        }
        let outcome = statement.step();
        statement.reset();
        match outcome {
            Ok(_) => added += 1,
            Err(failure) => {
                errors += 1;
                shell.complain(&format!("{}:{line}: INSERT failed: {}", wanted.name, failure.message));
                if shell.bail {
                    break;
                }
            }
        }
    }
    drop(statement);
    if begins {
        database.run("COMMIT", &[])?;
    }
    if wanted.verbose {
        let lines = records.line.saturating_sub(1).max(last);
        shell.say(&format!("Added {added} rows with {errors} errors using {lines} lines of input"));
    }
    Ok(errors == 0 || !shell.bail)
}

/// Names of columns: those that are there more than once get the number of their column.
fn unique(shell: &mut Shell, file: &str, names: &[String]) -> Vec<String> {
    let same = |one: &String, other: &String| one.eq_ignore_ascii_case(other);
    let is_double = |name: &String| names.iter().filter(|other| same(name, other)).count() > 1;
    let mut renamed: Vec<String> = vec![];
    let made = names.iter().enumerate().map(|(at, name)| {
        let bare = if name.is_empty() { "?" } else { name };
        if name.is_empty() || is_double(name) {
            let made = format!("{bare}_{}", at + 1);
            renamed.push(format!("{} to {}", quoted(name), quoted(&made)));
            made
        } else {
            name.clone()
        }
    });
    let made = made.collect();
    if !renamed.is_empty() {
        shell.complain(&format!(
            "Columns renamed during .import {file} due to duplicates:\n{}",
            renamed.join(",\n")
        ));
    }
    made
}
