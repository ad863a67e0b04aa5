//! Host directories in the VM's name space.
//!
//! Owns how a path beneath a mount point becomes a request to [`HostFs`], and the handles that such requests give.
//! Nothing is cached: the host may change its files at any time.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use serde_bytes::ByteBuf;

use super::inode::Inode;
use crate::{
    Clock, DirectoryEntry, Errno, FileKind, FileStatus, HOST_TRANSFER_MAX, HostFs, HostFsReply,
    HostFsRequest, HostHandle, MountId, OpenFlags,
};

/// Requests that removing one directory takes at most; each removes many names. More come only where somebody makes
/// names as fast as they are removed.
const REMOVALS_MAX: usize = 1 << 16;
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

    pub(crate) fn status(&self, follow: bool) -> Result<FileStatus, Errno> {
        let path = self.relative.clone();
        let request = if follow { HostFsRequest::Stat { path } } else { HostFsRequest::Lstat { path } };
        match self.call(request)? {
            HostFsReply::Status(status) => Ok(self.mount.told(status)),
            _ => Err(Errno::Eio),
        }
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
        match self.call(HostFsRequest::ReadFile { path: self.relative.clone() })? {
            HostFsReply::Bytes(bytes) if bytes.len() <= HOST_TRANSFER_MAX => Ok(bytes.into_vec()),
            _ => Err(Errno::Eio),
        }
    }

    pub(crate) fn open(&self, flags: OpenFlags, mode: u32) -> Result<(HostFile, FileStatus), Errno> {
        match self.call(HostFsRequest::Open { path: self.relative.clone(), flags, mode })? {
            HostFsReply::Opened { handle, status } => {
                let file = HostFile { mount: self.mount.clone(), handle };
                Ok((file, self.mount.told(status)))
            }
            _ => Err(Errno::Eio),
        }
    }
}

impl Mount {
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
    handle: HostHandle,
}

impl HostFile {
    fn call(&self, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        self.mount.fs.call(self.mount.id, request)
    }

    pub(crate) fn read(&self, offset: u64, target: &mut [u8]) -> Result<usize, Errno> {
        let length = target.len().min(HOST_TRANSFER_MAX);
        let request = HostFsRequest::Read { handle: self.handle, offset, length: length as u32 };
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
        let request = HostFsRequest::Write { handle: self.handle, offset, bytes: ByteBuf::from(bytes) };
        match self.call(request)? {
            HostFsReply::Written(count) if count as usize <= bytes.len() => Ok(count as usize),
            _ => Err(Errno::Eio),
        }
    }

    pub(crate) fn truncate(&self, size: u64) -> Result<(), Errno> {
        self.call(HostFsRequest::TruncateHandle { handle: self.handle, size }).map(drop)
    }

    pub(crate) fn sync(&self) -> Result<(), Errno> {
        self.call(HostFsRequest::Sync { handle: self.handle }).map(drop)
    }

    pub(crate) fn status(&self) -> Result<FileStatus, Errno> {
        match self.call(HostFsRequest::StatHandle { handle: self.handle })? {
            HostFsReply::Status(status) => Ok(self.mount.told(status)),
            _ => Err(Errno::Eio),
        }
    }
}

impl Drop for HostFile {
    fn drop(&mut self) {
        // Nobody could act upon a failure: the handle is gone either way.
        let _ = self.call(HostFsRequest::Close { handle: self.handle });
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
