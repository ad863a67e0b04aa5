//! `sort`: what is asked for most is sorted in memory ([`memory`]), the rest is uutils'. `sort --merge` and `sort --check`,
//! which uutils' does with threads, are done by means of its sorting, which it does without them on WASI; and files whose last
//! line does not end are mended before.
//!
//! Merging files that are sorted is sorting them. Whether a file is sorted is told by sorting it, stably, and comparing.
//! Without threads uutils' reads all files as one: what ends a line stands between those of which the first needs it.

mod keys;
mod memory;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use cordon_multicall::say;
use cordon_vm::byte_text::{self, ToText};

use super::reason;

/// Options that take a value, in the same argument or in the next.
const VALUED: &str = "koStT";
const VALUED_LONG: &[&str] = &[
    "--key",
    "--output",
    "--buffer-size",
    "--field-separator",
    "--temporary-directory",
    "--batch-size",
    "--compress-program",
    "--files0-from",
    "--parallel",
    "--random-source",
    "--sort",
];

/// What the arguments ask for, and the rest of them.
#[derive(Default)]
struct Request {
    merge: bool,
    check: bool,
    silent: bool,
    zero_terminated: bool,
    options: Vec<OsString>,
    files: Vec<OsString>,
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let all: Vec<OsString> = args.collect();
    let request = read(&all);
    if !request.check
        && !request.merge
        && let Some(status) = memory::Plan::parse(&all).and_then(|plan| plan.run(&request.options))
    {
        return status;
    }
    if request.check && !request.merge && request.files.len() <= 1 {
        return check(&request);
    }
    // Keys of the old form look like files, and are options by where they stand.
    let has_old_keys = request.files.iter().any(|file| file.as_encoded_bytes().starts_with(b"+"));
    if !request.check && (request.merge || (request.files.len() > 1 && !has_old_keys)) {
        return sort_each(&request);
    }
    // Sorting, or a contradiction, which it explains.
    uu_sort::uumain(all.into_iter())
}

fn sort(options: &[OsString], files: &[OsString]) -> i32 {
    let name = std::iter::once(OsString::from("sort"));
    let files = std::iter::once(OsString::from("--")).chain(files.iter().cloned());
    uu_sort::uumain(name.chain(options.iter().cloned()).chain(files).collect::<Vec<_>>().into_iter())
}

/// Sorts files that each end their last line, whether it is said or not.
fn sort_each(request: &Request) -> i32 {
    let end = if request.zero_terminated { 0 } else { b'\n' };
    match separated(&request.files, end) {
        Ok((files, _scratch)) => sort(&request.options, &files),
        Err(error) => {
            let _ = writeln!(io::stderr(), "sort: cannot write to /tmp: {}", reason(&error));
            2
        }
    }
}

/// The files with one that is only the end of a line after each that lacks it, and what has to be kept meanwhile.
fn separated(files: &[OsString], end: u8) -> io::Result<(Vec<OsString>, Vec<Scratch>)> {
    let mut all = vec![];
    let mut scratch: Vec<Scratch> = vec![];
    let mut line_end: Option<OsString> = None;
    for (at, file) in files.iter().enumerate() {
        if at + 1 == files.len() {
            all.push(file.clone());
            continue;
        }
        let ends = match last_byte(file) {
            Some(last) => {
                all.push(file.clone());
                last == end
            }
            // A stream tells only once.
            None => {
                let mut contents = vec![];
                let outcome = match file.to_str() {
                    Some("-") => io::stdin().read_to_end(&mut contents),
                    _ => File::open(file).and_then(|mut file| file.read_to_end(&mut contents)),
                };
                if outcome.is_err() {
                    // It is for sorting to complain.
                    all.push(file.clone());
                    continue;
                }
                let copy = Scratch::new(&contents)?;
                all.push(copy.input.clone().into());
                scratch.push(copy);
                contents.last().is_none_or(|last| *last == end)
            }
        };
        if !ends {
            if line_end.is_none() {
                let made = Scratch::new(&[end])?;
                line_end = Some(made.input.clone().into());
                scratch.push(made);
            }
            all.extend(line_end.clone());
        }
    }
    Ok((all, scratch))
}

/// What a file tells of its last byte without being used up: none where it is a stream, or empty.
fn last_byte(file: &OsString) -> Option<u8> {
    if file == "-" {
        return None;
    }
    let mut file = File::open(file).ok()?;
    let known = file.metadata().ok()?;
    if !known.is_file() {
        return None;
    }
    // An empty one has none; reading it is no work.
    file.seek(SeekFrom::End(-1)).ok()?;
    let mut last = [0];
    file.read_exact(&mut last).ok()?;
    Some(last[0])
}

