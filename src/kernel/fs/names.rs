//! Making and taking away names: directories, links, unlink.

use std::sync::Arc;

use super::access::FsOperation::{self, Create, Link, Read, Remove, Write};
use super::inode::{Content, Directory, Inode};
use super::mount::HostPath;
use super::open::check_may_change;
use super::walk::{Last, Node, Slot};
use super::{At, Caller, DIRECTORY_PATH_MAX, Filesystem, LINKS_MAX, PATH_MAX};
use crate::file::fifo::Fifo;
use crate::limits::Share;
use crate::{Errno, FileKind, HostFsRequest, Symlinks};

/// A name that is about to be made or taken away.
pub(super) enum Name {
    Memory {
        directory: Arc<Inode>,
        name: String,
        path: String,
        /// What has that name.
        child: Option<Arc<Inode>>,
        slash: bool,
    },
    Host {
        host: HostPath,
        path: String,
        slash: bool,
    },
}

impl Filesystem {
    /// Where a new name is to be made. Access is decided for names in memory, not yet for those on a host.
    fn new_name(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<Name, Errno> {
        let slot = self.slot(caller, at, &[Create])?;
        let Last::Name(_) = &slot.last else {
            self.access.decide(caller, &[FsOperation::Stat], &slot.directory_path)?;
            return Err(Errno::Eexist);
        };
        match self.name(caller, slot, &[Create])? {
            Name::Memory { child: Some(_), .. } => Err(Errno::Eexist),
            name => Ok(name),
        }
    }

    /// The name that a slot means, access decided for names in memory.
    pub(super) fn name(&self, caller: &Caller<'_>, slot: Slot, ops: &[FsOperation]) -> Result<Name, Errno> {
        let Last::Name(name) = &slot.last else { return Err(Errno::Einval) };
        let (path, slash) = (slot.path(name), slot.slash);
        match &slot.directory {
            Node::Memory(directory) => {
                self.access.decide(caller, ops, &path)?;
                let child = directory.directory().and_then(|d| d.lookup(name));
                Ok(Name::Memory { directory: directory.clone(), name: name.clone(), path, child, slash })
            }
            Node::Host(host) => Ok(Name::Host { host: host.child(name), path, slash }),
            Node::Proc(node) => {
                self.access.decide(caller, ops, &path)?;
                // Nothing in `/proc` can be made or taken away.
                let there = node.child(self, name).is_some();
                let making = ops.contains(&Create);
                Err(match (there, making) {
                    (true, true) => Errno::Eexist,
                    (true, false) => Errno::Eperm,
                    (false, _) => Errno::Enoent,
                })
            }
            Node::Open(_) => Err(Errno::Enotdir),
        }
    }

    /// Enters a new inode under a new name.
    fn enter(&self, directory: &Arc<Inode>, name: &str, content: Content, mode: u32) -> Result<(), Errno> {
        check_may_change(directory)?;
        let inode = self.new_inode(content, mode)?;
        self.attach(directory, name, inode)
    }

    pub(crate) fn mkdir(&self, caller: &Caller<'_>, at: &At<'_>, mode: u32) -> Result<(), Errno> {
        let mode = mode & !caller.umask & 0o1777;
        let (host, path) = {
            let _tree = self.tree.write();
            match self.new_name(caller, at)? {
                Name::Memory { directory, name, path, .. } => {
                    if path.len() > DIRECTORY_PATH_MAX {
                        return Err(Errno::Enametoolong);
                    }
                    return self.enter(&directory, &name, Content::Directory(Directory::default()), mode);
                }
                Name::Host { host, path, .. } => (host, path),
            }
        };
        if host.relative.is_empty() {
            return Err(Errno::Eexist);
        }
        let host = self.admit_new(caller, host, &path)?;
        host.perform(HostFsRequest::Mkdir { path: host.relative.clone(), mode })
    }

    /// A named pipe; `EPERM` beneath a mount.
    pub(crate) fn mkfifo(&self, caller: &Caller<'_>, at: &At<'_>, mode: u32) -> Result<(), Errno> {
        let mode = mode & !caller.umask & 0o777;
        let (host, path) = {
            let _tree = self.tree.write();
            match self.new_name(caller, at)? {
                Name::Memory { slash: true, .. } => return Err(Errno::Enoent),
                Name::Memory { directory, name, .. } => {
                    return self.enter(&directory, &name, Content::Fifo(Fifo::default()), mode);
                }
                Name::Host { host, path, .. } => (host, path),
            }
        };
        if host.relative.is_empty() {
            return Err(Errno::Eexist);
        }
        self.admit_new(caller, host, &path)?;
        Err(Errno::Eperm)
    }

    pub(crate) fn symlink(&self, caller: &Caller<'_>, target: &str, at: &At<'_>) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::Enoent);
        }
        if target.len() >= PATH_MAX {
            return Err(Errno::Enametoolong);
        }
        if target.contains('\0') {
            return Err(Errno::Einval);
        }
        let (host, path, slash) = {
            let _tree = self.tree.write();
            match self.new_name(caller, at)? {
                Name::Memory { slash: true, .. } => {
                    return Err(Errno::Enoent);
                }
                Name::Memory { directory, name, .. } => {
                    let share = Share::take(&self.bytes, target.len() as u64).ok_or(Errno::Enospc)?;
                    let content = Content::Symlink { target: target.into(), _share: Some(share) };
                    return self.enter(&directory, &name, content, 0o777);
                }
                Name::Host { host, path, slash } => (host, path, slash),
            }
        };
        if host.relative.is_empty() {
            return Err(Errno::Eexist);
        }
        if slash {
            return Err(self.refuse_slash(caller, host, &path));
        }
        let host = self.admit_new(caller, host, &path)?;
        let mount = HostPath::root(host.mount.clone());
        if !self.access.uniform_below(caller, &self.path_of_node(&Node::Host(mount))?) {
            return Err(Errno::Eacces);
        }
        host.perform(HostFsRequest::Symlink { target: target.to_owned(), path: host.relative.clone() })
    }

    pub(crate) fn link(
        &self,
        caller: &Caller<'_>,
        existing: &At<'_>,
        symlinks: Symlinks,
        new: &At<'_>,
    ) -> Result<(), Errno> {
        const SOURCE: &[FsOperation] = &[Read, Write, Link];
        let ((from, from_path, from_slash), (to, to_path, to_slash)) = {
            // Declared before the lock: what was found may be something open, not to be closed under it.
            let found;
            let _tree = self.tree.write();
            found = self.walk(caller, existing, symlinks, SOURCE)?;
            match (&found.node, self.new_name(caller, new)) {
                (Node::Memory(inode), new) => {
                    self.access.decide(caller, SOURCE, &found.path)?;
                    self.check_program(caller, inode, &found.path)?;
                    return self.link_in_memory(inode, new?);
                }
                (Node::Host(from), Ok(Name::Host { host, path, slash })) => {
                    ((from.clone(), found.path, found.slash), (host, path, slash))
                }
                (Node::Proc(_) | Node::Open(_), Ok(_)) => {
                    self.access.decide(caller, SOURCE, &found.path)?;
                    return Err(Errno::Exdev);
                }
                (Node::Host(_), Ok(Name::Memory { .. })) => return Err(Errno::Exdev),
                (_, Err(errno)) => return Err(errno),
            }
        };
        if to.relative.is_empty() {
            return Err(Errno::Eexist);
        }
        let follow = from_slash || symlinks == Symlinks::Follow;
        let from = self.access.admit(caller, SOURCE, from, &from_path, follow)?;
        if from_slash {
            from.check_directory()?;
        }
        if to_slash {
            from.status(follow)?;
            return Err(self.refuse_slash(caller, to, &to_path));
        }
        let to = self.admit_new(caller, to, &to_path)?;
        if !Arc::ptr_eq(&from.mount, &to.mount) {
            return Err(Errno::Exdev);
        }
        // The protocol has no link that follows, so what a link leads to is named itself.
        let from = if follow { from.canonical(true)? } else { from };
        from.perform(HostFsRequest::Link { from: from.relative.clone(), to: to.relative })
    }

    fn link_in_memory(&self, inode: &Arc<Inode>, new: Name) -> Result<(), Errno> {
        let Name::Memory { directory, name, slash, .. } = new else { return Err(Errno::Exdev) };
        if slash {
            return Err(Errno::Enoent);
        }
        check_may_change(&directory)?;
        // A device under another name would leave the directory that protects it.
        if inode.is_directory() || matches!(inode.content, Content::Device(_)) {
            return Err(Errno::Eperm);
        }
        match inode.links() {
            0 => return Err(Errno::Enoent),
            LINKS_MAX.. => return Err(Errno::Emlink),
            _ => {}
        }
        self.attach(&directory, &name, inode.clone())?;
        inode.add_links(1, self.file_time());
        Ok(())
    }

    /// A program cannot be copied, so another name for it is the one way around a rule about executing it.
    pub(super) fn check_program(&self, caller: &Caller<'_>, inode: &Inode, path: &str) -> Result<(), Errno> {
        match inode.file() {
            Some(file) if file.program.is_some() => self.access.decide(caller, &[FsOperation::Execute], path),
            _ => Ok(()),
        }
    }

    pub(crate) fn unlink(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<(), Errno> {
        self.remove(caller, at, FileKind::Regular)
    }

    pub(crate) fn rmdir(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<(), Errno> {
        self.remove(caller, at, FileKind::Directory)
    }

    fn remove(&self, caller: &Caller<'_>, at: &At<'_>, kind: FileKind) -> Result<(), Errno> {
        let directory = kind == FileKind::Directory;
        // Declared before the lock, so that a large file is freed after it.
        let mut _gone = None;
        let (host, path, slash) = {
            let _tree = self.tree.write();
            let slot = self.slot(caller, at, &[Remove])?;
            match slot.last {
                Last::Name(_) => {}
                _ if !directory => return Err(Errno::Eisdir),
                Last::Dot => return Err(Errno::Einval),
                Last::DotDot => return Err(Errno::Enotempty),
                Last::Root => return Err(Errno::Ebusy),
            }
            match self.name(caller, slot, &[Remove])? {
                Name::Memory { directory: parent, name, child, slash, .. } => {
                    let child = child.ok_or(Errno::Enoent)?;
                    if directory {
                        check_rmdir(&parent, &child)?;
                    } else {
                        check_unlink(&parent, &child, slash)?;
                    }
                    _gone = self.detach(&parent, &name);
                    self.forget(&child);
                    return Ok(());
                }
                Name::Host { host, path, slash } => (host, path, slash),
            }
        };
        if host.relative.is_empty() {
            // The root of a mount.
            return Err(if directory { Errno::Ebusy } else { Errno::Eisdir });
        }
        let host = self.access.admit(caller, &[Remove], host, &path, false)?;
        if host.holds_mounts() {
            return Err(Errno::Ebusy);
        }
        let relative = host.relative.clone();
        if directory {
            return host.perform(HostFsRequest::Rmdir { path: relative });
        }
        if slash {
            let is_directory = host.status(false)?.kind == FileKind::Directory;
            return Err(if is_directory { Errno::Eisdir } else { Errno::Enotdir });
        }
        host.perform(HostFsRequest::Unlink { path: relative })
    }

    /// Notes on an inode that one of its names is gone.
    pub(super) fn forget(&self, inode: &Arc<Inode>) {
        let now = self.file_time();
        match inode.directory() {
            Some(directory) => {
                directory.state.write().removed = true;
                inode.add_links(-2, now);
            }
            None => inode.add_links(-1, now),
        }
    }

    /// Why a name beneath a host mount that ends in a slash cannot be given to anything but a directory.
    fn refuse_slash(&self, caller: &Caller<'_>, host: HostPath, path: &str) -> Errno {
        match self.access.admit(caller, &[Create], host, path, false) {
            Ok(host) if host.status(false).is_ok() => Errno::Eexist,
            Ok(host) => {
                host.parent().and_then(|parent| parent.check_directory().err()).unwrap_or(Errno::Enoent)
            }
            Err(errno) => errno,
        }
    }

    /// Decides about a new name beneath a host mount.
    fn admit_new(&self, caller: &Caller<'_>, host: HostPath, path: &str) -> Result<HostPath, Errno> {
        match self.access.admit(caller, &[Create], host.clone(), path, false) {
            // What is there already is there, read-only or not.
            Err(Errno::Erofs) if host.status(false).is_ok() => Err(Errno::Eexist),
            outcome => outcome,
        }
    }
}

fn check_rmdir(parent: &Arc<Inode>, child: &Arc<Inode>) -> Result<(), Errno> {
    check_may_change(parent)?;
    let directory = child.directory().ok_or(Errno::Enotdir)?;
    if directory.mounted().is_some() || directory.sealed {
        return Err(Errno::Ebusy);
    }
    if directory.is_empty() { Ok(()) } else { Err(Errno::Enotempty) }
}

fn check_unlink(parent: &Arc<Inode>, child: &Arc<Inode>, slash: bool) -> Result<(), Errno> {
    match (child.is_directory(), slash) {
        (true, true) => return Err(Errno::Eisdir),
        (false, true) => return Err(Errno::Enotdir),
        _ => {}
    }
    check_may_change(parent)?;
    if child.is_directory() { Err(Errno::Eisdir) } else { Ok(()) }
}
