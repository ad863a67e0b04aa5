//! `wc`: uutils' counts bytes that are no text as characters, and cannot tell how large its standard input is, from which
//! the width of the columns follows. `--files0-from` is uutils' all the same.

mod count;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use cordon_vm::byte_text::ToText;
use cordon_vm::descriptors;
use cordon_vm::types::FileType;

use super::reason;
use count::{Counter, Counts, Wanted};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// The width of columns about something whose size is not known.
const WIDTH: usize = 7;

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let Ok(matches) = uu_wc::uu_app().try_get_matches_from(args.as_slice()) else {
        return uu_wc::uumain(args);
    };
    if matches.contains_id("files0-from") || matches.get_flag("debug") {
        return uu_wc::uumain(args);
    }
    let flag = |id| matches.get_flag(id);
    let mut wanted = Wanted {
        lines: flag("lines"),
        words: flag("words"),
        chars: flag("chars"),
        bytes: flag("bytes"),
        longest: flag("max-line-length"),
    };
    if wanted.columns() == 0 {
        wanted = Wanted { lines: true, words: true, bytes: true, ..wanted };
    }
    let files: Vec<&OsString> = matches.get_many("files").unwrap_or_default().collect();
    let total = match matches.get_one::<String>("total").map(String::as_str) {
        Some("always") => Total::Always,
        Some("only") => Total::Only,
        Some("never") => Total::Never,
        _ if files.len() > 1 => Total::Always,
        _ => Total::Never,
    };
    let width = if total == Total::Only { 1 } else { width(&files, &wanted) };
    let mut run = Run { wanted, width, total, sum: Counts::default(), status: 0 };
    if files.is_empty() {
        run.count(None);
    }
    for file in files {
        run.count(Some(file));
    }
    match total {
        Total::Always => run.show(&run.sum, Some(OsStr::new("total"))),
        Total::Only => run.show(&run.sum, None),
        Total::Never => {}
    }
    run.status
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Total {
    Always,
    Only,
    Never,
}

/// As wide as the sum of all sizes, if it is known and somebody could compare two numbers.
fn width(files: &[&OsString], wanted: &Wanted) -> usize {
    if files.len() < 2 && wanted.columns() == 1 {
        return 1;
    }
    let mut sum = 0;
    let mut least = 1;
    let mut add = |size: Option<u64>| match size {
        Some(size) => sum += size,
        None => least = WIDTH,
    };
    if files.is_empty() {
        add(size_of_input());
    }
    for file in files {
        if *file == "-" {
            add(size_of_input());
        } else if let Ok(known) = Path::new(file).metadata() {
            add(known.is_file().then_some(known.len()));
        }
    }
    sum.to_string().len().max(least)
}

/// The size of standard input, if it is a regular file.
fn size_of_input() -> Option<u64> {
    let known = descriptors::inherited(0).ok()?.status().ok()?;
    (known.file_type == FileType::RegularFile).then_some(known.size)
}

struct Run {
    wanted: Wanted,
    width: usize,
    total: Total,
    sum: Counts,
    status: i32,
}

impl Run {
    /// Counts a file, or standard input, which has a name only where it is an operand.
    fn count(&mut self, file: Option<&OsString>) {
        let mut counter = Counter::new(self.wanted);
        let outcome = match file.filter(|file| *file != "-") {
            None => read(&mut io::stdin().lock(), &mut counter),
            Some(file) => match File::open(file) {
                Ok(opened) => self.count_opened(file, opened, &mut counter),
                Err(error) => return self.fail(file, &reason(&error)),
            },
        };
        if let Err(error) = outcome {
            let name = file.map_or(OsStr::new("-"), OsString::as_os_str);
            // WASI has no better word than a bad descriptor for reading from a directory.
            let is_directory = Path::new(name).is_dir();
            self.fail(name, &if is_directory { "Is a directory".to_owned() } else { reason(&error) });
        }
        let counts = counter.finish();
        self.sum.add(&counts);
        if self.total != Total::Only {
            self.show(&counts, file.map(OsString::as_os_str));
        }
    }

    fn count_opened(&self, name: &OsStr, mut file: File, counter: &mut Counter) -> io::Result<()> {
        if self.wanted.only_bytes() {
            let known = Path::new(name).metadata()?;
            // Files that are made when they are read have no size.
            if known.is_file() && known.len() > 0 {
                counter.add_bytes(known.len());
                return Ok(());
            }
        }
        read(&mut file, counter)
    }

    fn fail(&mut self, name: &OsStr, why: &str) {
        let _ = writeln!(io::stderr(), "wc: {}: {why}", name.to_text());
        self.status = 1;
    }

    fn show(&self, counts: &Counts, name: Option<&OsStr>) {
        let width = self.width;
        let columns: Vec<String> =
            counts.columns(&self.wanted).iter().map(|number| format!("{number:>width$}")).collect();
        let mut line = columns.join(" ").into_bytes();
        if let Some(name) = name {
            line.push(b' ');
            line.extend_from_slice(name.as_encoded_bytes());
        }
        line.push(b'\n');
        let _ = io::stdout().write_all(&line);
    }
}

fn read(from: &mut dyn Read, counter: &mut Counter) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => counter.feed(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
