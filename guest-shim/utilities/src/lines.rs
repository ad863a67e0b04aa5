//! `look`, `col` and `colrm`: lines that begin so, texts for printers, columns that go.

use cordon_vm::byte_text::{self, ToText};
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};

use cordon_multicall::files::{finish, open, output, reason};
use cordon_multicall::{options, say};

type Args = std::vec::IntoIter<OsString>;

/// Prints the lines of a sorted file that begin with a text. They are found by cutting the file in halves, so that in
/// one that is not sorted some may be missed.
pub fn look(args: Args) -> i32 {
    let usage = "Usage: look [options] <string> [<file>...]\n\n -a, --alternative        use the alternative dictionary\n \
                 -d, --alphanum           compare only blanks and alphanumeric characters\n -f, --ignore-case        ignore \
                 case differences when comparing\n -t, --terminate <char>   define the string-termination character";
    let longs = ["alternative=a", "alphanum=d", "ignore-case=f", "terminate:=t", "help=h", "version=V"];
    let parsed = match options::begin("look", usage, args, "adft:hV", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let operands = parsed.words();
    let (text, file) = match operands.as_slice() {
        [text] => (text, "/usr/share/dict/words"),
        [text, file] => (text, file.as_str()),
        _ => return options::misused("look", "bad usage"),
    };
    // Words of the dictionary are looked for as people write them.
    let is_dictionary = operands.len() == 1;
    let (only_letters, any_case) = (parsed.has('d') || is_dictionary, parsed.has('f') || is_dictionary);
    let mut text = text.as_bytes();
    if let Some(end) = parsed.value('t').and_then(|end| end.bytes().next())
        && let Some(at) = text.iter().position(|&byte| byte == end)
    {
        text = &text[..=at];
    }
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            say(&mut io::stderr(), &format!("look: {file}: {}", reason(&error)));
            return 1;
        }
    };
    let key = |line: &[u8]| -> Vec<u8> {
        line.iter()
            .filter(|byte| !only_letters || byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'\t'))
            .map(|byte| if any_case { byte.to_ascii_lowercase() } else { *byte })
            .collect()
    };
    let wanted = key(text);
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let lines = lines.strip_suffix(&[&b""[..]]).unwrap_or(&lines);
    let start = lines.partition_point(|line| {
        let mut own = key(line);
        own.truncate(wanted.len());
        own < wanted
    });
    let mut out = output();
    let mut count = 0;
    for line in lines[start..].iter().take_while(|line| key(line).starts_with(&wanted)) {
        count += 1;
        if out.write_all(line).and_then(|()| out.write_all(b"\n")).is_err() {
            break;
        }
    }
    finish("look", out, i32::from(count == 0))
}

/// Takes the columns from one to another out of each line.
pub fn colrm(args: Args) -> i32 {
    let usage = "Usage: colrm [startcol [endcol]]\n\nFilter out the specified columns.";
    let parsed = match options::begin("colrm", usage, args, "hV", &["help=h", "version=V"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let mut numbers = vec![];
    for (word, which) in parsed.operands.iter().zip(["first", "second"]) {
        let word = word.to_text();
        match word.parse::<usize>() {
            Ok(number) => numbers.push(number),
            Err(_) => {
                say(&mut io::stderr(), &format!("colrm: {which} argument: '{word}'"));
                return 1;
            }
        }
    }
    let start = numbers.first().copied().unwrap_or(0);
    let end = numbers.get(1).copied().unwrap_or(usize::MAX);
    let mut input = io::stdin().lock();
    let mut out = output();
    let mut line = vec![];
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) => return finish("colrm", out, 0),
            Err(error) => {
                say(&mut io::stderr(), &format!("colrm: {}", reason(&error)));
                return 1;
            }
        }
        let mut kept = String::new();
        let mut column = 0_usize;
        for character in byte_text::decoded(&line).chars() {
            let before = column;
            match character {
                '\t' => column = (column + 8) & !7,
                '\x08' => column = column.saturating_sub(1),
                '\n' => {
                    kept.push('\n');
                    continue;
                }
                _ => column += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0),
            }
            let stays = |column: usize| start == 0 || column < start || column > end;
            if character == '\t'
                && !(stays(column) && stays(before + 1) && (column < start || before >= end || start == 0))
            {
                // Of a tab that reaches into what goes, the rest is left.
                kept.extend((before + 1..=column).filter(|&column| stays(column)).map(|_| ' '));
            } else if stays(column) {
                kept.push(character);
            }
        }
        if out.write_all(&byte_text::encode(&kept)).is_err() {
            return 1;
        }
    }
}

