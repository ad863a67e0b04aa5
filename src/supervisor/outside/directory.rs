//! One host directory that is open for a VM: what is done in it by path.
//!
//! Path resolution beneath the directory is cap-std's (openat2(2) with `RESOLVE_BENEATH` where the kernel has it), so
//! symbolic links, `..` and renames that race with us cannot lead out. Files that stay open are the [mounts](super::mounts)'.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirBuilder, Metadata, MetadataExt};

use serde_bytes::ByteBuf;

use super::{opening, remove_tree};
use protocol::abi::{
    DIRECTORY_ENTRIES_MAX, DirectoryEntry, FileKind, FileStatus, HOST_TRANSFER_MAX, HostFsReply,
    HostFsRequest, LISTING_MAX, OpenFlags, SMALL_FILE_MAX, SMALL_FILES_MAX, SmallFile,
};

/// Bytes of the names of one directory together. One with more cannot be listed, as one of too many (`ENOMEM`).
const ENTRIES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Performs a request by path. Those by handle, and opening, are none of them.
///
/// # Errors
/// As the operation on the host.
pub(super) fn perform(root: &Dir, request: HostFsRequest) -> io::Result<HostFsReply> {
    use HostFsRequest as R;
    let done = HostFsReply::Done;
    match request {
        R::Stat { path } => Ok(HostFsReply::Status(status(&root.metadata(here(&path)?)?))),
        R::Lstat { path } => Ok(HostFsReply::Status(status(&root.symlink_metadata(here(&path)?)?))),
        R::ReadFile { path } => contents(root, &path),
        R::ReadDir { path } => entries(root, &path),
        R::ReadDirPlus { path } => listing(root, &path),
        R::ReadFiles { path, first, most } => files(root, &path, first, most),
        R::Mkdir { path, mode } => {
            use cap_std::fs::DirBuilderExt;
            let mut builder = DirBuilder::new();
            root.create_dir_with(here(&path)?, builder.mode(mode & 0o777))?;
            Ok(done)
        }
        R::Rmdir { path } => root.remove_dir(here(&path)?).map(|()| done),
        R::RemoveTree { path } => {
            let (parent, name) = path.rsplit_once('/').unwrap_or((".", &path));
            let parent = root.open_dir(here(parent)?)?;
            remove_tree::remove(parent.as_fd(), here(name)?.as_os_str()).map(HostFsReply::Removed)
        }
        R::Unlink { path } => root.remove_file(here(&path)?).map(|()| done),
        R::Rename { from, to } => root.rename(here(&from)?, root, here(&to)?).map(|()| done),
        R::Symlink { target, path } => root.symlink_contents(bytes(&target), here(&path)?).map(|()| done),
        R::Readlink { path } => {
            Ok(HostFsReply::Text(name_of(root.read_link_contents(here(&path)?)?.as_os_str())))
        }
        R::Link { from, to } => root.hard_link(here(&from)?, root, here(&to)?).map(|()| done),
        R::Truncate { path, size } => {
            opening::open(root, here(&path)?, OpenFlags::WRITE, 0)?.0.set_len(size)?;
            Ok(done)
        }
        R::SetMode { path, mode } => opening::set_mode(root, here(&path)?, mode).map(|()| done),
        R::SetTimes { path, accessed, modified, follow } => {
            opening::set_times(root, here(&path)?, accessed, modified, follow).map(|()| done)
        }
        R::Canonicalize { path, follow } => canonicalize(root, &path, follow),
        R::Open { .. }
        | R::Read { .. }
        | R::Write { .. }
        | R::TruncateHandle { .. }
        | R::StatHandle { .. }
        | R::Sync { .. }
        | R::Close { .. } => Err(rustix::io::Errno::INVAL.into()),
    }
}

/// The path of a name in a directory.
pub(super) fn within(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// A path of the broker as the host has it. The mount's own directory is empty there.
///
/// # Errors
/// `EINVAL` for a second text for the same bytes: rules decide by text.
pub(super) fn here(path: &str) -> io::Result<Cow<'_, Path>> {
    if path.is_empty() {
        return Ok(Path::new(".").into());
    }
    if !byte_text::is_joined(path) {
        return Err(rustix::io::Errno::INVAL.into());
    }
    Ok(bytes(path))
}

/// The bytes that a text stands for.
fn bytes(text: &str) -> Cow<'_, Path> {
    match byte_text::encode(text) {
        Cow::Borrowed(_) => Path::new(text).into(),
        Cow::Owned(bytes) => PathBuf::from(OsString::from_vec(bytes)).into(),
    }
}

/// A name of the host's as text.
fn name_of(name: &OsStr) -> String {
    byte_text::decoded(name.as_bytes()).into_owned()
}

fn kind(file_type: cap_std::fs::FileType) -> FileKind {
    use cap_std::fs::FileTypeExt;
    if file_type.is_dir() {
        FileKind::Directory
    } else if file_type.is_symlink() {
        FileKind::Symlink
    } else if file_type.is_fifo() || file_type.is_socket() {
        FileKind::Fifo
    } else if file_type.is_char_device() || file_type.is_block_device() {
        FileKind::CharacterDevice
    } else {
        FileKind::Regular
    }
}

