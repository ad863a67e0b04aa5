//! A host directory for tests, served in-process from a temporary directory. It resolves links as the machine does,
//! so tests must not put links there that lead out.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::{Mode, OFlags};
use serde_bytes::ByteBuf;

use super::*;

pub(super) struct TestHost {
    root: tempfile::TempDir,
    open: Mutex<HashMap<u64, File>>,
    /// Every request, in the order they came.
    pub(super) log: Mutex<Vec<HostFsRequest>>,
    /// What it says of its moment.
    moment: Mutex<Option<u64>>,
}

impl TestHost {
    pub(super) fn new() -> Arc<TestHost> {
        // In memory where the machine has that.
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Arc::new(TestHost { root, open: Mutex::default(), log: Mutex::default(), moment: Mutex::default() })
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn open_handles(&self) -> usize {
        self.open.lock().len()
    }

    /// From now on it says when something may have changed: when it changed something, or is told here that somebody did.
    pub(super) fn tell_moments(&self) {
        let mut moment = self.moment.lock();
        *moment = Some(moment.unwrap_or(0) + 1);
    }

    fn answer(&self, request: HostFsRequest) -> std::io::Result<HostFsReply> {
        let at = |path: &str| -> PathBuf {
            let plain = path.split('/').all(|part| !matches!(part, "." | "..")) && !path.contains("//");
            assert!(plain && !path.starts_with('/') && !path.ends_with('/'), "the kernel sent {path:?}");
            self.root.path().join(path)
        };
        let done = HostFsReply::Done;
        Ok(match request {
            HostFsRequest::Open { path, flags, mode } => {
                let file = File::from(rustix::fs::open(at(&path), oflags(flags), Mode::from_raw_mode(mode))?);
                let status = status(&file.metadata()?);
                let mut open = self.open.lock();
                let handle = open.keys().max().map_or(1, |last| last + 1);
                open.insert(handle, file);
                HostFsReply::Opened { handle: HostHandle(handle), status }
            }
            HostFsRequest::Read { handle, offset, length } => {
                let mut bytes = vec![0; length as usize];
                let length = self.open.lock()[&handle.0].read_at(&mut bytes, offset)?;
                bytes.truncate(length);
                HostFsReply::Bytes(ByteBuf::from(bytes))
            }
            HostFsRequest::ReadFile { path } => {
                if fs::metadata(at(&path))?.len() > HOST_TRANSFER_MAX as u64 {
                    return Err(rustix::io::Errno::FBIG.into());
                }
                HostFsReply::Bytes(ByteBuf::from(fs::read(at(&path))?))
            }
            HostFsRequest::Write { handle, offset, bytes } => {
                // With O_APPEND the offset means nothing.
                self.open.lock()[&handle.0].write_all_at(&bytes, offset.unwrap_or(0))?;
                HostFsReply::Written(bytes.len() as u32)
            }
            HostFsRequest::TruncateHandle { handle, size } => {
                self.open.lock()[&handle.0].set_len(size).map(|()| done)?
            }
            HostFsRequest::StatHandle { handle } => {
                HostFsReply::Status(status(&self.open.lock()[&handle.0].metadata()?))
            }
            HostFsRequest::Sync { handle } => self.open.lock()[&handle.0].sync_all().map(|()| done)?,
            HostFsRequest::Close { handle } => {
                self.open.lock().remove(&handle.0).unwrap();
                done
            }
            HostFsRequest::Stat { path } => HostFsReply::Status(status(&fs::metadata(at(&path))?)),
            HostFsRequest::Lstat { path } => HostFsReply::Status(status(&fs::symlink_metadata(at(&path))?)),
            HostFsRequest::ReadDir { path } => {
                let entry = |entry: std::io::Result<fs::DirEntry>| {
                    let entry = entry?;
                    let status = status(&fs::symlink_metadata(entry.path())?);
                    let name = entry.file_name().into_string().unwrap();
                    Ok(DirectoryEntry { name, inode: status.inode, kind: status.kind })
                };
                let entries: std::io::Result<Vec<_>> = fs::read_dir(at(&path))?.map(entry).collect();
                HostFsReply::Entries(entries?)
            }
            HostFsRequest::ReadDirPlus { path } => {
                let entry = |entry: std::io::Result<fs::DirEntry>| {
                    let entry = entry?;
                    Ok((entry.file_name().into_string().unwrap(), status(&entry.metadata()?)))
                };
                let entries: std::io::Result<Vec<_>> = fs::read_dir(at(&path))?.map(entry).collect();
                HostFsReply::Listing(entries?)
            }
            HostFsRequest::ReadFiles { path, first, most } => {
                let mut names = vec![first.clone()];
                for entry in fs::read_dir(at(&path))? {
                    let entry = entry?;
                    let name = entry.file_name().into_string().unwrap();
                    if name > first && entry.file_type()?.is_file() {
                        names.push(name);
                    }
                }
                names[1..].sort();
                let file = |name: &String| {
                    let path = at(&path).join(name);
                    let found = fs::metadata(&path)?;
                    if !found.is_file() || found.len() > SMALL_FILE_MAX as u64 {
                        return Err(std::io::Error::from(rustix::io::Errno::FBIG));
                    }
                    let bytes = ByteBuf::from(fs::read(&path)?);
                    Ok(SmallFile { name: name.clone(), status: status(&found), bytes })
                };
                let mut files = vec![file(&first)?];
                files.extend(names[1..].iter().take(most as usize - 1).filter_map(|name| file(name).ok()));
                HostFsReply::Files(files)
            }
            HostFsRequest::Mkdir { path, mode } => {
                fs::DirBuilder::new().mode(mode).create(at(&path)).map(|()| done)?
            }
            HostFsRequest::Rmdir { path } => fs::remove_dir(at(&path)).map(|()| done)?,
            HostFsRequest::RemoveTree { path } => {
                fs::remove_dir_all(at(&path)).map(|()| HostFsReply::Removed(true))?
            }
            HostFsRequest::Unlink { path } => fs::remove_file(at(&path)).map(|()| done)?,
            HostFsRequest::Rename { from, to } => fs::rename(at(&from), at(&to)).map(|()| done)?,
            HostFsRequest::Symlink { target, path } => {
                std::os::unix::fs::symlink(target, at(&path)).map(|()| done)?
            }
            HostFsRequest::Readlink { path } => {
                HostFsReply::Text(fs::read_link(at(&path))?.to_str().unwrap().into())
            }
            HostFsRequest::Link { from, to } => fs::hard_link(at(&from), at(&to)).map(|()| done)?,
            HostFsRequest::Truncate { path, size } => {
                fs::OpenOptions::new().write(true).open(at(&path))?.set_len(size).map(|()| done)?
            }
            HostFsRequest::SetMode { path, mode } => {
                fs::set_permissions(at(&path), fs::Permissions::from_mode(mode)).map(|()| done)?
            }
            HostFsRequest::SetTimes { path, modified, .. } => {
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(modified.unwrap_or(0));
                File::open(at(&path))?.set_modified(time).map(|()| done)?
            }
            HostFsRequest::Canonicalize { path, follow } => {
                let full = at(&path);
                let resolved = match (follow, full.file_name()) {
                    (false, Some(name)) if !path.is_empty() => {
                        fs::symlink_metadata(&full)?;
                        full.parent().unwrap().canonicalize()?.join(name)
                    }
                    _ => full.canonicalize()?,
                };
                let root = self.root.path().canonicalize()?;
                HostFsReply::Text(resolved.strip_prefix(root).unwrap().to_str().unwrap().into())
            }
        })
    }
}

impl HostFs for TestHost {
    fn call(&self, _: MountId, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        self.log.lock().push(request.clone());
        let code =
            |error: std::io::Error| error.raw_os_error().and_then(Errno::from_code).unwrap_or(Errno::Eio);
        let changes = request.changes();
        let answer = self.answer(request).map_err(code);
        if let Some(moment) = self.moment.lock().as_mut().filter(|_| changes) {
            *moment += 1;
        }
        answer
    }

