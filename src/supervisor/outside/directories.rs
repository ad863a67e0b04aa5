//! Host directories that a VM may see: each is an open directory, and nothing outside it can be reached through it.
//!
//! Path resolution beneath a directory is cap-std's (openat2(2) with `RESOLVE_BENEATH` where the kernel has it), so
//! symbolic links, `..` and renames that race with us cannot lead out. The worker has decided the guest's permission
//! already; read-only is enforced here again, because a worker that was taken over decides nothing.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::{
    Dir, DirBuilder, Metadata, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt,
};
use parking_lot::RwLock;
use serde_bytes::ByteBuf;

use super::forbidden::Forbidden;
use protocol::abi::{
    DirectoryEntry, Errno, FileKind, FileStatus, HOST_TRANSFER_MAX, HostFsReply, HostFsRequest, HostHandle,
    MountId, OpenFlags,
};
use protocol::broker::ClaimedMount;
use protocol::config::Mount;
use protocol::wire::{ErrorData, code};

/// Host files that one VM may hold open.
const HANDLES_MAX: usize = 512;
/// Entries of one directory that a VM is shown.
const ENTRIES_MAX: usize = 100_000;

/// The host directories of one VM.
#[derive(Default)]
pub struct HostMounts {
    next_mount: AtomicU32,
    next_handle: AtomicU64,
    mounts: RwLock<HashMap<MountId, Arc<Directory>>>,
    handles: RwLock<HashMap<HostHandle, Arc<Handle>>>,
    forbidden: Arc<Forbidden>,
}

struct Directory {
    guest: String,
    root: Dir,
    read_only: bool,
}

struct Handle {
    mount: MountId,
    file: std::fs::File,
    read_only: bool,
}

impl HostMounts {
    /// None, and never one that is forbidden.
    pub fn new(forbidden: Arc<Forbidden>) -> Self {
        HostMounts { forbidden, ..Self::default() }
    }

