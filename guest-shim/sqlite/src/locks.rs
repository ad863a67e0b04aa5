//! Who uses a data base: WASI has no locks, so the programs `sqlite3` of a VM tell each other by files under `/tmp`.
//!
//! A data base that is locked has a directory there, with a file for each lock: its name says which lock it is, and its
//! contents which process has it. A process that is there no more has none. Where `/tmp` cannot be written there are no
//! locks, and JavaScript (`node:sqlite`) knows nothing of these.

use std::ffi::c_int;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use cordon_vm::byte_text::ToText;
use cordon_vm::process;
use libsqlite3_sys as ffi;

/// A writer that has begun: others may still read.
const RESERVED: &str = "reserved";
/// A writer that waits for the readers to end, or writes: nobody begins to read.
const PENDING: &str = "pending";
/// Who has the write-ahead log.
const LOG: &str = "log";
const READER: &str = "reader.";

/// The level of a connection that has no lock; SQLite's own numbers are the other ones.
const NONE: c_int = 0;

static LAST: AtomicU32 = AtomicU32::new(0);

/// The locks that one connection has of a data base.
pub struct Locks {
    directory: Option<PathBuf>,
    /// Its file among the readers'.
    reader: String,
    level: c_int,
    owns_log: bool,
}

impl Locks {
    /// Of a file that is no data base there are none.
    pub fn new(data_base: Option<&File>) -> Self {
        let directory = data_base
            .and_then(identity)
            .map(|(device, inode)| Path::new("/tmp").join(format!(".sqlite3-{device:x}-{inode:x}")));
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        Self {
            directory,
            reader: format!("{READER}{}.{number}", process::id()),
            level: NONE,
            owns_log: false,
        }
    }

    /// Whether the connection has the wanted level now. SQLite asks for them in their order, and may have to ask again.
    pub fn lock(&mut self, wanted: c_int) -> bool {
        let Some(directory) = self.directory.clone() else { return true };
        if self.level < ffi::SQLITE_LOCK_SHARED {
            // Each tells what it does before it looks at what others do: of two at once, one at least sees the other.
            let reader = self.reader.clone();
            if !self.take(&directory, &reader) {
                return true;
            }
            if holder(&directory.join(PENDING)).is_some() {
                release(&directory, &self.reader);
                return false;
            }
            self.level = ffi::SQLITE_LOCK_SHARED;
        }
        if wanted >= ffi::SQLITE_LOCK_RESERVED && self.level < ffi::SQLITE_LOCK_RESERVED {
            if !self.take(&directory, RESERVED) {
                return false;
            }
            self.level = ffi::SQLITE_LOCK_RESERVED;
        }
        if wanted == ffi::SQLITE_LOCK_EXCLUSIVE && self.level < wanted {
            if self.level < ffi::SQLITE_LOCK_PENDING && !self.take(&directory, PENDING) {
                return false;
            }
            self.level = ffi::SQLITE_LOCK_PENDING;
            if self.others_read(&directory) {
                return false;
            }
            self.level = wanted;
        }
        true
    }

    pub fn unlock(&mut self, wanted: c_int) {
        let Some(directory) = &self.directory else { return };
        if self.level >= ffi::SQLITE_LOCK_PENDING {
            release(directory, PENDING);
        }
        if self.level >= ffi::SQLITE_LOCK_RESERVED {
            release(directory, RESERVED);
        }
        if wanted < ffi::SQLITE_LOCK_SHARED && self.level >= ffi::SQLITE_LOCK_SHARED {
            release(directory, &self.reader);
            // Not empty where others have locks.
            let _ = fs::remove_dir(directory);
        }
        self.level = self.level.min(wanted);
    }

    /// Whether anybody has begun to write.
    pub fn is_reserved(&self) -> bool {
        self.directory.as_ref().is_some_and(|directory| holder(&directory.join(RESERVED)).is_some())
    }

    /// Takes the write-ahead log, which one connection has at a time.
    pub fn own_log(&mut self) -> bool {
        if let Some(directory) = self.directory.clone().filter(|_| !self.owns_log) {
            self.owns_log = self.take(&directory, LOG);
            return self.owns_log;
        }
        true
    }

    pub fn disown_log(&mut self) {
        if let Some(directory) = self.directory.as_ref().filter(|_| self.owns_log) {
            release(directory, LOG);
            let _ = fs::remove_dir(directory);
        }
        self.owns_log = false;
    }

    /// Makes a lock's file. Where none can be made there are no locks from now on.
    fn take(&mut self, directory: &Path, name: &str) -> bool {
        let path = directory.join(name);
        // As often as somebody else ends in between, and no more.
        for _ in 0..16 {
            let made = OpenOptions::new().write(true).create_new(true).open(&path);
            match made.and_then(|mut file| write!(file, "{}", process::id())) {
                Ok(()) => return true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if holder(&path).is_some() {
                        return false;
                    }
                    // Of a process that is there no more.
                    let _ = fs::remove_file(&path);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if fs::create_dir(directory).is_err() && !directory.is_dir() {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        self.directory = None;
        true
    }

    fn others_read(&self, directory: &Path) -> bool {
        let Ok(entries) = fs::read_dir(directory) else { return false };
        entries.flatten().any(|entry| {
            let name = entry.file_name().to_text().into_owned();
            if !name.starts_with(READER) || name == self.reader {
                return false;
            }
            let is_read = holder(&entry.path()).is_some();
            if !is_read {
                let _ = fs::remove_file(entry.path());
            }
            is_read
        })
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        self.unlock(NONE);
        self.disown_log();
    }
}

fn release(directory: &Path, name: &str) {
    let _ = fs::remove_file(directory.join(name));
}

/// The process that has a lock, if it is there.
fn holder(lock: &Path) -> Option<u32> {
    let text = fs::read_to_string(lock).ok()?;
    // Who has just made it has not written yet.
    let Ok(id) = text.parse::<u32>() else { return Some(0) };
    (id == process::id() || is_alive(id)).then_some(id)
}

/// Whether a process is there and has not ended: one that has may still be waited for.
fn is_alive(id: u32) -> bool {
    let Ok(stat) = fs::read(format!("/proc/{id}/stat")) else { return false };
    // The state is behind the name, which may hold anything.
    let state = stat.iter().rposition(|byte| *byte == b')').and_then(|at| stat.get(at + 2));
    state.is_some_and(|state| *state != b'Z')
}

fn identity(file: &File) -> Option<(u64, u64)> {
    // SAFETY: zeros are a `stat`, and it is filled in for a descriptor that is open.
    let about = unsafe {
        let mut about: libc::stat = std::mem::zeroed();
        (libc::fstat(file.as_raw_fd(), &raw mut about) == 0).then_some(about)?
    };
    Some((about.st_dev, about.st_ino))
}
