//! Renaming.

use std::sync::Arc;

use super::access::FsOperation::{self, Create, Read, Remove, Write};
use super::inode::Inode;
use super::mount::HostPath;
use super::names::Name;
use super::open::check_may_change;
use super::walk::{Last, Node};
use super::{At, Caller, DIRECTORY_PATH_MAX, Filesystem, entry_cost};
use crate::{Errno, FileKind, HostFsRequest};

/// What is asked of the old name: a file must not become more accessible by moving, as with hard links.
const SOURCE: &[FsOperation] = &[Read, Write, Remove];

impl Filesystem {
    pub(crate) fn rename(&self, caller: &Caller<'_>, from: &At<'_>, to: &At<'_>) -> Result<(), Errno> {
        // Declared before the lock, so that a large file that is replaced is freed after it.
        let mut _replaced = None;
        let (from, to) = {
            let _tree = self.tree.write();
            let old = self.slot(caller, from, SOURCE)?;
            let new = self.slot(caller, to, &[Create])?;
            if !same_filesystem(&old.directory, &new.directory) {
                return Err(Errno::Exdev);
            }
            if !matches!((&old.last, &new.last), (Last::Name(_), Last::Name(_))) {
                return Err(Errno::Ebusy);
            }
            match (self.name(caller, old, SOURCE)?, self.name(caller, new, &[Create])?) {
                (from @ Name::Memory { .. }, to @ Name::Memory { .. }) => {
                    _replaced = self.rename_in_memory(caller, from, to)?;
                    return Ok(());
                }
                (
                    Name::Host { host, path, slash },
                    Name::Host { host: to, path: to_path, slash: to_slash },
                ) => ((host, path, slash), (to, to_path, to_slash)),
                _ => return Err(Errno::Exdev),
            }
        };
        let (from, from_path, from_slash) = from;
        let (to, to_path, to_slash) = to;
        if from.relative.is_empty() || to.relative.is_empty() {
            return Err(Errno::Ebusy);
        }
        let from = self.access.admit(caller, SOURCE, from, &from_path, false)?;
        let to = self.access.admit(caller, &[Create], to, &to_path, false)?;
        let status = match from.status(false) {
            Ok(status) => status,
            Err(errno) => {
                check_parents(&from, &to)?;
                return Err(errno);
            }
        };
        if let Ok(target) = to.status(false) {
            self.access.admit(caller, &[Remove], to.clone(), &to_path, false)?;
            if target.kind == FileKind::Directory && status.kind == FileKind::Directory && to.holds_mounts() {
                return Err(Errno::Ebusy);
            }
        }
        if status.kind == FileKind::Directory {
            let (from_path, to_path) =
                (self.path_of_node(&Node::Host(from.clone()))?, self.path_of_node(&Node::Host(to.clone()))?);
            self.check_uniform(caller, &from_path, &to_path)?;
            if from.holds_mounts() {
                return Err(Errno::Ebusy);
            }
        } else if from_slash || to_slash {
            check_parents(&from, &to)?;
            return Err(Errno::Enotdir);
        }
        from.perform(HostFsRequest::Rename { from: from.relative.clone(), to: to.relative })
    }

    /// Returns what was replaced.
    fn rename_in_memory(
        &self,
        caller: &Caller<'_>,
        from: Name,
        to: Name,
    ) -> Result<Option<Arc<Inode>>, Errno> {
        let Name::Memory { directory: old_parent, name: old_name, path: old_path, child, slash } = from
        else {
            return Err(Errno::Exdev);
        };
        let Name::Memory {
            directory: new_parent,
            name: new_name,
            path: new_path,
            child: target,
            slash: new_slash,
        } = to
        else {
            return Err(Errno::Exdev);
        };
        let inode = child.ok_or(Errno::Enoent)?;
        self.check_program(caller, &inode, &old_path)?;
        if target.is_some() {
            self.access.decide(caller, &[Remove], &new_path)?;
        }
        if !inode.is_directory() && (slash || new_slash) {
            return Err(Errno::Enotdir);
        }
        if inode.is_directory() && is_within(&new_path, &old_path) && new_path != old_path {
            return Err(Errno::Einval);
        }
        if is_within(&old_path, &new_path) && new_path != old_path {
            return Err(Errno::Enotempty);
        }
        if target.as_ref().is_some_and(|target| Arc::ptr_eq(target, &inode)) {
            return Ok(None);
        }
        check_may_change(&old_parent)?;
        check_may_change(&new_parent)?;
        check_movable(&inode)?;
        if let Some(target) = &target {
            match (inode.is_directory(), target.directory()) {
                (true, None) => return Err(Errno::Enotdir),
                (false, Some(_)) => return Err(Errno::Eisdir),
                (_, Some(directory)) => {
                    check_movable(target)?;
                    if !directory.is_empty() {
                        return Err(Errno::Enotempty);
                    }
                }
                _ => {}
            }
        }
        if inode.is_directory() {
            self.check_uniform(caller, &old_path, &new_path)?;
            let longer = new_path.len() > old_path.len();
            if longer && new_path.len() + reach(&inode) > DIRECTORY_PATH_MAX {
                return Err(Errno::Enametoolong);
            }
        }
        // What is replaced gives its entry's cost to the one that replaces it: they have the same name.
        if target.is_none() && !self.bytes.take(entry_cost(&new_name)) {
            return Err(Errno::Enospc);
        }
        if let Some(target) = &target {
            self.bytes.force(entry_cost(&new_name));
            self.detach(&new_parent, &new_name);
            self.forget(target);
        }
        self.detach(&old_parent, &old_name);
        self.attach_paid(&new_parent, &new_name, inode.clone());
        inode.add_links(0, self.file_time());
        Ok(target)
    }

    /// A directory keeps what may be done with its contents only where no rule tells them apart.
    fn check_uniform(&self, caller: &Caller<'_>, from: &str, to: &str) -> Result<(), Errno> {
        let uniform = [from, to].iter().all(|path| self.access.uniform_below(caller, path));
        if uniform { Ok(()) } else { Err(Errno::Eacces) }
    }
}

fn same_filesystem(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Memory(_), Node::Memory(_)) | (Node::Proc(_), Node::Proc(_)) => true,
        (Node::Host(a), Node::Host(b)) => Arc::ptr_eq(&a.mount, &b.mount),
        _ => false,
    }
}

/// Whether `path` is `directory` or lies beneath it.
fn is_within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is wrong with the directories on a host is told before what is wrong with the names in them.
fn check_parents(from: &HostPath, to: &HostPath) -> Result<(), Errno> {
    [from.parent(), to.parent()].into_iter().flatten().try_for_each(|parent| parent.check_directory())
}

fn check_movable(inode: &Arc<Inode>) -> Result<(), Errno> {
    match inode.directory() {
        Some(directory) if directory.mounted().is_some() || directory.sealed => Err(Errno::Ebusy),
        _ => Ok(()),
    }
}

/// How much longer than the path of `inode` the longest path of a directory beneath it is.
fn reach(inode: &Arc<Inode>) -> usize {
    let mut longest = 0;
    let mut pending = vec![(inode.clone(), 0)];
    while let Some((inode, length)) = pending.pop() {
        longest = longest.max(length);
        let Some(directory) = inode.directory() else { continue };
        let state = directory.state.read();
        let children = state.entries.iter().filter(|(_, child)| child.is_directory());
        pending.extend(children.map(|(name, child)| (child.clone(), length + 1 + name.len())));
    }
    longest
}
