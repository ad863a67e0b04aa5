//! Host directories in the VM's name space.
//!
//! Owns how a path beneath a mount point becomes a request to [`HostFs`], and the handles that such requests give.
//! What the host has told is taken for what it would tell for a moment only ([`Recent`]): it may change its files at any
//! time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use serde_bytes::ByteBuf;

use super::inode::Inode;
use super::recent::{Copy, Known, Recent};
use crate::{
    Clock, DirectoryEntry, Errno, FileKind, FileStatus, HOST_TRANSFER_MAX, HostFs, HostFsReply,
    HostFsRequest, HostHandle, MountId, OpenFlags,
};

/// Requests that removing one directory takes at most; each removes many names. More come only where somebody makes
/// names as fast as they are removed.
const REMOVALS_MAX: usize = 1 << 16;
/// Bytes of the copies that open files of one mount are read from.
const COPIED_MAX: usize = 4 << 20;
/// Device numbers of mounts start here.
const FIRST_DEVICE: u64 = 0x100;

/// A mounted host directory.
pub(crate) struct Mount {
    pub(crate) id: MountId,
    /// Where it lies in the VM. Mount points cannot be renamed, but directories above them can, so this is computed.
    pub(crate) point: Point,
    pub(crate) read_only: bool,
    pub(crate) fs: Arc<dyn HostFs>,
    /// The VM's, by which the host's times are told.
    pub(crate) clock: Arc<dyn Clock>,
    /// Mounts within this one, by path relative to it.
    pub(crate) children: Mutex<BTreeMap<String, Arc<Mount>>>,
    /// What was told lately.
    pub(crate) recent: Recent,
    /// Bytes of the copies that open files are read from.
    pub(crate) copied: AtomicUsize,
}

/// What a mount lies upon.
pub(crate) enum Point {
    Memory(Weak<Inode>),
    Within(Weak<Mount>, String),
}

/// A place beneath a mount point.
#[derive(Clone)]
pub(crate) struct HostPath {
    pub(crate) mount: Arc<Mount>,
    /// Relative to the mount; without empty, `.` and `..` parts; empty for the mount's own directory.
    pub(crate) relative: String,
}

impl HostPath {
    pub(crate) fn root(mount: Arc<Mount>) -> HostPath {
        HostPath { mount, relative: String::new() }
    }

    /// The place `name` within this one; another mount's root where one lies there.
    pub(crate) fn child(&self, name: &str) -> HostPath {
        let mut relative = String::with_capacity(self.relative.len() + 1 + name.len());
        relative.push_str(&self.relative);
        if !relative.is_empty() {
            relative.push('/');
        }
        relative.push_str(name);
        match self.mount.children.lock().get(&relative) {
            Some(nested) => HostPath::root(nested.clone()),
            None => HostPath { mount: self.mount.clone(), relative },
        }
    }

    /// The place that holds this one, unless this is the mount's own directory.
    pub(crate) fn parent(&self) -> Option<HostPath> {
        if self.relative.is_empty() {
            return None;
        }
        let end = self.relative.rfind('/').unwrap_or(0);
        Some(HostPath { mount: self.mount.clone(), relative: self.relative[..end].to_owned() })
    }

    /// Whether another mount lies here or beneath.
    pub(crate) fn holds_mounts(&self) -> bool {
        let children = self.mount.children.lock();
        children.keys().any(|key| match key.strip_prefix(&self.relative) {
            Some(rest) => self.relative.is_empty() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        })
    }

    fn call(&self, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        self.mount.fs.call(self.mount.id, request)
    }

    /// Sends a request that has nothing to tell.
    pub(crate) fn perform(&self, request: HostFsRequest) -> Result<(), Errno> {
        self.call(request).map(drop)
    }

    /// The directory that it lies in, and its name there, unless it is the mount's own.
    fn parts(&self) -> Option<(&str, &str)> {
        match self.relative.rsplit_once('/') {
            Some(parts) => Some(parts),
            None if self.relative.is_empty() => None,
            None => Some(("", &self.relative)),
        }
    }

