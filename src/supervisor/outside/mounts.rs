//! Host directories that a VM may see: each is an open directory, and nothing outside it can be reached through it.
//!
//! Owns which mounts and files of the host a VM has open, and how many. What comes from the worker is decided again:
//! whether the mount may be written to, the guest's `fs` rules ([`Rules`]), and how much one request may carry.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use parking_lot::RwLock;
use serde_bytes::ByteBuf;

use super::descriptors::{Descriptors, Lent, Share};
use super::directory::{self, here, status};
use super::forbidden::Forbidden;
use super::opening;
use super::rules::Rules;
use protocol::abi::{
    Errno, HOST_TRANSFER_MAX, HostFsReply, HostFsRequest, HostHandle, MountId, NPM_DIRECTORY, OpenFlags,
};
use protocol::broker::{BrokerReply, ClaimedMount};
use protocol::config::{MOUNTS_MAX, Mount};
use protocol::policy::Policy;
use protocol::wire::{ErrorData, code};

/// The host directories of one VM.
pub(crate) struct HostMounts {
    policy: Arc<Policy>,
    forbidden: Arc<Forbidden>,
    descriptors: Share,
    next_mount: AtomicU32,
    next_handle: AtomicU64,
    mounts: RwLock<HashMap<MountId, Arc<Directory>>>,
    handles: RwLock<HashMap<HostHandle, Arc<Handle>>>,
}

struct Directory {
    guest: String,
    root: Arc<Dir>,
    read_only: bool,
    /// None of the VM's own where it is open for all.
    _descriptor: Option<Lent>,
}

struct Handle {
    mount: MountId,
    file: std::fs::File,
    read_only: bool,
    _descriptor: Lent,
}

impl HostMounts {
    /// None, for a guest of that policy, and never one that is forbidden.
    pub(crate) fn new(policy: Arc<Policy>, forbidden: Arc<Forbidden>, descriptors: &Descriptors) -> Self {
        HostMounts {
            policy,
            forbidden,
            descriptors: descriptors.share(),
            next_mount: AtomicU32::new(0),
            next_handle: AtomicU64::new(0),
            mounts: RwLock::default(),
            handles: RwLock::default(),
        }
    }

    /// Opens the directories of a configuration. Blocks.
    ///
    /// # Errors
    /// One of them is no directory that can be read; the error names the field.
    pub(crate) fn open_all(&self, mounts: &[Mount]) -> Result<Vec<ClaimedMount>, ErrorData> {
        let field = |index| format!("mounts[{index}]");
        mounts.iter().enumerate().map(|(index, mount)| self.open(mount, &field(index))).collect()
    }

    /// Opens a directory. Blocks.
    ///
    /// # Errors
    /// It is no directory that can be read, or a forbidden one, or the VM has as many as it may; the error names the
    /// field.
    pub(crate) fn open(&self, mount: &Mount, field: &str) -> Result<ClaimedMount, ErrorData> {
        let descriptor = self.descriptors.lend().ok_or_else(|| {
            ErrorData::new(
                code::LIMIT,
                format!("{field}: too many files and directories of the host are open"),
            )
            .field(field)
        })?;
        let root = Dir::open_ambient_dir(&mount.host, ambient_authority()).map_err(|error| {
            ErrorData::new(
                code::CONFIG,
                format!("invalid configuration: {field}.host: {}: {error}", mount.host),
            )
            .field(format!("{field}.host"))
        })?;
        self.forbidden.check(&root, mount.read_only).map_err(|refusal| refusal.of(mount, field))?;
        let id = MountId(self.next_mount.fetch_add(1, Ordering::Relaxed));
        let directory = Directory {
            guest: mount.guest.clone(),
            root: Arc::new(root),
            read_only: mount.read_only,
            _descriptor: Some(descriptor),
        };
        let mut mounts = self.mounts.write();
        if mounts.keys().filter(|id| **id != MountId::NPM).count() >= MOUNTS_MAX {
            let text = format!("{field}: the VM has {MOUNTS_MAX} mounts already");
            return Err(ErrorData::new(code::LIMIT, text).field(field));
        }
        mounts.insert(id, Arc::new(directory));
        Ok(ClaimedMount { mount: id, guest: mount.guest.clone(), read_only: mount.read_only })
    }

    /// Shows the installation's npm, which is open for all VMs.
    pub(crate) fn show_npm(&self, root: Arc<Dir>) {
        let guest = NPM_DIRECTORY.to_owned();
        let directory = Directory { guest, root, read_only: true, _descriptor: None };
        self.mounts.write().insert(MountId::NPM, Arc::new(directory));
    }

