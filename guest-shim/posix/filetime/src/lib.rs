//! Stands in for the crate `filetime`, which has nothing for WASI: times of files, read and set by path, those of
//! symbolic links among them. Has of its interface what crates in this workspace use.

use std::fmt;
use std::fs::{File, FileTimes, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cordon_vm::byte_text::ToText;
use cordon_vm::filesystem;
use cordon_vm::types::{Errno, Symlinks};

/// A time of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime {
    seconds: i64,
    nanoseconds: u32,
}

impl FileTime {
    pub const fn zero() -> FileTime {
        FileTime::from_unix_time(0, 0)
    }

    pub fn now() -> FileTime {
        FileTime::from_system_time(SystemTime::now())
    }

    pub const fn from_unix_time(seconds: i64, nanoseconds: u32) -> FileTime {
        FileTime { seconds, nanoseconds }
    }

    pub fn from_system_time(time: SystemTime) -> FileTime {
        let (seconds, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (after.as_secs().cast_signed(), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let whole = before.as_secs().cast_signed();
                match before.subsec_nanos() {
                    0 => (-whole, 0),
                    rest => (-whole - 1, 1_000_000_000 - rest),
                }
            }
        };
        FileTime { seconds, nanoseconds }
    }

    /// The time of the last modification; the beginning of all times where that is not known.
    pub fn from_last_modification_time(known: &Metadata) -> FileTime {
        known.modified().map_or(FileTime::zero(), FileTime::from_system_time)
    }

    /// The time of the last access; the beginning of all times where that is not known.
    pub fn from_last_access_time(known: &Metadata) -> FileTime {
        known.accessed().map_or(FileTime::zero(), FileTime::from_system_time)
    }

    pub fn from_creation_time(known: &Metadata) -> Option<FileTime> {
        known.created().ok().map(FileTime::from_system_time)
    }

    pub const fn seconds(&self) -> i64 {
        self.seconds
    }

    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    pub const fn nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    /// As the virtual machine counts: since 1970, not before.
    fn count(self) -> io::Result<u64> {
        u64::try_from(self.seconds)
            .ok()
            .and_then(|seconds| seconds.checked_mul(1_000_000_000)?.checked_add(self.nanoseconds.into()))
            .ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl fmt::Display for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.seconds, self.nanoseconds)
    }
}

impl From<SystemTime> for FileTime {
    fn from(time: SystemTime) -> FileTime {
        FileTime::from_system_time(time)
    }
}

impl From<FileTime> for SystemTime {
    fn from(time: FileTime) -> SystemTime {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let start = if time.seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
        start + Duration::from_nanos(time.nanoseconds.into())
    }
}

/// Sets both times of the file at a path, through symbolic links.
pub fn set_file_times<P: AsRef<Path>>(path: P, accessed: FileTime, modified: FileTime) -> io::Result<()> {
    set(path.as_ref(), Some(accessed), Some(modified), Symlinks::Follow)
}

/// Sets both times of what is at a path, also of a symbolic link.
pub fn set_symlink_file_times<P: AsRef<Path>>(
    path: P,
    accessed: FileTime,
    modified: FileTime,
) -> io::Result<()> {
    set(path.as_ref(), Some(accessed), Some(modified), Symlinks::NoFollow)
}

pub fn set_file_mtime<P: AsRef<Path>>(path: P, modified: FileTime) -> io::Result<()> {
    set(path.as_ref(), None, Some(modified), Symlinks::Follow)
}

pub fn set_file_atime<P: AsRef<Path>>(path: P, accessed: FileTime) -> io::Result<()> {
    set(path.as_ref(), Some(accessed), None, Symlinks::Follow)
}

/// Sets times of an open file.
pub fn set_file_handle_times(
    file: &File,
    accessed: Option<FileTime>,
    modified: Option<FileTime>,
) -> io::Result<()> {
    let mut times = FileTimes::new();
    if let Some(time) = accessed {
        times = times.set_accessed(time.into());
    }
    if let Some(time) = modified {
        times = times.set_modified(time.into());
    }
    file.set_times(times)
}

fn set(
    path: &Path,
    accessed: Option<FileTime>,
    modified: Option<FileTime>,
    symlinks: Symlinks,
) -> io::Result<()> {
    let path = &*path.to_text();
    let known = filesystem::status(path, symlinks).map_err(error)?;
    let accessed = accessed.map_or(Ok(known.accessed), FileTime::count)?;
    let modified = modified.map_or(Ok(known.modified), FileTime::count)?;
    filesystem::set_times(path, accessed, modified, symlinks).map_err(error)
}

fn error(errno: Errno) -> io::Error {
    match errno {
        Errno::Enoent => io::ErrorKind::NotFound.into(),
        Errno::Eacces | Errno::Eperm => io::ErrorKind::PermissionDenied.into(),
        Errno::Enotdir => io::ErrorKind::NotADirectory.into(),
        Errno::Erofs => io::ErrorKind::ReadOnlyFilesystem.into(),
        other => io::Error::other(other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_go_there_and_back() {
        for (seconds, nanoseconds) in [(0, 0), (-1, 0), (-1, 1), (-2, 999_999_999), (5, 7)] {
            let time = FileTime::from_unix_time(seconds, nanoseconds);
            assert_eq!(FileTime::from_system_time(time.into()), time);
        }
        assert!(FileTime::from_unix_time(-1, 0).count().is_err());
        assert_eq!(FileTime::from_unix_time(1, 2).count().unwrap(), 1_000_000_002);
    }
}