    pub(crate) fn status(&self, follow: bool) -> Result<FileStatus, Errno> {
        match self.recent_status(follow) {
            Known::There(status) => return Ok(self.mount.told(status)),
            Known::NotThere => return Err(Errno::Enoent),
            Known::Ask(_) | Known::Nothing => {}
        }
        let path = self.relative.clone();
        let request = if follow { HostFsRequest::Stat { path } } else { HostFsRequest::Lstat { path } };
        match self.call(request)? {
            HostFsReply::Status(status) => Ok(self.mount.told(status)),
            _ => Err(Errno::Eio),
        }
    }

    fn recent_status(&self, follow: bool) -> Known<FileStatus> {
        let (Some(moment), Some((directory, name))) = (self.mount.fs.moment(), self.parts()) else {
            return Known::Nothing;
        };
        let recent = &self.mount.recent;
        let known = recent.status(moment, directory, name, follow);
        if !matches!(known, Known::Ask(_)) {
            return known;
        }
        let told = match self.call(HostFsRequest::ReadDirPlus { path: directory.to_owned() }) {
            Ok(HostFsReply::Listing(told)) => Some(told),
            _ => None,
        };
        if self.mount.fs.moment() != Some(moment) {
            return Known::Nothing;
        }
        recent.keep_listing(moment, directory, told);
        recent.told_status(moment, directory, name, follow)
    }

    /// The contents of a small file as they were told lately, or with those of others beside it.
    fn recent_file(&self) -> Known<Copy> {
        let (Some(moment), Some((directory, name))) = (self.mount.fs.moment(), self.parts()) else {
            return Known::Nothing;
        };
        let recent = &self.mount.recent;
        let most = match recent.file(moment, directory, name) {
            Known::Ask(most) => most,
            known => return known,
        };
        let request = HostFsRequest::ReadFiles { path: directory.to_owned(), first: name.to_owned(), most };
        let told = match self.call(request) {
            Ok(HostFsReply::Files(told)) => told,
            // Opening it would come to the same.
            Err(Errno::Enoent) => return Known::NotThere,
            _ => return Known::Nothing,
        };
        if self.mount.fs.moment() != Some(moment) {
            return Known::Nothing;
        }
        recent.keep_files(moment, directory, told);
        recent.file(moment, directory, name)
    }

    /// `ENOTDIR` unless a directory is there.
    pub(crate) fn check_directory(&self) -> Result<(), Errno> {
        if self.relative.is_empty() || self.status(true)?.kind == FileKind::Directory {
            Ok(())
        } else {
            Err(Errno::Enotdir)
        }
    }

    pub(crate) fn entries(&self) -> Result<Vec<DirectoryEntry>, Errno> {
        match self.call(HostFsRequest::ReadDir { path: self.relative.clone() })? {
            HostFsReply::Entries(mut entries) => {
                entries.retain(|entry| entry.name != "." && entry.name != "..");
                entries.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(entries)
            }
            _ => Err(Errno::Eio),
        }
    }

    /// Removes a directory with everything in it.
    pub(crate) fn remove_tree(&self) -> Result<(), Errno> {
        for _ in 0..REMOVALS_MAX {
            match self.call(HostFsRequest::RemoveTree { path: self.relative.clone() })? {
                HostFsReply::Removed(true) => return Ok(()),
                HostFsReply::Removed(false) => {}
                _ => return Err(Errno::Eio),
            }
        }
        Err(Errno::Enotempty)
    }

    pub(crate) fn readlink(&self) -> Result<String, Errno> {
        if self.relative.is_empty() {
            // The mount itself, of which the host would say that the empty name is not there.
            return Err(Errno::Einval);
        }
        self.text(HostFsRequest::Readlink { path: self.relative.clone() })
    }

    /// The same place without symbolic links on the way.
    pub(crate) fn canonical(&self, follow: bool) -> Result<HostPath, Errno> {
        let relative = self.text(HostFsRequest::Canonicalize { path: self.relative.clone(), follow })?;
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if !relative.is_empty() && !relative.split('/').all(is_plain) {
            return Err(Errno::Eio);
        }
        Ok(HostPath { mount: self.mount.clone(), relative })
    }

    fn text(&self, request: HostFsRequest) -> Result<String, Errno> {
        match self.call(request)? {
            HostFsReply::Text(text) => Ok(text),
            _ => Err(Errno::Eio),
        }
    }