    /// Opens the directories of a configuration.
    ///
    /// # Errors
    /// One of them is no directory that can be read; the error names the field.
    pub async fn open_all(&self, mounts: &[Mount]) -> Result<Vec<ClaimedMount>, ErrorData> {
        // Opening a directory is one system call on a local disk; a network filesystem that hangs here holds up the
        // creation of this VM only, because the runtime has other threads.
        mounts
            .iter()
            .enumerate()
            .map(|(index, mount)| self.open(mount, &format!("mounts[{index}]")))
            .collect()
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// It is no directory that can be read, or a forbidden one; the error names the field.
    pub fn open(&self, mount: &Mount, field: &str) -> Result<ClaimedMount, ErrorData> {
        let root = Dir::open_ambient_dir(&mount.host, ambient_authority()).map_err(|error| {
            ErrorData::new(
                code::CONFIG,
                format!("invalid configuration: {field}.host: {}: {error}", mount.host),
            )
            .field(format!("{field}.host"))
        })?;
        self.forbidden.check(&root, mount.read_only).map_err(|refusal| refusal.of(mount, field))?;
        let id = MountId(self.next_mount.fetch_add(1, Ordering::Relaxed));
        let directory = Directory { guest: mount.guest.clone(), root, read_only: mount.read_only };
        self.mounts.write().insert(id, Arc::new(directory));
        Ok(ClaimedMount { mount: id, guest: mount.guest.clone(), read_only: mount.read_only })
    }

    /// Takes a mount away, with the files that are open in it.
    pub fn close(&self, guest: &str) {
        let mut mounts = self.mounts.write();
        let closed: Vec<MountId> =
            mounts.iter().filter(|(_, directory)| directory.guest == guest).map(|(id, _)| *id).collect();
        mounts.retain(|id, _| !closed.contains(id));
        drop(mounts);
        self.handles.write().retain(|_, handle| !closed.contains(&handle.mount));
    }

    /// Answers one request of the worker.
    ///
    /// # Errors
    /// As the operation on the host, in errnos that guests may see.
    pub fn answer(&self, mount: MountId, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        let directory = self.mounts.read().get(&mount).cloned().ok_or(Errno::Enodev)?;
        self.perform(mount, &directory, request).map_err(errno)
    }

    fn perform(
        &self,
        mount: MountId,
        directory: &Directory,
        request: HostFsRequest,
    ) -> io::Result<HostFsReply> {
        use HostFsRequest as R;
        let root = &directory.root;
        if directory.read_only && changes(&request) {
            return Err(rustix::io::Errno::ROFS.into());
        }
        match request {
            R::Open { path, flags, mode } => self.open_file(mount, directory, here(&path), flags, mode),
            R::Read { handle, offset, length } => {
                let handle = self.handle(mount, handle)?;
                let mut bytes = vec![0; (length as usize).min(HOST_TRANSFER_MAX)];
                let mut filled = 0;
                while filled < bytes.len() {
                    match handle.file.read_at(&mut bytes[filled..], offset + filled as u64)? {
                        0 => break,
                        more => filled += more,
                    }
                }
                bytes.truncate(filled);
                Ok(HostFsReply::Bytes(ByteBuf::from(bytes)))
            }
            R::Write { handle, offset, bytes } => {
                let handle = self.writable(mount, handle)?;
                match offset {
                    Some(offset) => handle.file.write_all_at(&bytes, offset)?,
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
                self.handles.write().remove(&handle);
                Ok(HostFsReply::Done)
            }
            R::Stat { path } => Ok(HostFsReply::Status(status(&root.metadata(here(&path))?))),
            R::Lstat { path } => Ok(HostFsReply::Status(status(&root.symlink_metadata(here(&path))?))),
            R::ReadDir { path } => entries(root, here(&path)),
            R::Mkdir { path, mode } => {
                use cap_std::fs::DirBuilderExt;
                let mut builder = DirBuilder::new();
                root.create_dir_with(path, builder.mode(mode & 0o777))?;
                Ok(HostFsReply::Done)
            }
            R::Rmdir { path } => root.remove_dir(path).map(|()| HostFsReply::Done),
            R::Unlink { path } => root.remove_file(path).map(|()| HostFsReply::Done),
            R::Rename { from, to } => root.rename(from, root, to).map(|()| HostFsReply::Done),
            R::Symlink { target, path } => root.symlink_contents(target, path).map(|()| HostFsReply::Done),
            R::Readlink { path } => text(root.read_link_contents(path)?),
            R::Link { from, to } => root.hard_link(from, root, to).map(|()| HostFsReply::Done),
            R::Truncate { path, size } => {
                root.open_with(path, OpenOptions::new().write(true))?.set_len(size)?;
                Ok(HostFsReply::Done)
            }
            R::SetMode { path, mode } => {
                root.set_permissions(here(&path), Permissions::from_mode(mode & 0o777))?;
                Ok(HostFsReply::Done)
            }
            R::SetTimes { path, accessed, modified, follow } => {
                set_times(root, here(&path), accessed, modified, follow)?;
                Ok(HostFsReply::Done)
            }
            R::Canonicalize { path, follow } => canonicalize(root, &path, follow),
        }
    }

    fn open_file(
        &self,
        mount: MountId,
        directory: &Directory,
        path: &str,
        flags: OpenFlags,
        mode: u32,
    ) -> io::Result<HostFsReply> {
        let writes =
            flags.intersects(OpenFlags::WRITE | OpenFlags::APPEND | OpenFlags::CREATE | OpenFlags::TRUNCATE);
        if directory.read_only && writes {
            return Err(rustix::io::Errno::ROFS.into());
        }
        if self.handles.read().len() >= HANDLES_MAX {
            return Err(rustix::io::Errno::NFILE.into());
        }
        // Neither a terminal nor a pipe of the host may be waited on: opening does not block, and only files and
        // directories are kept.
        let mut custom = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        if flags.contains(OpenFlags::NO_FOLLOW) {
            custom |= rustix::fs::OFlags::NOFOLLOW;
        }
        if flags.contains(OpenFlags::DIRECTORY) {
            custom |= rustix::fs::OFlags::DIRECTORY;
        }
        let mut options = OpenOptions::new();
        options
            .read(flags.contains(OpenFlags::READ) || !writes)
            .write(flags.contains(OpenFlags::WRITE) && !flags.contains(OpenFlags::APPEND))
            .append(flags.contains(OpenFlags::APPEND))
            .create(flags.contains(OpenFlags::CREATE) && !flags.contains(OpenFlags::EXCLUSIVE))
            .create_new(flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE))
            .truncate(flags.contains(OpenFlags::TRUNCATE))
            .mode(mode & 0o777)
            .custom_flags(custom.bits() as i32);
        let file = directory.root.open_with(path, &options)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() && !metadata.is_dir() {
            return Err(rustix::io::Errno::NXIO.into());
        }
        let handle = HostHandle(self.next_handle.fetch_add(1, Ordering::Relaxed));
        let opened = Handle { mount, file: file.into_std(), read_only: directory.read_only };
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

/// Whether a request by path changes the host; opening and handles are looked at where they are used.
fn changes(request: &HostFsRequest) -> bool {
    use HostFsRequest as R;
    match request {
        R::Open { .. }
        | R::Read { .. }
        | R::StatHandle { .. }
        | R::Sync { .. }
        | R::Close { .. }
        | R::Stat { .. }
        | R::Lstat { .. }
        | R::ReadDir { .. }
        | R::Readlink { .. }
        | R::Canonicalize { .. } => false,
        R::Write { .. }
        | R::TruncateHandle { .. }
        | R::Mkdir { .. }
        | R::Rmdir { .. }
        | R::Unlink { .. }
        | R::Rename { .. }
        | R::Symlink { .. }
        | R::Link { .. }
        | R::Truncate { .. }
        | R::SetMode { .. }
        | R::SetTimes { .. } => true,
    }
}

/// The mount's own directory is the empty path on the broker.
fn here(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
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

fn status(metadata: &Metadata) -> FileStatus {
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

fn entries(root: &Dir, path: &str) -> io::Result<HostFsReply> {
    use std::os::unix::fs::DirEntryExt;
    let mut entries = Vec::new();
    for entry in root.read_dir(path)? {
        let entry = entry?;
        // A name that is no UTF-8 cannot be named in the VM.
        if let Ok(name) = entry.file_name().into_string() {
            if entries.len() == ENTRIES_MAX {
                return Err(rustix::io::Errno::NOMEM.into());
            }
            entries.push(DirectoryEntry { name, inode: entry.ino(), kind: kind(entry.file_type()?) });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(HostFsReply::Entries(entries))
}

fn text(path: std::path::PathBuf) -> io::Result<HostFsReply> {
    path.into_os_string().into_string().map(HostFsReply::Text).map_err(|_| rustix::io::Errno::INVAL.into())
}

fn canonicalize(root: &Dir, path: &str, follow: bool) -> io::Result<HostFsReply> {
    let canonical = |path: &str| -> io::Result<std::path::PathBuf> {
        match root.canonicalize(here(path))? {
            path if path.as_os_str() == "." => Ok(std::path::PathBuf::new()),
            path => Ok(path),
        }
    };
    if follow {
        return text(canonical(path)?);
    }
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    root.symlink_metadata(here(path))?;
    text(canonical(parent)?.join(name))
}

fn set_times(
    root: &Dir,
    path: &str,
    accessed: Option<u64>,
    modified: Option<u64>,
    follow: bool,
) -> io::Result<()> {
    use cap_fs_ext::{DirExt, SystemTimeSpec};
    let spec = |time: Option<u64>| {
        time.map(|nanoseconds| {
            SystemTimeSpec::from(cap_std::time::SystemTime::from_std(
                std::time::UNIX_EPOCH + std::time::Duration::from_nanos(nanoseconds),
            ))
        })
    };
    if follow {
        root.set_times(path, spec(accessed), spec(modified))
    } else {
        root.set_symlink_times(path, spec(accessed), spec(modified))
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
        let mounts = HostMounts::default();
        let mount = Mount { host: inner.to_str().unwrap().to_owned(), guest: "/m".to_owned(), read_only };
        let claimed = mounts.open(&mount, "mounts[0]").unwrap();
        (outer, mounts, claimed.mount)
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
            let refused = mounts.answer(id, open(path, OpenFlags::READ));
            assert!(
                matches!(refused, Err(Errno::Eacces | Errno::Exdev | Errno::Eperm | Errno::Enoent)),
                "{path}: {refused:?}"
            );
            assert!(mounts.answer(id, HostFsRequest::Stat { path: path.to_owned() }).is_err(), "{path}");
        }
        let out = HostFsRequest::Rename { from: "file".into(), to: "../moved".into() };
        assert!(mounts.answer(id, out).is_err());
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
            HostFsRequest::Mkdir { path: "d".into(), mode: 0o755 },
            HostFsRequest::Rename { from: path(), to: "g".into() },
            HostFsRequest::Symlink { target: "x".into(), path: "l".into() },
            HostFsRequest::Link { from: path(), to: "h".into() },
            HostFsRequest::Truncate { path: path(), size: 0 },
            HostFsRequest::SetMode { path: path(), mode: 0o600 },
            HostFsRequest::SetTimes { path: path(), accessed: Some(0), modified: None, follow: true },
        ] {
            let told = format!("{request:?}");
            assert_eq!(mounts.answer(id, request), Err(Errno::Erofs), "{told}");
        }
        let Ok(HostFsReply::Opened { handle, .. }) = mounts.answer(id, open("file", OpenFlags::READ)) else {
            panic!()
        };
        let write = HostFsRequest::Write { handle, offset: Some(0), bytes: ByteBuf::from(b"x".to_vec()) };
        assert_eq!(mounts.answer(id, write), Err(Errno::Erofs));
        let read = HostFsRequest::Read { handle, offset: 2, length: 3 };
        assert_eq!(mounts.answer(id, read), Ok(HostFsReply::Bytes(ByteBuf::from(b"nte".to_vec()))));
    }

    #[test]
    fn a_handle_belongs_to_its_mount() {
        let (_outer, mounts, id) = mounted(false);
        let (_other, ..) = mounted(false);
        let Ok(HostFsReply::Opened { handle, .. }) = mounts.answer(id, open("file", OpenFlags::READ)) else {
            panic!()
        };
        assert_eq!(mounts.answer(MountId(99), HostFsRequest::StatHandle { handle }), Err(Errno::Enodev));
        mounts.close("/m");
        assert_eq!(mounts.answer(id, HostFsRequest::StatHandle { handle }), Err(Errno::Enodev));
    }
}
