//! Host directories that are mounted into the VM: what the kernel asks of whoever serves them.
//!
//! Owns the request and reply types; they travel over the broker. The kernel has decided the guest's permission and
//! the mount's read-only flag before it asks. The server still refuses writes to a read-only mount by itself, and is
//! the only one who knows where on the host a mount lies.
//!
//! Paths are relative to the mount, separated by single slashes, without empty, `.` and `..` parts; the mount's own
//! directory is the empty string. The server resolves symbolic links *beneath the mount* and refuses (`EACCES`) those
//! that lead out of it.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{DirectoryEntry, FileStatus, OpenFlags};

/// Most bytes that one [`HostFsRequest::Read`] asks for and one [`HostFsRequest::Write`] carries.
pub const HOST_TRANSFER_MAX: usize = 256 * 1024;

/// Most entries of a directory that are told at once, by a host of its mount or to a client; a larger directory cannot be
/// listed so (`ENOMEM`). A message has room for no more of them ([`crate::wire::ELEMENTS_MAX`]).
pub const DIRECTORY_ENTRIES_MAX: usize = 100_000;

/// Most entries of a directory that are told with what is known of them ([`HostFsRequest::ReadDirPlus`]).
pub const LISTING_MAX: usize = 1024;

/// Most bytes of a file that comes with others ([`HostFsRequest::ReadFiles`]); together they have no more than
/// [`HOST_TRANSFER_MAX`].
pub const SMALL_FILE_MAX: usize = 64 * 1024;

/// Most files of one [`HostFsRequest::ReadFiles`].
pub const SMALL_FILES_MAX: u32 = 256;

/// Which mount of the VM is meant; chosen by whoever mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MountId(pub u32);

impl MountId {
    /// The installation's own npm, which a VM is shown at [`NPM_DIRECTORY`]; no mount of a configuration has this number.
    pub const NPM: MountId = MountId(u32::MAX);
}

/// Where npm lies in a VM, read-only.
pub const NPM_DIRECTORY: &str = "/usr/lib/node_modules/npm";

/// A file or directory that the server holds open for the VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostHandle(pub u64);

/// Flags as a number. Their own form depends on whether the encoding is for people, which serde no longer knows within
/// a message that is told apart by a field.
mod flag_bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::OpenFlags;

    pub(super) fn serialize<S: Serializer>(flags: &OpenFlags, serializer: S) -> Result<S::Ok, S::Error> {
        flags.bits().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OpenFlags, D::Error> {
        let bits = u32::deserialize(deserializer)?;
        OpenFlags::from_bits(bits).ok_or_else(|| de::Error::custom(format!("unknown flags in {bits:#x}")))
    }
}