    /// What is mounted at a path of the VM.
    pub(crate) fn at(&self, guest: &str) -> Vec<MountId> {
        let mounts = self.mounts.read();
        mounts.iter().filter(|(_, directory)| directory.guest == guest).map(|(id, _)| *id).collect()
    }

    /// Closes a mount, with the files that are open in it.
    pub(crate) fn close(&self, mount: MountId) {
        let closed = self.mounts.write().remove(&mount);
        let files: Vec<_> = self.handles.write().extract_if(|_, file| file.mount == mount).collect();
        // Only now, with no lock held: closing may take its time.
        drop((closed, files));
    }

    /// Undoes what a reply says that nobody will hear of.
    pub(crate) fn forget(&self, reply: &BrokerReply) {
        if let BrokerReply::HostFilesystem { result: Ok(HostFsReply::Opened { handle, .. }) } = reply {
            let closed = self.handles.write().remove(handle);
            drop(closed);
        }
    }

    /// Answers one request of the worker, while clients work on `client_paths`. Blocks.
    ///
    /// # Errors
    /// As the operation on the host, in errnos that guests may see.
    pub(crate) fn answer(
        &self,
        mount: MountId,
        request: HostFsRequest,
        client_paths: &[String],
    ) -> Result<HostFsReply, Errno> {
        let directory = self.mounts.read().get(&mount).cloned().ok_or(Errno::Enodev)?;
        self.perform(mount, &directory, request, client_paths).map_err(errno)
    }

    fn perform(
        &self,
        mount: MountId,
        directory: &Directory,
        request: HostFsRequest,
        client_paths: &[String],
    ) -> io::Result<HostFsReply> {
        use HostFsRequest as R;
        let root = &directory.root;
        if directory.read_only && request.changes() {
            return Err(rustix::io::Errno::ROFS.into());
        }
        Rules { policy: &self.policy, guest: &directory.guest, root, client_paths }.admit(&request)?;
        match request {
            R::Open { path, flags, mode } => self.open_file(mount, directory, &here(&path)?, flags, mode),
            R::Read { handle, offset, length } => {
                let handle = self.handle(mount, handle)?;
                let mut bytes = vec![0; (length as usize).min(HOST_TRANSFER_MAX)];
                let mut filled = 0;
                while filled < bytes.len() {
                    let position = offset.checked_add(filled as u64).ok_or(rustix::io::Errno::INVAL)?;
                    match handle.file.read_at(&mut bytes[filled..], position)? {
                        0 => break,
                        more => filled += more,
                    }
                }
                bytes.truncate(filled);
                Ok(HostFsReply::Bytes(ByteBuf::from(bytes)))
            }
            R::Write { handle, offset, bytes } => {
                let handle = self.writable(mount, handle)?;
                if bytes.len() > HOST_TRANSFER_MAX {
                    return Err(rustix::io::Errno::INVAL.into());
                }
                match offset {
                    Some(offset) => {
                        offset.checked_add(bytes.len() as u64).ok_or(rustix::io::Errno::INVAL)?;
                        handle.file.write_all_at(&bytes, offset)?;
                    }
                    // Opened for appending: the host puts every write at the end.
                    None => io::Write::write_all(&mut &handle.file, &bytes)?,
                }
                Ok(HostFsReply::Written(bytes.len() as u32))
            }
            R::TruncateHandle { handle, size } => {
                self.writable(mount, handle)?.file.set_len(size)?;
                Ok(HostFsReply::Done)
            }
            R::StatHandle { handle } => {
                let metadata = self.handle(mount, handle)?.file.metadata()?;
                Ok(HostFsReply::Status(status(&Metadata::from_just_metadata(metadata))))
            }
            R::Sync { handle } => {
                self.handle(mount, handle)?.file.sync_all()?;
                Ok(HostFsReply::Done)
            }
            R::Close { handle } => {
                self.handle(mount, handle)?;
                let closed = self.handles.write().remove(&handle);
                drop(closed);
                Ok(HostFsReply::Done)
            }
            by_path => directory::perform(root, by_path),
        }
    }

