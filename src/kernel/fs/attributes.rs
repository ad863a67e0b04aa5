//! What is known of files, and changing it: status, mode, times, length, and what paths and links lead to.

use super::access::FsOperation::{self, Read, SetAttributes, Stat, Write};
use super::inode::Inode;
use super::mount::HostPath;
use super::walk::{Found, Node};
use super::{At, Caller, Filesystem};
use crate::{Errno, FileKind, FileStatus, FileTimes, HostFsRequest, OpenFile, Symlinks};

impl Filesystem {
    /// Finds a path and decides `ops` about it, unless it lies beneath a host mount. What was found is what was
    /// decided about, whatever happens to the path afterwards.
    fn find(
        &self,
        caller: &Caller<'_>,
        at: &At<'_>,
        symlinks: Symlinks,
        ops: &[FsOperation],
    ) -> Result<Found, Errno> {
        // Declared before the lock: what was found may be something open, not to be closed under it.
        let found;
        let _tree = self.tree.read();
        found = self.walk(caller, at, symlinks, ops)?;
        if !matches!(found.node, Node::Host(_)) {
            self.access.decide(caller, ops, &found.path)?;
        }
        Ok(found)
    }

    /// Decides about a place beneath a host mount. A slash after the path makes the host look whether it is a
    /// directory.
    fn admit(
        &self,
        caller: &Caller<'_>,
        ops: &[FsOperation],
        (host, path, slash): (HostPath, String, bool),
        symlinks: Symlinks,
    ) -> Result<HostPath, Errno> {
        let follow = slash || symlinks == Symlinks::Follow;
        let host = self.access.admit(caller, ops, host, &path, follow)?;
        if slash {
            host.check_directory()?;
        }
        Ok(host)
    }

    /// [`admit`](Self::admit) of a change to what is there: of what is not, that is told first.
    fn admit_change(
        &self,
        caller: &Caller<'_>,
        ops: &[FsOperation],
        (host, path, slash): (HostPath, String, bool),
        symlinks: Symlinks,
    ) -> Result<HostPath, Errno> {
        let follow = slash || symlinks == Symlinks::Follow;
        match self.admit(caller, ops, (host.clone(), path, slash), symlinks) {
            Err(Errno::Erofs) => Err(host.status(follow).err().unwrap_or(Errno::Erofs)),
            outcome => outcome,
        }
    }

    pub(crate) fn stat(
        &self,
        caller: &Caller<'_>,
        at: &At<'_>,
        symlinks: Symlinks,
    ) -> Result<FileStatus, Errno> {
        let found = self.find(caller, at, symlinks, &[Stat])?;
        let (host, slash) = match found.node {
            Node::Memory(inode) => return Ok(inode.status(self)),
            Node::Proc(node) => return Ok(node.status(self)),
            Node::Open(file) => return file.status(),
            Node::Host(host) => ((host, found.path, found.slash), found.slash),
        };
        let host = self.admit(caller, &[Stat], host, symlinks)?;
        host.status(slash || symlinks == Symlinks::Follow)
    }

