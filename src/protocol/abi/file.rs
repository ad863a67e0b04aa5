//! Files as guests and host directories know them: status, directory entries, open flags.

use serde::{Deserialize, Serialize};

/// A process id.
pub type Pid = u32;

/// What a directory entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharacterDevice,
    /// A pipe.
    Fifo,
}

/// What is known of a file. Times are nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// Which filesystem; every mount has its own number.
    pub device: u64,
    /// The file's number in its filesystem.
    pub inode: u64,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits only, for example `0o644`.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// Its length; of a symbolic link the length of its target.
    pub size: u64,
    /// Bytes of storage it takes; less than `size` where it has holes.
    pub allocated: u64,
    /// Last access. In-memory files keep the time of creation: nothing here tracks reads.
    pub accessed: u64,
    /// Last change of contents.
    pub modified: u64,
    /// Last change of contents or status.
    pub changed: u64,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The name, without slashes.
    pub name: String,
    /// The inode it leads to.
    pub inode: u64,
    /// What it leads to.
    pub kind: FileKind,
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// What it leads to is meant.
    Follow,
    /// The link itself is meant.
    NoFollow,
}

bitflags::bitflags! {
    /// How a file is opened; the meanings are those of open(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub struct OpenFlags: u32 {
        /// For reading.
        const READ = 1;
        /// For writing.
        const WRITE = 2;
        /// Every write goes to the end.
        const APPEND = 4;
        /// Create it if it is not there.
        const CREATE = 8;
        /// With `CREATE`: it must not be there yet.
        const EXCLUSIVE = 16;
        /// Cut it to length 0.
        const TRUNCATE = 32;
        /// It must be a directory.
        const DIRECTORY = 64;
        /// `ELOOP` if the last part of the path is a symbolic link.
        const NO_FOLLOW = 128;
        /// Reads and writes that would wait fail with `EAGAIN`.
        const NONBLOCK = 256;
    }
}

impl OpenFlags {
    /// Whether a file that is opened in this way is changed, made, or can be changed.
    pub fn writes(self) -> bool {
        self.intersects(OpenFlags::WRITE | OpenFlags::APPEND | OpenFlags::CREATE | OpenFlags::TRUNCATE)
    }
}

/// New times of a file; none leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileTimes {
    /// Time of last access.
    pub accessed: Option<u64>,
    /// Time of last modification.
    pub modified: Option<u64>,
}

/// Where `seek` counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The start of the file.
    Start,
    /// The present offset.
    Current,
    /// The end of the file.
    End,
}