/// Takes `-m`, `-c` and `-C` out of the arguments, also where they stand in a cluster.
fn read(all: &[OsString]) -> Request {
    let mut request = Request::default();
    let mut args = all.iter().skip(1);
    while let Some(arg) = args.next() {
        let text = arg.to_text();
        if text == "--" {
            request.files.extend(args.by_ref().cloned());
        } else if let Some(long) = text.strip_prefix("--") {
            match long {
                "merge" => request.merge = true,
                "check" | "check=diagnose-first" => request.check = true,
                "check=silent" | "check=quiet" | "check-silent" => {
                    (request.check, request.silent) = (true, true)
                }
                _ => {
                    request.zero_terminated |= long == "zero-terminated";
                    request.options.push(arg.clone());
                    if VALUED_LONG.contains(&text.as_ref()) {
                        request.options.extend(args.next().cloned());
                    }
                }
            }
        } else if let Some(cluster) = text.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            let mut kept = String::from("-");
            let mut rest = cluster.chars();
            let mut value_follows = false;
            while let Some(flag) = rest.next() {
                match flag {
                    'm' => request.merge = true,
                    'c' => request.check = true,
                    'C' => (request.check, request.silent) = (true, true),
                    flag => {
                        request.zero_terminated |= flag == 'z';
                        kept.push(flag);
                    }
                }
                if VALUED.contains(flag) {
                    value_follows = rest.as_str().is_empty();
                    kept.push_str(rest.as_str());
                    break;
                }
            }
            if kept.len() > 1 {
                request.options.push(kept.into());
            }
            if value_follows {
                request.options.extend(args.next().cloned());
            }
        } else {
            request.files.push(arg.clone());
        }
    }
    request
}

fn check(request: &Request) -> i32 {
    let name = request.files.first().cloned().unwrap_or_else(|| "-".into());
    let mut input = Vec::new();
    let outcome = match name.to_str() {
        Some("-") => io::stdin().read_to_end(&mut input),
        _ => File::open(&name).and_then(|mut file| file.read_to_end(&mut input)),
    };
    if let Err(error) = outcome {
        let _ = writeln!(io::stderr(), "sort: cannot read: {}: {}", name.to_text(), reason(&error));
        return 2;
    }
    let end = if request.zero_terminated { 0 } else { b'\n' };
    if input.last().is_some_and(|last| *last != end) {
        input.push(end);
    }
    match first_disorder(request, &input, end) {
        Ok(None) => 0,
        Ok(Some((number, line))) => {
            if !request.silent {
                let (name, line) = (name.to_text(), byte_text::decoded(line));
                say(&mut io::stderr(), &format!("sort: {name}:{number}: disorder: {line}"));
            }
            1
        }
        Err(status) => status,
    }
}

/// The number and text of the first line that should have come before the one above it.
fn first_disorder<'a>(request: &Request, input: &'a [u8], end: u8) -> Result<Option<(usize, &'a [u8])>, i32> {
    if is_sorted(request, input)? {
        return Ok(None);
    }
    let lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == end).collect();
    // The first `sorted` lines are sorted, the first `unsorted` are not.
    let (mut sorted, mut unsorted) = (1, lines.len());
    let mut length = lines[0].len();
    while unsorted - sorted > 1 {
        let middle = sorted.midpoint(unsorted);
        let more: usize = lines[sorted..middle].iter().map(|line| line.len()).sum();
        if is_sorted(request, &input[..length + more])? {
            (sorted, length) = (middle, length + more);
        } else {
            unsorted = middle;
        }
    }
    let line = lines[unsorted - 1];
    Ok(Some((unsorted, &line[..line.len() - 1])))
}

fn is_sorted(request: &Request, lines: &[u8]) -> Result<bool, i32> {
    let scratch = Scratch::new(lines).map_err(|error| {
        let _ = writeln!(io::stderr(), "sort: cannot write to /tmp: {}", reason(&error));
        2
    })?;
    let mut options = request.options.clone();
    options.extend(["--stable".into(), format!("--output={}", scratch.output).into()]);
    match sort(&options, &[scratch.input.clone().into()]) {
        0 => Ok(fs::read(&scratch.output).is_ok_and(|sorted| sorted == lines)),
        status => Err(status),
    }
}

/// Two files in `/tmp`, removed when dropped.
struct Scratch {
    input: String,
    output: String,
}

impl Scratch {
    fn new(contents: &[u8]) -> io::Result<Self> {
        let unique = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let at_contents = contents.as_ptr() as usize;
        for attempt in 0..100 {
            let input = format!("/tmp/sort.{unique:x}.{at_contents:x}.{attempt}");
            match File::create_new(&input) {
                Ok(mut file) => {
                    let scratch = Self { output: format!("{input}.sorted"), input };
                    file.write_all(contents)?;
                    return Ok(scratch);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.input);
        let _ = fs::remove_file(&self.output);
    }
}