    fn open_file(
        &self,
        mount: MountId,
        directory: &Directory,
        path: &Path,
        flags: OpenFlags,
        mode: u32,
    ) -> io::Result<HostFsReply> {
        let descriptor = self.descriptors.lend().ok_or(rustix::io::Errno::NFILE)?;
        let (file, metadata) = opening::open(&directory.root, path, flags, mode)?;
        let handle = HostHandle(self.next_handle.fetch_add(1, Ordering::Relaxed));
        let opened = Handle { mount, file, read_only: directory.read_only, _descriptor: descriptor };
        let mounts = self.mounts.read();
        if !mounts.contains_key(&mount) {
            // Taken away meanwhile, with the files that were open in it then.
            return Err(rustix::io::Errno::NODEV.into());
        }
        self.handles.write().insert(handle, Arc::new(opened));
        Ok(HostFsReply::Opened { handle, status: status(&metadata) })
    }

    fn handle(&self, mount: MountId, handle: HostHandle) -> io::Result<Arc<Handle>> {
        let found = self.handles.read().get(&handle).cloned();
        found.filter(|found| found.mount == mount).ok_or(rustix::io::Errno::BADF.into())
    }

    fn writable(&self, mount: MountId, handle: HostHandle) -> io::Result<Arc<Handle>> {
        let handle = self.handle(mount, handle)?;
        if handle.read_only { Err(rustix::io::Errno::ROFS.into()) } else { Ok(handle) }
    }
}

