//! `flock`: one at a time. WASI has no locks, so the programs `flock` of a VM tell each other by files under `/tmp`.
//!
//! A file that is locked has a directory there, with a file for who has it: alone, or with others. A process that is there
//! no more has nothing. What a descriptor is locked for belongs to the program that called, until it ends or unlocks.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cordon_multicall::launch::{code_of, errno_text, start};
use cordon_multicall::{options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem::{self, OpenFlags};
use cordon_vm::types::{Errno, FileStatus, Symlinks};
use cordon_vm::{descriptors, process, replace};

use crate::processes::process_of;

/// Exit statuses, as BSD's `sysexits` has them.
const USAGE: i32 = 64;
const NO_DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const NO_COMMAND: i32 = 69;
const NO_LOCK: i32 = 71;

const EXCLUSIVE: &str = "exclusive";
const SHARED: &str = "shared.";

/// How often it is looked whether a lock is free.
const PAUSE: Duration = Duration::from_millis(10);

const HELP: &str = "\
Usage:
 flock [options] <file>|<directory> <command> [<argument>...]
 flock [options] <file>|<directory> -c <command>
 flock [options] <file descriptor number>

Manage file locks from shell scripts.

Options:
 -s, --shared             get a shared lock
 -x, --exclusive          get an exclusive lock (default)
 -u, --unlock             remove a lock
 -n, --nonblock           fail rather than wait
 -w, --timeout <secs>     wait for a limited amount of time
 -E, --conflict-exit-code <number>  exit code after conflict or timeout
 -o, --close, -F, --no-fork         accepted
 -c, --command <command>  run a single command string through the shell";

const LONGS: &[&str] = &[
    "shared=s",
    "exclusive=x",
    "unlock=u",
    "nonblock=n",
    "nb=n",
    "timeout:=w",
    "wait:=w",
    "conflict-exit-code:=E",
    "close=o",
    "no-fork=F",
    "command=c",
    "verbose=z",
    "help=h",
    "version=V",
];

/// Who has a file.
struct Lock {
    directory: PathBuf,
    owner: u32,
}

impl Lock {
    fn new(status: &FileStatus, owner: u32) -> Self {
        let name = format!(".flock-{:x}-{:x}", status.device, status.inode);
        Self { directory: Path::new("/tmp").join(name), owner }
    }

    fn file(&self, shared: bool) -> PathBuf {
        self.directory.join(if shared { format!("{SHARED}{}", self.owner) } else { EXCLUSIVE.to_owned() })
    }

    /// Takes the lock if it is free.
    fn take(&self, shared: bool) -> io::Result<bool> {
        let file = self.file(shared);
        let has_it = self.holder(&file) == Some(self.owner);
        if !has_it && !self.make(&file)? {
            return Ok(false);
        }
        // Each tells what it does before it looks at what others do: of two at once, one at least sees the other.
        let is_free = if shared {
            self.holder(&self.file(false)).is_none_or(|holder| holder == self.owner)
        } else {
            !self.others_share()
        };
        if is_free {
            let _ = fs::remove_file(self.file(!shared)).is_ok_and(|()| shared);
        } else if !has_it {
            let _ = fs::remove_file(&file);
        }
        Ok(is_free)
    }

    fn make(&self, file: &Path) -> io::Result<bool> {
        // As often as somebody else ends in between, and no more.
        for _ in 0..16 {
            let made = OpenOptions::new().write(true).create_new(true).open(file);
            match made.and_then(|mut made| write!(made, "{}", self.owner)) {
                Ok(()) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if self.holder(file).is_some() {
                        return Ok(false);
                    }
                    let _ = fs::remove_file(file);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if let Err(error) = fs::create_dir(&self.directory)
                        && !self.directory.is_dir()
                    {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn others_share(&self) -> bool {
        let Ok(entries) = fs::read_dir(&self.directory) else { return false };
        entries.flatten().any(|entry| {
            let is_shared = entry.file_name().to_text().starts_with(SHARED);
            is_shared && self.holder(&entry.path()).is_some_and(|holder| holder != self.owner)
        })
    }

    /// The process that has a lock, if it is there.
    fn holder(&self, file: &Path) -> Option<u32> {
        let text = fs::read_to_string(file).ok()?;
        // Who has just made it has not written yet.
        let Ok(id) = text.parse::<u32>() else { return Some(0) };
        // One that has ended may still be waited for.
        process_of(id).is_some_and(|process| process.state != 'Z').then_some(id)
    }

    fn release(&self) {
        for shared in [true, false] {
            let file = self.file(shared);
            if self.holder(&file) == Some(self.owner) {
                let _ = fs::remove_file(file);
            }
        }
        // Not empty where others have it.
        let _ = fs::remove_dir(&self.directory);
    }
}

fn fail(status: i32, message: &str) -> i32 {
    say(&mut io::stderr(), &format!("flock: {message}"));
    status
}

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let parsed = match options::parse(args, "+sexunw:E:ocFhV", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => return fail(USAGE, &format!("{message}\nTry 'flock --help' for more information.")),
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "flock (cordon)");
        return 0;
    }
    let words = parsed.words();
    let wait = match parsed.value('w').map(str::parse::<f64>) {
        None => None,
        Some(Ok(seconds)) if (0.0..1e9).contains(&seconds) => Some(Duration::from_secs_f64(seconds)),
        Some(_) => {
            return fail(
                USAGE,
                &format!("invalid timeout value: '{}'", parsed.value('w').unwrap_or_default()),
            );
        }
    };
    let conflict = match parsed.value('E').map(str::parse::<u8>) {
        None => 1,
        Some(Ok(code)) => i32::from(code),
        Some(Err(_)) => return fail(USAGE, "invalid exit code"),
    };
    let Some(name) = words.first() else {
        return fail(USAGE, "not enough arguments\nTry 'flock --help' for more information.");
    };
    let command = match words.get(1).map(String::as_str) {
        None => None,
        Some("-c" | "--command") => match words.get(2..) {
            Some([text]) => Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()]),
            _ => return fail(USAGE, "-c requires exactly one command argument"),
        },
        Some(_) => Some(words[1..].to_vec()),
    };
    let lock = match &command {
        None => {
            let Ok(number) = name.parse() else {
                return fail(USAGE, &format!("bad file descriptor: '{name}'"));
            };
            match descriptors::inherited(number).and_then(|descriptor| descriptor.status()) {
                Ok(status) => Lock::new(&status, process::parent_id()),
                Err(_) => return fail(NO_DATA, &format!("{number}: Bad file descriptor")),
            }
        }
        Some(_) => match opened(name) {
            Ok(status) => Lock::new(&status, process::id()),
            Err(errno) => {
                return fail(NO_INPUT, &format!("cannot open lock file {name}: {}", errno_text(errno)));
            }
        },
    };
    if parsed.has('u') {
        lock.release();
    } else {
        let began = Instant::now();
        loop {
            match lock.take(parsed.has('s')) {
                Ok(true) => break,
                Ok(false) if parsed.has('n') || wait.is_some_and(|wait| began.elapsed() >= wait) => {
                    return conflict;
                }
                Ok(false) => std::thread::sleep(PAUSE),
                Err(error) => {
                    return fail(NO_LOCK, &format!("{name}: {}", cordon_multicall::files::reason(&error)));
                }
            }
        }
    }
    let Some(command) = command else { return 0 };
    let status = match start(&command, process::environment(), None) {
        Ok(child) => {
            replace::handle_signals();
            let status = replace::wait(&child);
            lock.release();
            replace::end_by_signal(status);
            code_of(status)
        }
        Err(errno) => fail(NO_COMMAND, &format!("failed to execute {}: {}", command[0], errno_text(errno))),
    };
    lock.release();
    status
}

/// A file to lock, which is made where it is not there.
fn opened(name: &str) -> Result<FileStatus, Errno> {
    match filesystem::status(name, Symlinks::Follow) {
        Err(Errno::Enoent) => {
            drop(filesystem::open(name, OpenFlags::READ | OpenFlags::CREATE, 0o666)?);
            filesystem::status(name, Symlinks::Follow)
        }
        outcome => outcome,
    }
}