    /// The contents of a regular file that is not too long for one answer.
    pub(crate) fn contents(&self) -> Result<Vec<u8>, Errno> {
        match self.recent_file() {
            Known::There(copy) => return Ok(copy.bytes.to_vec()),
            Known::NotThere => return Err(Errno::Enoent),
            Known::Ask(_) | Known::Nothing => {}
        }
        match self.call(HostFsRequest::ReadFile { path: self.relative.clone() })? {
            HostFsReply::Bytes(bytes) if bytes.len() <= HOST_TRANSFER_MAX => Ok(bytes.into_vec()),
            _ => Err(Errno::Eio),
        }
    }

    pub(crate) fn open(&self, flags: OpenFlags, mode: u32) -> Result<(HostFile, FileStatus), Errno> {
        if flags == OpenFlags::READ {
            match self.recent_file() {
                Known::There(copy) if self.mount.takes(copy.bytes.len()) => {
                    let status = self.mount.told(copy.status);
                    let from = From::Copy { copy, place: self.relative.clone(), opened: OnceLock::new() };
                    return Ok((HostFile { mount: self.mount.clone(), from }, status));
                }
                Known::NotThere => return Err(Errno::Enoent),
                Known::There(_) | Known::Ask(_) | Known::Nothing => {}
            }
        }
        let (handle, status) = self.mount.open(&self.relative, flags, mode)?;
        let file = HostFile { mount: self.mount.clone(), from: From::Handle(handle) };
        Ok((file, self.mount.told(status)))
    }
}

impl Mount {
    /// Whether so many bytes more may be held for an open file, as they are then.
    fn takes(&self, bytes: usize) -> bool {
        let before = self.copied.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > COPIED_MAX {
            self.copied.fetch_sub(bytes, Ordering::Relaxed);
        }
        before + bytes <= COPIED_MAX
    }

    fn open(&self, path: &str, flags: OpenFlags, mode: u32) -> Result<(HostHandle, FileStatus), Errno> {
        match self.fs.call(self.id, HostFsRequest::Open { path: path.to_owned(), flags, mode })? {
            HostFsReply::Opened { handle, status } => Ok((handle, status)),
            _ => Err(Errno::Eio),
        }
    }

    fn close(&self, handle: HostHandle) {
        // Nobody could act upon a failure: the handle is gone either way.
        let _ = self.fs.call(self.id, HostFsRequest::Close { handle });
    }

    /// What the host says of a file, as the VM is told: each mount has a device number of its own, and the host's times
    /// must not be a better clock than the VM's.
    fn told(&self, status: FileStatus) -> FileStatus {
        FileStatus {
            device: FIRST_DEVICE + u64::from(self.id.0),
            mode: status.mode & 0o7777,
            accessed: self.clock.host_time(status.accessed),
            modified: self.clock.host_time(status.modified),
            changed: self.clock.host_time(status.changed),
            ..status
        }
    }
}

/// A file that is open on the host; closed there when dropped, so never drop one under a lock of the kernel.
pub(crate) struct HostFile {
    mount: Arc<Mount>,
    from: From,
}

/// Where the contents of an open file come from.
enum From {
    Handle(HostHandle),
    /// A small file that is read, from what was told of it when it was opened. Where that does not count any more the file is
    /// opened after all, at its place; if another lies there by then, or none, what was told is what remains of it.
    Copy {
        copy: Copy,
        place: String,
        opened: OnceLock<Option<HostHandle>>,
    },
}

/// What answers for an open file now.
enum Source<'a> {
    Handle(HostHandle),
    Copy(&'a Copy),
}

impl HostFile {
    fn call(&self, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        self.mount.fs.call(self.mount.id, request)
    }