pub(super) fn status(metadata: &Metadata) -> FileStatus {
    let nanoseconds = |seconds: i64, rest: i64| {
        u64::try_from(i128::from(seconds) * 1_000_000_000 + i128::from(rest)).unwrap_or(0)
    };
    FileStatus {
        device: metadata.dev(),
        inode: metadata.ino(),
        kind: kind(metadata.file_type()),
        mode: metadata.mode() & 0o777,
        links: metadata.nlink(),
        size: metadata.size(),
        allocated: metadata.blocks() * 512,
        accessed: nanoseconds(metadata.atime(), metadata.atime_nsec()),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// A regular file that is short enough for one answer, whole.
fn contents(root: &Dir, path: &str) -> io::Result<HostFsReply> {
    whole(root, path, OpenFlags::READ, HOST_TRANSFER_MAX).map(|(_, bytes)| HostFsReply::Bytes(bytes))
}

/// A regular file of at most `most` bytes, with what is known of it.
fn whole(root: &Dir, path: &str, flags: OpenFlags, most: usize) -> io::Result<(FileStatus, ByteBuf)> {
    let (file, metadata) = opening::open(root, here(path)?, flags, 0)?;
    if metadata.is_dir() {
        return Err(rustix::io::Errno::ISDIR.into());
    }
    if metadata.len() > most as u64 {
        return Err(rustix::io::Errno::FBIG.into());
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // It may grow meanwhile.
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(rustix::io::Errno::FBIG.into());
    }
    Ok((FileStatus { size: bytes.len() as u64, ..status(&metadata) }, ByteBuf::from(bytes)))
}

/// Small files of a directory, from one on.
fn files(root: &Dir, directory: &str, first: String, most: u32) -> io::Result<HostFsReply> {
    if matches!(first.as_str(), "" | "." | "..") || first.contains('/') {
        return Err(rustix::io::Errno::INVAL.into());
    }
    let (status, bytes) = whole(root, &within(directory, &first), OpenFlags::READ, SMALL_FILE_MAX)?;
    let mut room = HOST_TRANSFER_MAX - bytes.len();
    let mut files = vec![SmallFile { name: first.clone(), status, bytes }];
    let most = most.min(SMALL_FILES_MAX) as usize;
    if most <= files.len() {
        return Ok(HostFsReply::Files(files));
    }
    let directory = root.open_dir(here(directory)?)?;
    let mut names = Vec::new();
    for (index, entry) in directory.entries()?.enumerate() {
        let entry = entry?;
        if index >= DIRECTORY_ENTRIES_MAX {
            break;
        }
        let name = name_of(&entry.file_name());
        if name > first && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    for name in names.into_iter().take(most - 1) {
        let most = SMALL_FILE_MAX.min(room);
        match whole(&directory, &name, OpenFlags::READ | OpenFlags::NO_FOLLOW, most) {
            Ok((status, bytes)) => {
                room -= bytes.len();
                files.push(SmallFile { name, status, bytes });
            }
            // There may be no room any more.
            Err(_) if most < SMALL_FILE_MAX => break,
            // One that is larger, or has gone meanwhile, is asked for by itself.
            Err(_) => {}
        }
    }
    Ok(HostFsReply::Files(files))
}

fn listing(root: &Dir, path: &str) -> io::Result<HostFsReply> {
    let mut listing = Vec::new();
    for (index, entry) in root.read_dir(here(path)?)?.enumerate() {
        let entry = entry?;
        if index >= LISTING_MAX {
            return Err(rustix::io::Errno::NOMEM.into());
        }
        let name = name_of(&entry.file_name());
        match entry.metadata() {
            Ok(metadata) => listing.push((name, status(&metadata))),
            // Gone meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(HostFsReply::Listing(listing))
}

fn entries(root: &Dir, path: &str) -> io::Result<HostFsReply> {
    use std::os::unix::fs::DirEntryExt;
    let mut entries = Vec::new();
    let mut bytes = 0;
    for entry in root.read_dir(here(path)?)? {
        let entry = entry?;
        let name = name_of(&entry.file_name());
        bytes += name.len();
        if entries.len() == DIRECTORY_ENTRIES_MAX || bytes > ENTRIES_BYTES_MAX {
            return Err(rustix::io::Errno::NOMEM.into());
        }
        entries.push(DirectoryEntry { name, inode: entry.ino(), kind: kind(entry.file_type()?) });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(HostFsReply::Entries(entries))
}

fn canonicalize(root: &Dir, path: &str, follow: bool) -> io::Result<HostFsReply> {
    if !follow {
        root.symlink_metadata(here(path)?)?;
    }
    let found = if follow { canonical(root, path) } else { canonical_parent(root, path) };
    Ok(HostFsReply::Text(found?))
}

/// The path without any symbolic link.
pub(super) fn canonical(root: &Dir, path: &str) -> io::Result<String> {
    let found = root.canonicalize(here(path)?)?;
    let found = name_of(found.as_os_str());
    Ok(if found == "." { String::new() } else { found })
}

/// Likewise, but for the last part, which may be a link and need not be there.
pub(super) fn canonical_parent(root: &Dir, path: &str) -> io::Result<String> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    Ok(within(&canonical(root, parent)?, name))
}