    fn moment(&self) -> Option<u64> {
        *self.moment.lock()
    }
}

/// Flags of the kernel as flags of the machine.
pub(super) fn oflags(flags: OpenFlags) -> OFlags {
    let access = match (flags.contains(OpenFlags::READ), flags.contains(OpenFlags::WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    let pairs = [
        (OpenFlags::CREATE, OFlags::CREATE),
        (OpenFlags::EXCLUSIVE, OFlags::EXCL),
        (OpenFlags::TRUNCATE, OFlags::TRUNC),
        (OpenFlags::APPEND, OFlags::APPEND),
        (OpenFlags::DIRECTORY, OFlags::DIRECTORY),
        (OpenFlags::NO_FOLLOW, OFlags::NOFOLLOW),
    ];
    let set = pairs.iter().filter(|(ours, _)| flags.contains(*ours)).map(|(_, theirs)| *theirs);
    set.fold(access | OFlags::CLOEXEC, |a, b| a | b)
}

fn status(metadata: &fs::Metadata) -> FileStatus {
    let kind = if metadata.is_dir() {
        FileKind::Directory
    } else if metadata.is_symlink() {
        FileKind::Symlink
    } else {
        FileKind::Regular
    };
    FileStatus {
        device: metadata.dev(),
        inode: metadata.ino(),
        kind,
        mode: metadata.mode(),
        links: metadata.nlink(),
        size: metadata.size(),
        allocated: metadata.blocks() * 512,
        accessed: 0,
        modified: (metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()) as u64,
        changed: 0,
    }
}