/// The errno that a guest sees for an error of the host.
fn errno(error: io::Error) -> Errno {
    if let Some(errno) = error.raw_os_error().and_then(Errno::from_code) {
        return errno;
    }
    match error.kind() {
        io::ErrorKind::NotFound => Errno::Enoent,
        io::ErrorKind::AlreadyExists => Errno::Eexist,
        io::ErrorKind::InvalidInput => Errno::Einval,
        // Without a number: cap-std refuses a path that leads out of the directory.
        io::ErrorKind::PermissionDenied => Errno::Eacces,
        _ => Errno::Eio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn mounted(read_only: bool) -> (tempfile::TempDir, HostMounts, MountId) {
        let outer = tempfile::tempdir().unwrap();
        std::fs::write(outer.path().join("secret"), "s").unwrap();
        let inner = outer.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("file"), "contents").unwrap();
        let mounts = host_mounts();
        let mount = Mount { host: inner.to_str().unwrap().to_owned(), guest: "/m".to_owned(), read_only };
        let claimed = mounts.open(&mount, "mounts[0]").unwrap();
        (outer, mounts, claimed.mount)
    }

    fn host_mounts() -> HostMounts {
        let policy = Arc::new(Policy::new(&protocol::config::Permissions::default()).unwrap());
        HostMounts::new(policy, Arc::default(), &Descriptors::of_this_process())
    }

    fn open(path: &str, flags: OpenFlags) -> HostFsRequest {
        HostFsRequest::Open { path: path.to_owned(), flags, mode: 0o644 }
    }

    #[test]
    fn nothing_outside_the_directory_is_reachable() {
        let (outer, mounts, id) = mounted(false);
        let inner = outer.path().join("inner");
        symlink("../secret", inner.join("up")).unwrap();
        symlink(outer.path().join("secret"), inner.join("absolute")).unwrap();
        symlink("..", inner.join("dir")).unwrap();
        for path in ["../secret", "up", "absolute", "dir/secret", "/etc/passwd", "x/../../secret"] {
            let refused = mounts.answer(id, open(path, OpenFlags::READ), &[]);
            assert!(
                matches!(refused, Err(Errno::Eacces | Errno::Exdev | Errno::Eperm | Errno::Enoent)),
                "{path}: {refused:?}"
            );
            assert!(mounts.answer(id, HostFsRequest::Stat { path: path.to_owned() }, &[]).is_err(), "{path}");
        }
        for path in ["", ".", "..", "dir", "dir/inner", "../inner", "x/..", "/", "absolute"] {
            let remove = HostFsRequest::RemoveTree { path: path.to_owned() };
            assert!(mounts.answer(id, remove, &[]).is_err(), "{path}");
        }
        assert!(outer.path().join("secret").exists() && inner.join("file").exists());
        let out = HostFsRequest::Rename { from: "file".into(), to: "../moved".into() };
        assert!(mounts.answer(id, out, &[]).is_err());
    }

    #[test]
    fn names_are_bytes_and_each_has_one_text() {
        use std::os::unix::ffi::OsStrExt;
        let (outer, mounts, id) = mounted(false);
        let inner = outer.path().join("inner");
        let name = byte_text::decode(b"a\xff".to_vec());
        std::fs::write(inner.join(std::ffi::OsStr::from_bytes(b"a\xff")), "x").unwrap();
        std::fs::write(inner.join("caf\u{e9}"), "y").unwrap();
        let HostFsReply::Entries(entries) =
            mounts.answer(id, HostFsRequest::ReadDir { path: String::new() }, &[]).unwrap()
        else {
            panic!()
        };
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, [name.as_str(), "caf\u{e9}", "file"]);
        let read = |path: &str| mounts.answer(id, HostFsRequest::ReadFile { path: path.to_owned() }, &[]);
        assert_eq!(read(&name), Ok(HostFsReply::Bytes(ByteBuf::from(b"x".to_vec()))));
        // The bytes of é one by one: a rule about é would not see them.
        let apart: String =
            ["caf", &byte_text::decode(b"\xc3".to_vec()), &byte_text::decode(b"\xa9".to_vec())].concat();
        assert_eq!(read(&apart), Err(Errno::Einval));
        for request in [
            HostFsRequest::Unlink { path: apart.clone() },
            HostFsRequest::RemoveTree { path: apart.clone() },
            HostFsRequest::Rename { from: "file".into(), to: apart.clone() },
            HostFsRequest::Link { from: apart.clone(), to: "new".into() },
            open(&apart, OpenFlags::WRITE | OpenFlags::CREATE),
            HostFsRequest::Canonicalize { path: apart.clone(), follow: false },
        ] {
            let told = format!("{request:?}");
            assert_eq!(mounts.answer(id, request, &[]), Err(Errno::Einval), "{told}");
        }
        let made = HostFsRequest::Symlink { target: name.clone(), path: "link".into() };
        assert_eq!(mounts.answer(id, made, &[]), Ok(HostFsReply::Done));
        assert_eq!(std::fs::read_link(inner.join("link")).unwrap().as_os_str().as_bytes(), b"a\xff");
        assert_eq!(read("link"), Ok(HostFsReply::Bytes(ByteBuf::from(b"x".to_vec()))));
    }

    #[test]
    fn read_only_holds_for_every_way_to_change() {
        let (_outer, mounts, id) = mounted(true);
        let path = || "file".to_owned();
        for request in [
            open("file", OpenFlags::WRITE),
            open("new", OpenFlags::WRITE | OpenFlags::CREATE),
            open("new", OpenFlags::READ | OpenFlags::CREATE),
            open("file", OpenFlags::READ | OpenFlags::TRUNCATE),
            open("file", OpenFlags::APPEND),
            HostFsRequest::Unlink { path: path() },
            HostFsRequest::RemoveTree { path: path() },
            HostFsRequest::Mkdir { path: "d".into(), mode: 0o755 },
            HostFsRequest::Rename { from: path(), to: "g".into() },
            HostFsRequest::Symlink { target: "x".into(), path: "l".into() },
            HostFsRequest::Link { from: path(), to: "h".into() },
            HostFsRequest::Truncate { path: path(), size: 0 },
            HostFsRequest::SetMode { path: path(), mode: 0o600 },
            HostFsRequest::SetTimes { path: path(), accessed: Some(0), modified: None, follow: true },
        ] {
            let told = format!("{request:?}");
            assert_eq!(mounts.answer(id, request, &[]), Err(Errno::Erofs), "{told}");
        }
        let Ok(HostFsReply::Opened { handle, .. }) = mounts.answer(id, open("file", OpenFlags::READ), &[])
        else {
            panic!()
        };
        let write = HostFsRequest::Write { handle, offset: Some(0), bytes: ByteBuf::from(b"x".to_vec()) };
        assert_eq!(mounts.answer(id, write, &[]), Err(Errno::Erofs));
        let read = HostFsRequest::Read { handle, offset: 2, length: 3 };
        assert_eq!(mounts.answer(id, read, &[]), Ok(HostFsReply::Bytes(ByteBuf::from(b"nte".to_vec()))));
    }

    #[test]
    fn a_handle_belongs_to_its_mount() {
        let (_outer, mounts, id) = mounted(false);
        let (_other, ..) = mounted(false);
        let Ok(HostFsReply::Opened { handle, .. }) = mounts.answer(id, open("file", OpenFlags::READ), &[])
        else {
            panic!()
        };
        assert_eq!(mounts.answer(MountId(99), HostFsRequest::StatHandle { handle }, &[]), Err(Errno::Enodev));
        mounts.at("/m").into_iter().for_each(|mount| mounts.close(mount));
        assert_eq!(mounts.answer(id, HostFsRequest::StatHandle { handle }, &[]), Err(Errno::Enodev));
    }
}