    fn source(&self) -> Result<Source<'_>, Errno> {
        let (copy, place, opened) = match &self.from {
            From::Handle(handle) => return Ok(Source::Handle(*handle)),
            From::Copy { copy, place, opened } => (copy, place, opened),
        };
        if opened.get().is_none() {
            if copy.is_fresh(self.mount.fs.moment()) {
                return Ok(Source::Copy(copy));
            }
            let found = match self.mount.open(place, OpenFlags::READ, 0) {
                Ok((handle, status)) => {
                    let same = (status.device, status.inode) == (copy.status.device, copy.status.inode);
                    if !same {
                        self.mount.close(handle);
                    }
                    same.then_some(handle)
                }
                // That says nothing of the file.
                Err(errno @ (Errno::Eagain | Errno::Etimedout | Errno::Enfile)) => return Err(errno),
                Err(_) => None,
            };
            if let Err(Some(late)) = opened.set(found) {
                // Another thread was faster.
                self.mount.close(late);
            }
        }
        match opened.get() {
            Some(Some(handle)) => Ok(Source::Handle(*handle)),
            _ => Ok(Source::Copy(copy)),
        }
    }

    /// The handle of a file that was opened for more than reading.
    fn handle(&self) -> Result<HostHandle, Errno> {
        match self.from {
            From::Handle(handle) => Ok(handle),
            From::Copy { .. } => Err(Errno::Ebadf),
        }
    }

    pub(crate) fn read(&self, offset: u64, target: &mut [u8]) -> Result<usize, Errno> {
        let handle = match self.source()? {
            Source::Handle(handle) => handle,
            Source::Copy(copy) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| copy.bytes.get(offset..));
                let rest = rest.unwrap_or_default();
                let length = rest.len().min(target.len());
                target[..length].copy_from_slice(&rest[..length]);
                return Ok(length);
            }
        };
        let length = target.len().min(HOST_TRANSFER_MAX);
        let request = HostFsRequest::Read { handle, offset, length: length as u32 };
        match self.call(request)? {
            HostFsReply::Bytes(bytes) if bytes.len() <= length => {
                target[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            _ => Err(Errno::Eio),
        }
    }

    pub(crate) fn write(&self, offset: Option<u64>, bytes: &[u8]) -> Result<usize, Errno> {
        let bytes = &bytes[..bytes.len().min(HOST_TRANSFER_MAX)];
        let request = HostFsRequest::Write { handle: self.handle()?, offset, bytes: ByteBuf::from(bytes) };
        match self.call(request)? {
            HostFsReply::Written(count) if count as usize <= bytes.len() => Ok(count as usize),
            _ => Err(Errno::Eio),
        }
    }

    pub(crate) fn truncate(&self, size: u64) -> Result<(), Errno> {
        self.call(HostFsRequest::TruncateHandle { handle: self.handle()?, size }).map(drop)
    }

    pub(crate) fn sync(&self) -> Result<(), Errno> {
        match self.source()? {
            Source::Handle(handle) => self.call(HostFsRequest::Sync { handle }).map(drop),
            Source::Copy(_) => Ok(()),
        }
    }

    pub(crate) fn status(&self) -> Result<FileStatus, Errno> {
        let handle = match self.source()? {
            Source::Handle(handle) => handle,
            Source::Copy(copy) => return Ok(self.mount.told(copy.status)),
        };
        match self.call(HostFsRequest::StatHandle { handle })? {
            HostFsReply::Status(status) => Ok(self.mount.told(status)),
            _ => Err(Errno::Eio),
        }
    }
}

impl Drop for HostFile {
    fn drop(&mut self) {
        let handle = match &self.from {
            From::Handle(handle) => Some(*handle),
            From::Copy { copy, opened, .. } => {
                self.mount.copied.fetch_sub(copy.bytes.len(), Ordering::Relaxed);
                opened.get().copied().flatten()
            }
        };
        if let Some(handle) = handle {
            self.mount.close(handle);
        }
    }
}

impl HostPath {
    /// Adds the names of mounts that lie directly in this directory and that the host has not.
    pub(crate) fn add_mounts(&self, entries: &mut Vec<DirectoryEntry>) {
        let children = self.mount.children.lock();
        for key in children.keys() {
            let below = match self.relative.as_str() {
                "" => Some(key.as_str()),
                relative => key.strip_prefix(relative).and_then(|rest| rest.strip_prefix('/')),
            };
            let Some(name) = below.filter(|name| !name.contains('/')) else { continue };
            if let Err(index) = entries.binary_search_by(|entry| entry.name.as_str().cmp(name)) {
                let entry = DirectoryEntry { name: name.to_owned(), inode: 0, kind: FileKind::Directory };
                entries.insert(index, entry);
            }
        }
    }
}