/// A question about a mount. The reply that belongs to each is named with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostFsRequest {
    /// Opens a file or directory ([`HostFsReply::Opened`]). All of [`OpenFlags`] but `NONBLOCK` may be set; `mode`
    /// has the umask applied.
    Open {
        /// Where.
        path: String,
        /// How.
        #[serde(with = "flag_bits")]
        flags: OpenFlags,
        /// Permission bits of a file that is created.
        mode: u32,
    },
    /// Reads ([`HostFsReply::Bytes`]); fewer bytes than asked for only at the end of the file.
    Read {
        /// Of which file.
        handle: HostHandle,
        /// From which byte on.
        offset: u64,
        /// At most [`HOST_TRANSFER_MAX`].
        length: u32,
    },
    /// Writes all of `bytes` ([`HostFsReply::Written`]).
    Write {
        /// To which file.
        handle: HostHandle,
        /// At which byte; none, for files opened with `APPEND` and only for those, is the end, atomically.
        offset: Option<u64>,
        /// At most [`HOST_TRANSFER_MAX`] of them.
        bytes: ByteBuf,
    },
    /// Sets the length of an open file ([`HostFsReply::Done`]).
    TruncateHandle {
        /// Which file.
        handle: HostHandle,
        /// Its new length.
        size: u64,
    },
    /// Reads a regular file whole ([`HostFsReply::Bytes`]): `EFBIG` for one of more than [`HOST_TRANSFER_MAX`] bytes,
    /// which is opened and read in parts.
    ReadFile {
        /// Where.
        path: String,
    },
    /// What is known of an open file ([`HostFsReply::Status`]).
    StatHandle {
        /// Which file.
        handle: HostHandle,
    },
    /// Writes an open file through to the host's disk ([`HostFsReply::Done`]).
    Sync {
        /// Which file.
        handle: HostHandle,
    },
    /// Gives up a handle ([`HostFsReply::Done`]).
    Close {
        /// Which one.
        handle: HostHandle,
    },
    /// What is known of a file, links followed ([`HostFsReply::Status`]).
    Stat {
        /// Where.
        path: String,
    },
    /// What is known of a file or of the link at the end of the path ([`HostFsReply::Status`]).
    Lstat {
        /// Where.
        path: String,
    },
    /// The entries without `.` and `..` ([`HostFsReply::Entries`]), links followed.
    ReadDir {
        /// Where.
        path: String,
    },
    /// The entries with what [`HostFsRequest::Lstat`] tells of each ([`HostFsReply::Listing`]), links in `path` followed:
    /// `ENOMEM` for a directory of more than [`LISTING_MAX`].
    ReadDirPlus {
        /// Where.
        path: String,
    },
    /// Small files of a directory ([`HostFsReply::Files`]): `first`, links followed, and in the order of their names the
    /// regular files behind it, as many as fit. The first is a regular file of at most [`SMALL_FILE_MAX`] bytes (`EFBIG`).
    ReadFiles {
        /// The directory.
        path: String,
        /// A name in it.
        first: String,
        /// At most so many, and [`SMALL_FILES_MAX`].
        most: u32,
    },
    /// Creates a directory ([`HostFsReply::Done`]).
    Mkdir {
        /// Where.
        path: String,
        /// Permission bits, umask applied.
        mode: u32,
    },
    /// Removes an empty directory ([`HostFsReply::Done`]).
    Rmdir {
        /// Where.
        path: String,
    },
    /// Removes a directory and what is in it, or some of that ([`HostFsReply::Removed`]). A link is removed and never
    /// followed, also where it takes the place of a directory meanwhile.
    RemoveTree {
        /// Where.
        path: String,
    },
    /// Removes a name that is not a directory ([`HostFsReply::Done`]).
    Unlink {
        /// Where.
        path: String,
    },
    /// Renames within the mount ([`HostFsReply::Done`]).
    Rename {
        /// What.
        from: String,
        /// To where.
        to: String,
    },
    /// Creates a symbolic link ([`HostFsReply::Done`]).
    Symlink {
        /// What the link holds, as the guest wrote it.
        target: String,
        /// Where the link is created.
        path: String,
    },
    /// What a symbolic link holds ([`HostFsReply::Text`]).
    Readlink {
        /// Where.
        path: String,
    },
    /// Creates another name for a file ([`HostFsReply::Done`]); a link at the end of `from` is not followed.
    Link {
        /// The file.
        from: String,
        /// Its new name.
        to: String,
    },
    /// Sets the length of a file ([`HostFsReply::Done`]), links followed.
    Truncate {
        /// Where.
        path: String,
        /// The new length.
        size: u64,
    },
    /// Sets the permission bits ([`HostFsReply::Done`]), links followed.
    SetMode {
        /// Where.
        path: String,
        /// The new bits.
        mode: u32,
    },
    /// Sets times, nanoseconds since the epoch ([`HostFsReply::Done`]); none leaves one as it is.
    SetTimes {
        /// Where.
        path: String,
        /// Time of last access.
        accessed: Option<u64>,
        /// Time of last modification.
        modified: Option<u64>,
        /// Whether a link at the end of the path is followed.
        follow: bool,
    },
    /// The path relative to the mount without any symbolic link ([`HostFsReply::Text`]). With `follow` false a link
    /// at the end stays. Asked where permissions differ beneath a mount, so that they are decided on what a link
    /// leads to, and for `realpath`.
    Canonicalize {
        /// Where.
        path: String,
        /// Whether a link at the end of the path is followed.
        follow: bool,
    },
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostFsReply {
    /// It was done.
    Done,
    /// It was opened.
    Opened {
        /// To be given up with [`HostFsRequest::Close`].
        handle: HostHandle,
        /// What was opened.
        status: FileStatus,
    },
    /// Contents.
    Bytes(ByteBuf),
    /// How many bytes were written.
    Written(u32),
    /// What is known of a file.
    Status(FileStatus),
    /// The entries of a directory.
    Entries(Vec<DirectoryEntry>),
    /// The entries of a directory, and what is known of each.
    Listing(Vec<(String, FileStatus)>),
    /// Small files.
    Files(Vec<SmallFile>),
    /// A path or a link's target.
    Text(String),
    /// Whether all of a directory is gone; else there is more of it, to be asked for again.
    Removed(bool),
}

/// A file with its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallFile {
    /// Its name in the directory.
    pub name: String,
    /// What is known of it.
    pub status: FileStatus,
    /// All of it.
    pub bytes: ByteBuf,
}

impl HostFsRequest {
    /// Whether it changes something on the host, or opens a file for that.
    pub fn changes(&self) -> bool {
        use HostFsRequest as R;
        match self {
            R::Open { flags, .. } => flags.writes(),
            R::Read { .. }
            | R::ReadFile { .. }
            | R::ReadFiles { .. }
            | R::StatHandle { .. }
            | R::Sync { .. }
            | R::Close { .. }
            | R::Stat { .. }
            | R::Lstat { .. }
            | R::ReadDir { .. }
            | R::ReadDirPlus { .. }
            | R::Readlink { .. }
            | R::Canonicalize { .. } => false,
            R::Write { .. }
            | R::TruncateHandle { .. }
            | R::Mkdir { .. }
            | R::Rmdir { .. }
            | R::RemoveTree { .. }
            | R::Unlink { .. }
            | R::Rename { .. }
            | R::Symlink { .. }
            | R::Link { .. }
            | R::Truncate { .. }
            | R::SetMode { .. }
            | R::SetTimes { .. } => true,
        }
    }
}
