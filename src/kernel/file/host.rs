//! A file of a host directory, open: there by a handle, here with the place it had when it was opened.

use std::sync::Arc;

use super::{File, Written};
use crate::fs::mount::{HostFile, HostPath};
use crate::fs::sparse::FILE_SIZE_MAX;
use crate::fs::walk::Node;
use crate::{Errno, FileKind, FileStatus};

/// See the module.
pub(crate) struct Host {
    file: HostFile,
    place: HostPath,
}

impl Host {
    pub(crate) fn new(file: HostFile, place: HostPath) -> Arc<Host> {
        Arc::new(Host { file, place })
    }
}

impl File for Host {
    fn kind(&self) -> FileKind {
        FileKind::Regular
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        self.file.status()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.file.read(offset, buffer)
    }

    fn write_at(&self, bytes: &[u8], offset: u64, append: bool) -> Result<Written, Errno> {
        if !append {
            return Ok(Written::at(offset, self.file.write(Some(offset), bytes)?));
        }
        let length = self.file.write(None, bytes)?;
        // Only the host knows where the end was. If it does not say, what was written is written all the same.
        match self.file.status() {
            Ok(status) => Ok(Written { length, end: status.size }),
            Err(_) => Ok(Written::at(offset, length)),
        }
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        if size > FILE_SIZE_MAX { Err(Errno::Efbig) } else { self.file.truncate(size) }
    }

    fn sync(&self) -> Result<(), Errno> {
        self.file.sync()
    }

    /// The handle was opened for one or the other.
    fn can_set_append(&self) -> bool {
        false
    }

    fn can_reopen(&self) -> bool {
        false
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Host(self.place.clone()))
    }
}