/// Where the printing of a text has come to.
#[derive(Default)]
struct Page {
    /// Half lines from the first one; each is of characters in their columns, in the order in which they came.
    lines: Vec<Vec<(usize, char)>>,
    row: usize,
    column: usize,
}

impl Page {
    fn line(&mut self) -> &mut Vec<(usize, char)> {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, vec![]);
        }
        &mut self.lines[self.row]
    }
}

/// Lines that one may go back at most.
const FURTHEST: usize = 1 << 20;

/// Undoes what moves the paper back: reverse and half line feeds.
pub fn col(args: Args) -> i32 {
    let usage = "Usage: col [options]\n\nFilter out reverse line feeds from standard input.\n\nOptions:\n -b, --no-backspaces    \
                 do not output backspaces\n -f, --fine             permit forward half line feeds\n -p, --pass             \
                 pass unknown control sequences\n -h, --tabs             convert spaces to tabs\n -x, --spaces           \
                 convert tabs to spaces\n -l, --lines NUM        buffer at least NUM lines";
    let longs =
        ["no-backspaces=b", "fine=f", "pass=p", "tabs=h", "spaces=x", "lines:=l", "help=H", "version=V"];
    let parsed = match options::begin("col", usage, args, "bfhl:pxHV", &longs) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let mut text = vec![];
    if let Err(error) = io::stdin().read_to_end(&mut text) {
        say(&mut io::stderr(), &format!("col: {}", reason(&error)));
        return 1;
    }
    let mut page = Page::default();
    let text = byte_text::decode(text);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x08' => page.column = page.column.saturating_sub(1),
            '\r' => page.column = 0,
            '\n' => {
                page.row += 2;
                page.column = 0;
                page.line();
            }
            '\t' => page.column = (page.column + 8) & !7,
            ' ' => page.column += 1,
            '\x0b' => page.row = page.row.saturating_sub(2),
            '\x1b' => match characters.next() {
                Some('7' | '\x07') => page.row = page.row.saturating_sub(2),
                Some('8' | '\x08') => page.row = page.row.saturating_sub(1),
                Some('9' | '\x09') if page.row < FURTHEST => page.row += 1,
                _ => {}
            },
            '\x0e' | '\x0f' => {}
            character if character.is_control() => {
                if parsed.has('p') {
                    let column = page.column;
                    page.line().push((column, character));
                }
            }
            character => {
                let column = page.column;
                page.line().push((column, character));
                page.column += 1;
            }
        }
    }
    let mut out = output();
    let (keeps, fine, tabs) = (!parsed.has('b'), parsed.has('f'), !parsed.has('x'));
    let is_done = show(&page, keeps, fine, tabs, text.ends_with('\n'), &mut out);
    finish("col", out, i32::from(is_done.is_err()))
}

fn show(page: &Page, keeps: bool, fine: bool, tabs: bool, ends: bool, out: &mut dyn Write) -> io::Result<()> {
    // Behind the end of the last line there is none.
    let is_over = ends && page.lines.last().is_some_and(Vec::is_empty);
    let last = page.lines.len() - usize::from(is_over);
    let mut at = 0;
    while at < last {
        let mut cells = page.lines[at].clone();
        // Half lines go to the whole one above, unless they are wanted.
        if !fine {
            cells.extend(page.lines.get(at + 1).into_iter().flatten());
        }
        print(&mut cells, keeps, tabs, out)?;
        let half = page.lines.get(at + 1).filter(|line| fine && !line.is_empty());
        if let Some(half) = half {
            out.write_all(b"\x1b9\r")?;
            print(&mut half.clone(), keeps, tabs, out)?;
            out.write_all(b"\x1b9\r")?;
        } else {
            out.write_all(b"\n")?;
        }
        at += 2;
    }
    Ok(())
}

