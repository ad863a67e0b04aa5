//! `tail -f`: uutils' follows files by threads and by what the system tells of them, or not at all. Whatever else `tail` is
//! asked for is uutils'.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use cordon_vm::types::{FileType, Symlinks};
use cordon_vm::{descriptors, filesystem};
use uu_tail::args::{FilterMode, FollowMode, Settings, Signum, parse_args};
use uucore::display::Quotable;

use super::reason;

/// Standard input by a path.
const INPUT: &str = "/dev/stdin";
/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// How long it takes at most until something new is seen, unless another time is asked for.
const LOOK: Duration = Duration::from_millis(100);
/// The time that `tail` has for this if none is asked for.
const DEFAULT_LOOK: Duration = Duration::from_secs(1);

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    match parse_args(args.clone()) {
        Ok(settings) if is_to_follow(&settings) => follow(&settings),
        // A mistake is uutils' to explain.
        _ => uu_tail::uumain(args),
    }
}

/// Standard input is followed where it is a file that somebody may write to, and not by its name, which it has none of.
fn is_to_follow(settings: &Settings) -> bool {
    match settings.follow {
        Some(FollowMode::Name) => !settings.has_stdin(),
        Some(FollowMode::Descriptor) => !settings.has_only_stdin() || input_is_file(),
        None => false,
    }
}

fn input_is_file() -> bool {
    let known = descriptors::inherited(0).and_then(|input| input.status());
    known.is_ok_and(|known| known.file_type == FileType::RegularFile)
}

/// Whether a process is there and has not ended.
fn is_alive(process: impl Display) -> bool {
    let known = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = known.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// A file that is followed.
struct Followed {
    /// Its place among the operands.
    at: usize,
    /// As it is called in what is printed.
    name: String,
    /// None for standard input.
    path: Option<String>,
    /// None while it is not there.
    file: Option<File>,
    inode: Option<(u64, u64)>,
    /// Bytes that have been read.
    position: u64,
}

struct Tail<'a> {
    settings: &'a Settings,
    by_name: bool,
    /// Which file the last output is of.
    last: Option<usize>,
    failed: bool,
}

fn follow(settings: &Settings) -> i32 {
    let by_name = settings.follow == Some(FollowMode::Name);
    let mut tail = Tail { settings, by_name, last: None, failed: false };
    let mut followed = vec![];
    for (at, input) in settings.inputs.iter().enumerate() {
        let name = input.display_name.clone();
        let path = match input.is_stdin() {
            false => Some(name.clone()),
            true => input_is_file().then(|| INPUT.to_owned()),
        };
        followed.extend(tail.begin(at, name, path));
    }
    let pause = if settings.sleep_sec == DEFAULT_LOOK { LOOK } else { settings.sleep_sec };
    loop {
        if followed.is_empty() {
            tail.complain("no files remaining");
            return 1;
        }
        let is_over = settings.pid.is_some_and(|pid| !is_alive(pid));
        for file in &mut followed {
            tail.look(file);
        }
        followed.retain(|file| file.file.is_some() || settings.retry);
        if is_over {
            return i32::from(tail.failed);
        }
        sleep(pause);
    }
}

fn identity(path: &str) -> Option<(u64, u64)> {
    filesystem::status(path, Symlinks::Follow).ok().map(|known| (known.device, known.inode))
}