    pub(crate) fn readlink(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<String, Errno> {
        let found = self.find(caller, at, Symlinks::NoFollow, &[Read])?;
        let host = match found.node {
            Node::Memory(inode) => {
                return match &inode.content {
                    super::inode::Content::Symlink { target, .. } => Ok(target.to_string()),
                    _ => Err(Errno::Einval),
                };
            }
            Node::Proc(node) => return node.readlink(self, caller),
            Node::Open(_) => return Err(Errno::Einval),
            Node::Host(host) => (host, found.path, found.slash),
        };
        self.admit(caller, &[Read], host, Symlinks::NoFollow)?.readlink()
    }

    pub(crate) fn realpath(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<String, Errno> {
        let found = self.find(caller, at, Symlinks::Follow, &[Stat])?;
        let host = match found.node {
            Node::Host(host) => (host, found.path, found.slash),
            _ => return Ok(found.path),
        };
        let host = self.admit(caller, &[Stat], host, Symlinks::Follow)?;
        let canonical = host.canonical(true)?;
        self.path_of_node(&Node::Host(canonical))
    }

    /// The directory at a path, to become somebody's current directory.
    pub(crate) fn directory(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<Node, Errno> {
        let found = self.find(caller, at, Symlinks::Follow, &[Stat])?;
        let host = match found.node {
            Node::Memory(ref inode) if inode.is_directory() => return Ok(found.node),
            Node::Proc(node) if node.is_directory() => return Ok(found.node),
            Node::Host(host) => (host, found.path, found.slash),
            _ => return Err(Errno::Enotdir),
        };
        let host = self.admit(caller, &[Stat], host, Symlinks::Follow)?;
        match host.status(true)?.kind {
            FileKind::Directory => Ok(Node::Host(host)),
            _ => Err(Errno::Enotdir),
        }
    }

    pub(crate) fn chmod(&self, caller: &Caller<'_>, at: &At<'_>, mode: u32) -> Result<(), Errno> {
        let found = self.find(caller, at, Symlinks::Follow, &[SetAttributes])?;
        self.set_mode(caller, found, mode)
    }

    pub(crate) fn fchmod(&self, caller: &Caller<'_>, file: &OpenFile, mode: u32) -> Result<(), Errno> {
        let found = self.found_open(caller, file)?;
        self.set_mode(caller, found, mode)
    }

    fn set_mode(&self, caller: &Caller<'_>, found: Found, mode: u32) -> Result<(), Errno> {
        let mode = mode & 0o7777;
        let on_host = |path, _| HostFsRequest::SetMode { path, mode };
        self.change(caller, found, Symlinks::Follow, |inode, now| inode.set_mode(mode, now), on_host)
    }

    pub(crate) fn utimens(
        &self,
        caller: &Caller<'_>,
        at: &At<'_>,
        times: FileTimes,
        symlinks: Symlinks,
    ) -> Result<(), Errno> {
        let found = self.find(caller, at, symlinks, &[SetAttributes])?;
        self.set_times(caller, found, times, symlinks)
    }

    pub(crate) fn futimens(
        &self,
        caller: &Caller<'_>,
        file: &OpenFile,
        times: FileTimes,
    ) -> Result<(), Errno> {
        let found = self.found_open(caller, file)?;
        self.set_times(caller, found, times, Symlinks::Follow)
    }

    fn set_times(
        &self,
        caller: &Caller<'_>,
        found: Found,
        times: FileTimes,
        symlinks: Symlinks,
    ) -> Result<(), Errno> {
        let FileTimes { accessed, modified } = times;
        let on_host = |path, follow| HostFsRequest::SetTimes { path, accessed, modified, follow };
        self.change(caller, found, symlinks, |inode, now| inode.set_times(times, now), on_host)
    }

    /// Changes attributes of what was found: of an inode, at the present time, or by what is asked of the host, which
    /// is told whether a link is followed.
    fn change(
        &self,
        caller: &Caller<'_>,
        found: Found,
        symlinks: Symlinks,
        in_memory: impl FnOnce(&Inode, u64),
        on_host: impl FnOnce(String, bool) -> HostFsRequest,
    ) -> Result<(), Errno> {
        let inode = match found.node {
            Node::Memory(inode) if is_protected(&inode) => return Err(Errno::Eperm),
            Node::Memory(inode) => inode,
            Node::Open(file) => file.inode().ok_or(Errno::Einval)?,
            Node::Proc(_) => return Err(Errno::Eperm),
            Node::Host(host) => {
                let follow = found.slash || symlinks == Symlinks::Follow;
                let host = (host, found.path, found.slash);
                let host = self.admit_change(caller, &[SetAttributes], host, symlinks)?;
                return host.perform(on_host(host.relative.clone(), follow));
            }
        };
        in_memory(&inode, self.file_time());
        self.watches.changed(&inode);
        Ok(())
    }

    /// What an open file is, for changing its attributes: decided on the path it was opened at.
    fn found_open(&self, caller: &Caller<'_>, file: &OpenFile) -> Result<Found, Errno> {
        let _tree = self.tree.read();
        let (node, path) = match (file.place(self)?, file.inode()) {
            (Some(place), _) => place,
            // A nameless file is its holder's own.
            (None, Some(inode)) => {
                return Ok(Found { node: Node::Memory(inode), path: String::new(), slash: false });
            }
            (None, None) => return Err(Errno::Einval),
        };
        if !matches!(node, Node::Host(_)) {
            self.access.decide(caller, &[SetAttributes], &path)?;
        }
        Ok(Found { node, path, slash: false })
    }

    pub(crate) fn truncate(&self, caller: &Caller<'_>, at: &At<'_>, size: u64) -> Result<(), Errno> {
        let found = self.find(caller, at, Symlinks::Follow, &[Write])?;
        let host = match found.node {
            Node::Memory(inode) => {
                let Some(file) = inode.file() else {
                    return Err(if inode.is_directory() { Errno::Eisdir } else { Errno::Einval });
                };
                if file.program.is_some() {
                    return Err(Errno::Etxtbsy);
                }
                if !inode.permits(2) {
                    return Err(Errno::Eacces);
                }
                file.data.write().truncate(size)?;
                inode.touch(self.file_time());
                self.watches.changed(&inode);
                return Ok(());
            }
            Node::Proc(node) if node.is_directory() => return Err(Errno::Eisdir),
            Node::Proc(_) => return Err(Errno::Eacces),
            Node::Open(file) => return file.truncate(size),
            Node::Host(host) => (host, found.path, found.slash),
        };
        let host = self.admit_change(caller, &[Write], host, Symlinks::Follow)?;
        host.perform(HostFsRequest::Truncate { path: host.relative.clone(), size })
    }
}

/// Devices and the directory that holds them are as they are.
fn is_protected(inode: &super::inode::Inode) -> bool {
    match &inode.content {
        super::inode::Content::Device(_) => true,
        super::inode::Content::Directory(directory) => directory.sealed,
        _ => false,
    }
}
