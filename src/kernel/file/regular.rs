//! A regular file in memory, open.

use std::sync::Arc;

use super::{File, Written};
use crate::fs::Filesystem;
use crate::fs::inode::{self, Inode};
use crate::fs::walk::Node;
use crate::{Errno, FileKind, FileStatus};

/// See the module.
pub(crate) struct Regular {
    inode: Arc<Inode>,
    /// Tells the time of changes.
    fs: Arc<Filesystem>,
}

impl Regular {
    pub(crate) fn new(fs: &Arc<Filesystem>, inode: Arc<Inode>) -> Arc<Regular> {
        Arc::new(Regular { inode, fs: fs.clone() })
    }

    fn contents(&self) -> Result<&inode::File, Errno> {
        self.inode.file().ok_or(Errno::Einval)
    }

    /// The contents changed.
    fn touch(&self) {
        self.inode.touch(self.fs.file_time());
        self.fs.watches.changed(&self.inode);
        self.fs.watches.wake();
    }
}

impl File for Regular {
    fn kind(&self) -> FileKind {
        FileKind::Regular
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(self.inode.status(&self.fs))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        Ok(self.contents()?.data.read().read(offset, buffer))
    }

    fn write_at(&self, bytes: &[u8], offset: u64, append: bool) -> Result<Written, Errno> {
        let written = {
            let mut data = self.contents()?.data.write();
            if append {
                data.append(bytes).map(|length| Written { length, end: data.size() })
            } else {
                data.write(offset, bytes).map(|length| Written::at(offset, length))
            }
        }?;
        if written.length > 0 {
            self.touch();
        }
        Ok(written)
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        self.contents()?.data.write().truncate(size)?;
        self.touch();
        Ok(())
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Memory(self.inode.clone()))
    }
}
