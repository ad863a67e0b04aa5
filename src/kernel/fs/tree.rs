//! Whole trees at once: making all directories of a path, removing a directory with everything in it.
//!
//! Both go from one directory that was found to the next, never back to a path: what others rename or exchange for a link
//! meanwhile leads nowhere else. Each step decides access as the same step of anybody does.

use std::sync::Arc;

use super::access::FsOperation::Remove;
use super::inode::Inode;
use super::walk::{Last, Node};
use super::{At, Caller, Filesystem, PATH_MAX};
use crate::{Errno, FileKind};

/// A directory in memory that is being emptied.
struct Emptying {
    directory: Arc<Inode>,
    /// Where it lies and its name there.
    parent: Arc<Inode>,
    name: String,
    /// Names in it that were not looked at yet.
    names: Vec<String>,
}

impl Filesystem {
    /// Makes a directory and those above it that are not there. Nothing is made if the path is too long as it is.
    pub(crate) fn make_tree(&self, caller: &Caller<'_>, at: &At<'_>, mode: u32) -> Result<(), Errno> {
        if at.path.is_empty() {
            return Err(Errno::Enoent);
        }
        if at.path.len() >= PATH_MAX {
            return Err(Errno::Enametoolong);
        }
        let mut here = if at.path.starts_with('/') { self.root() } else { at.start.clone() };
        for part in at.path.split('/').filter(|part| !part.is_empty()) {
            let step = At { start: here, path: part };
            let made = self.mkdir(caller, &step, mode);
            here = match (self.directory(caller, &step), made) {
                // The root and mounts that may only be read are there already.
                (Ok(directory), Ok(()) | Err(Errno::Eexist | Errno::Erofs)) => directory,
                (Err(Errno::Enotdir), Err(Errno::Eexist)) => return Err(Errno::Eexist),
                (Err(errno), Ok(()) | Err(Errno::Eexist)) => return Err(errno),
                (_, Err(errno)) => return Err(errno),
            };
        }
        Ok(())
    }

    /// Removes whatever has that name, a directory with all that is in it. A link is removed, never followed; `EBUSY`
    /// where a mount lies, of which nothing is removed.
    pub(crate) fn remove_tree(&self, caller: &Caller<'_>, at: &At<'_>) -> Result<(), Errno> {
        let slot = {
            let _tree = self.tree.read();
            self.slot(caller, at, &[Remove])?
        };
        let Last::Name(name) = &slot.last else { return self.rmdir(caller, at) };
        match &slot.directory {
            Node::Memory(parent) => match self.child_directory(parent, name) {
                Some(directory) => self.remove_in_memory(caller, parent, name, directory),
                None => self.unlink(caller, at),
            },
            Node::Host(parent) => {
                let host = parent.child(name);
                if host.holds_mounts() || host.relative.is_empty() {
                    return Err(Errno::Ebusy);
                }
                if host.status(false)?.kind != FileKind::Directory {
                    return self.unlink(caller, at);
                }
                let host = self.access.admit(caller, &[Remove], host, &slot.path(name), false)?;
                host.remove_tree()
            }
            Node::Proc(_) | Node::Open(_) => self.rmdir(caller, at),
        }
    }

    fn child_directory(&self, parent: &Arc<Inode>, name: &str) -> Option<Arc<Inode>> {
        let _tree = self.tree.read();
        parent.directory()?.lookup(name).filter(|child| child.is_directory())
    }

    /// The names are noted when a directory is entered: whoever goes on making new ones does not keep this from ending,
    /// but has the directory refused as not empty.
    fn remove_in_memory(
        &self,
        caller: &Caller<'_>,
        parent: &Arc<Inode>,
        name: &str,
        directory: Arc<Inode>,
    ) -> Result<(), Errno> {
        let enter = |parent: &Arc<Inode>, name: String, directory: Arc<Inode>| {
            if directory.directory().is_some_and(|content| content.mounted().is_some()) {
                return Err(Errno::Ebusy);
            }
            let names = match self.entries(caller, &Node::Memory(directory.clone())) {
                Ok(entries) => entries.into_iter().rev().map(|entry| entry.name).collect(),
                // It is no longer anywhere.
                Err(Errno::Enoent) => Vec::new(),
                Err(errno) => return Err(errno),
            };
            Ok(Emptying { directory, parent: parent.clone(), name, names })
        };
        // As deep as directories in memory are, which the longest path bounds.
        let mut stack = vec![enter(parent, name.to_owned(), directory)?];
        while let Some(top) = stack.last_mut() {
            let Some(name) = top.names.pop() else {
                let at = At { start: Node::Memory(top.parent.clone()), path: &top.name };
                gone(self.rmdir(caller, &at))?;
                stack.pop();
                continue;
            };
            match self.child_directory(&top.directory, &name) {
                Some(child) => {
                    let next = enter(&top.directory, name, child)?;
                    stack.push(next);
                }
                None => {
                    let at = At { start: Node::Memory(top.directory.clone()), path: &name };
                    gone(self.unlink(caller, &at))?;
                }
            }
        }
        Ok(())
    }
}

/// What somebody else has removed is removed.
fn gone(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::Enoent) => Ok(()),
        outcome => outcome,
    }
}