fn print(cells: &mut [(usize, char)], keeps: bool, tabs: bool, out: &mut dyn Write) -> io::Result<()> {
    // What came to the same column keeps its order.
    cells.sort_by_key(|(column, _)| *column);
    let mut column = 0;
    let mut line = String::new();
    let mut rest = &*cells;
    while let Some(&(next, _)) = rest.first() {
        let count = rest.iter().take_while(|(other, _)| *other == next).count();
        let (same, after) = rest.split_at(count);
        rest = after;
        if tabs {
            while column < next && next - column > 1 && (column + 8) & !7 <= next {
                line.push('\t');
                column = (column + 8) & !7;
            }
        }
        line.extend(std::iter::repeat_n(' ', next.saturating_sub(column)));
        if keeps {
            for (at, (_, character)) in same.iter().enumerate() {
                if at > 0 {
                    line.push('\x08');
                }
                line.push(*character);
            }
        } else if let Some((_, character)) = same.last() {
            line.push(*character);
        }
        column = next + 1;
    }
    out.write_all(&byte_text::encode(&line))
}

/// Takes in all of its input before it writes the file.
pub fn sponge(args: Args) -> i32 {
    let usage = "sponge [-a] <file>: soak up all input from stdin and write it to <file>";
    let parsed = match options::begin("sponge", usage, args, "ah", &["help=h"]) {
        Ok(parsed) => parsed,
        Err(status) => return status,
    };
    let mut bytes = vec![];
    let fail = |what: &str, error: &io::Error| {
        say(&mut io::stderr(), &format!("sponge: {what}: {}", reason(error)));
        1
    };
    if let Err(error) = io::stdin().read_to_end(&mut bytes) {
        return fail("error reading standard input", &error);
    }
    let Some(file) = parsed.operands.first() else {
        let mut out = output();
        let is_written = out.write_all(&bytes);
        return finish("sponge", out, i32::from(is_written.is_err()));
    };
    let opened = fs::OpenOptions::new()
        .create(true)
        .write(true)
        .append(parsed.has('a'))
        .truncate(!parsed.has('a'))
        .open(file);
    match opened.and_then(|mut file| file.write_all(&bytes)) {
        Ok(()) => 0,
        Err(error) => fail(&format!("error opening output file: {}", file.to_text()), &error),
    }
}

/// Puts the time in front of each line as it comes.
pub fn ts(args: Args) -> i32 {
    let usage = "usage: ts [-i | -s] [-m] [format]";
    let parsed = match options::parse(args, "ismh", &[]) {
        Ok(parsed) => parsed,
        Err(message) => {
            let unknown = message.rsplit('\'').nth(1).unwrap_or_default();
            say(&mut io::stderr(), &format!("Unknown option: {unknown}\n{usage}"));
            return 255;
        }
    };
    let (each, all) = (parsed.has('i'), parsed.has('s'));
    let default = if each || all { "%H:%M:%S" } else { "%b %d %H:%M:%S" };
    let format = parsed.operands.first().map_or(default.to_owned(), |format| format.to_text().into_owned());
    let start = std::time::Instant::now();
    let mut before = start;
    let mut input = match open("-") {
        Ok(input) => input,
        Err(error) => {
            say(&mut io::stderr(), &format!("ts: {}", reason(&error)));
            return 1;
        }
    };
    let mut out = io::stdout();
    let mut line = vec![];
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(1..) => {}
            _ => return finish("ts", out, 0),
        }
        let now = std::time::Instant::now();
        let since = match (each, all) {
            (true, _) => now - before,
            (_, true) => now - start,
            _ => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default(),
        };
        before = now;
        let stamp = stamp(&format, since);
        if out
            .write_all(format!("{stamp} ").as_bytes())
            .and_then(|()| out.write_all(&line))
            .and_then(|()| out.flush())
            .is_err()
        {
            return 1;
        }
    }
}

/// A time since 1970 in a format of `strftime`; `%.S`, `%.s` and `%.T` have fractions.
fn stamp(format: &str, since: std::time::Duration) -> String {
    let fraction = format!("{:06}", since.subsec_micros());
    let format = format
        .replace("%.S", &format!("%S.{fraction}"))
        .replace("%.s", &format!("%s.{fraction}"))
        .replace("%.T", &format!("%T.{fraction}"));
    let time =
        i64::try_from(since.as_secs()).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let zoned = time.map(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    zoned.and_then(|time| jiff::fmt::strtime::format(&format, &time).ok()).unwrap_or(format)
}
