//! A directory, open: in memory, in `/proc` or on the host. Its entries are read by the filesystem, which decides about
//! that anew each time.

use std::sync::Arc;

use super::{File, Written};
use crate::fs::Filesystem;
use crate::fs::walk::Node;
use crate::{Errno, FileKind, FileStatus};

/// See the module.
pub(crate) struct Directory {
    node: Node,
    fs: Arc<Filesystem>,
}

impl Directory {
    pub(crate) fn new(fs: &Arc<Filesystem>, node: Node) -> Arc<Directory> {
        Arc::new(Directory { node, fs: fs.clone() })
    }
}

impl File for Directory {
    fn kind(&self) -> FileKind {
        FileKind::Directory
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        match &self.node {
            Node::Memory(inode) => Ok(inode.status(&self.fs)),
            Node::Host(host) => host.status(true),
            Node::Proc(node) => Ok(node.status(&self.fs)),
            Node::Open(_) => Err(Errno::Enotdir),
        }
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize, Errno> {
        Err(Errno::Eisdir)
    }

    fn write_at(&self, _: &[u8], _: u64, _: bool) -> Result<Written, Errno> {
        Err(Errno::Ebadf)
    }

    fn can_reopen(&self) -> bool {
        false
    }

    fn node(&self) -> Option<Node> {
        Some(self.node.clone())
    }

    /// None once it was removed.
    fn path(&self, _: Option<&str>) -> Option<String> {
        self.fs.path_of_node(&self.node).ok()
    }
}