impl Tail<'_> {
    fn complain(&mut self, message: &str) {
        let _ = io::stdout().flush();
        let _ = writeln!(io::stderr(), "tail: {message}");
    }

    /// Prints what a file ends with. None where there is nothing to follow.
    fn begin(&mut self, at: usize, name: String, path: Option<String>) -> Option<Followed> {
        let Some(path) = path else {
            self.head(at, &name);
            self.show_input();
            return None;
        };
        let mut followed =
            Followed { at, inode: identity(&path), name, path: Some(path.clone()), file: None, position: 0 };
        if Path::new(&path).is_dir() {
            self.failed = true;
            self.head(at, &path);
            self.complain(&format!("error reading {}: Is a directory", path.quote()));
            self.complain(&format!("{path}: cannot follow end of this type of file; giving up on this name"));
            return None;
        }
        let opened = File::open(&path).and_then(|mut file| {
            followed.position = start(&mut file, &self.settings.mode)?;
            Ok(file)
        });
        match opened {
            Ok(file) => {
                followed.file = Some(file);
                self.head(at, &followed.name);
                self.show(&mut followed);
                Some(followed)
            }
            Err(error) => {
                self.failed = true;
                self.complain(&format!("cannot open {} for reading: {}", path.quote(), reason(&error)));
                self.settings.retry.then_some(followed)
            }
        }
    }

    /// What comes in by standard input, among files, is not followed.
    fn show_input(&mut self) {
        let mut input = vec![];
        if io::stdin().read_to_end(&mut input).is_ok() {
            let start = match &self.settings.mode {
                FilterMode::Bytes(count) => start_of_bytes(input.len() as u64, *count),
                FilterMode::Lines(count, end) => start_of_lines(&mut io::Cursor::new(&input), *count, *end),
            };
            let start = usize::try_from(start.unwrap_or(0)).unwrap_or(usize::MAX).min(input.len());
            let _ = io::stdout().write_all(&input[start..]);
        }
    }

    /// The line that says whose output follows.
    fn head(&mut self, at: usize, name: &str) {
        if self.settings.verbose && self.last != Some(at) {
            let before = if self.last.is_some() { "\n" } else { "" };
            let _ = writeln!(io::stdout(), "{before}==> {name} <==");
        }
        self.last = Some(at);
    }

    /// Prints what is new.
    fn show(&mut self, followed: &mut Followed) {
        let mut buffer = vec![0; CHUNK];
        while let Some(file) = &mut followed.file {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    followed.position += read as u64;
                    self.head(followed.at, &followed.name);
                    let _ = io::stdout().write_all(&buffer[..read]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let (name, why) = (followed.name.quote(), reason(&error));
                    self.complain(&format!("error reading {name}: {why}"));
                    self.failed = true;
                    followed.file = None;
                }
            }
        }
        let _ = io::stdout().flush();
    }

    /// Looks what became of a file, and prints what is new in it.
    fn look(&mut self, followed: &mut Followed) {
        let is_shorter = followed
            .file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .is_some_and(|known| known.is_file() && known.len() < followed.position);
        if is_shorter {
            self.complain(&format!("{}: file truncated", followed.name));
            if let Some(file) = &mut followed.file {
                followed.position = file.seek(SeekFrom::Start(0)).unwrap_or(0);
            }
        }
        self.show(followed);
        let Some(path) = followed.path.clone().filter(|_| self.by_name || followed.file.is_none()) else {
            return;
        };
        let inode = identity(&path);
        if inode == followed.inode && followed.file.is_some() {
            return;
        }
        let name = followed.name.quote().to_string();
        match (inode, File::open(&path)) {
            (Some(_), Ok(file)) => {
                let what = if followed.file.is_some() { "been replaced" } else { "appeared" };
                self.complain(&format!("{name} has {what};  following new file"));
                (followed.file, followed.inode, followed.position) = (Some(file), inode, 0);
                self.show(followed);
            }
            (_, Err(error)) if followed.file.is_some() => {
                self.complain(&format!("{name} has become inaccessible: {}", reason(&error)));
                (followed.file, followed.inode) = (None, None);
            }
            _ => {}
        }
    }
}

/// Moves to where printing starts, and tells where that is.
fn start(file: &mut File, mode: &FilterMode) -> io::Result<u64> {
    let known = file.metadata()?;
    if !known.is_file() {
        return Ok(0);
    }
    let start = match mode {
        FilterMode::Bytes(count) => start_of_bytes(known.len(), *count)?,
        FilterMode::Lines(count, end) => start_of_lines(file, *count, *end)?,
    };
    file.seek(SeekFrom::Start(start))
}

fn start_of_bytes(size: u64, count: Signum) -> io::Result<u64> {
    Ok(match count {
        Signum::Negative(count) => size.saturating_sub(count),
        Signum::Positive(count) => (count.saturating_sub(1)).min(size),
        Signum::PlusZero => 0,
        Signum::MinusZero => size,
    })
}

fn start_of_lines(file: &mut (impl Read + Seek), count: Signum, end: u8) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut buffer = vec![0; CHUNK];
    match count {
        Signum::PlusZero | Signum::Positive(0 | 1) => Ok(0),
        Signum::MinusZero | Signum::Negative(0) => Ok(size),
        Signum::Positive(count) => {
            file.seek(SeekFrom::Start(0))?;
            let (mut position, mut left) = (0, count - 1);
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    return Ok(size);
                }
                for at in memchr::memchr_iter(end, &buffer[..read]) {
                    left -= 1;
                    if left == 0 {
                        return Ok(position + at as u64 + 1);
                    }
                }
                position += read as u64;
            }
        }
        Signum::Negative(count) => {
            let (mut position, mut left) = (size, count);
            while position > 0 {
                let length = position.min(CHUNK as u64);
                position -= length;
                file.seek(SeekFrom::Start(position))?;
                let part = &mut buffer[..usize::try_from(length).unwrap_or(CHUNK)];
                file.read_exact(part)?;
                for at in memchr::memrchr_iter(end, part) {
                    let after = position + at as u64 + 1;
                    // What ends the last line begins none.
                    if after == size {
                        continue;
                    }
                    left -= 1;
                    if left == 0 {
                        return Ok(after);
                    }
                }
            }
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{Signum, start_of_bytes, start_of_lines};

    #[test]
    fn lines_are_counted_from_both_ends() {
        let from =
            |text: &str, count| start_of_lines(&mut Cursor::new(text.as_bytes()), count, b'\n').unwrap();
        for (count, start) in [(1, 4), (2, 2), (3, 0), (9, 0)] {
            assert_eq!(from("a\nb\nc\n", Signum::Negative(count)), start);
            assert_eq!(from("a\nb\nc", Signum::Negative(count)), start);
        }
        for (count, start) in [(1, 0), (2, 2), (3, 4), (4, 6), (9, 6)] {
            assert_eq!(from("a\nb\nc\n", Signum::Positive(count)), start);
        }
        assert_eq!(from("", Signum::Negative(3)), 0);
        assert_eq!(from("\n", Signum::Negative(1)), 0);
        assert_eq!(start_of_bytes(5, Signum::Negative(9)).unwrap(), 0);
        assert_eq!(start_of_bytes(5, Signum::Positive(9)).unwrap(), 5);
    }
}
