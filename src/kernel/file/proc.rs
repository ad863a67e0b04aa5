//! A text of `/proc`, open: computed when it was opened, the same until it is closed.

use std::sync::Arc;

use super::{File, Written};
use crate::fs::Filesystem;
use crate::limits::Share;
use crate::{Errno, FileKind, FileStatus};

/// See the module.
pub(crate) struct ProcText {
    text: Box<[u8]>,
    status: FileStatus,
    _share: Share,
}

impl ProcText {
    /// `ENOMEM` when the texts that are open take too much already.
    pub(crate) fn new(fs: &Filesystem, text: String, status: FileStatus) -> Result<Arc<ProcText>, Errno> {
        let text = byte_text::encode(&text);
        let share = Share::take(&fs.process_bytes, text.len() as u64).ok_or(Errno::Enomem)?;
        Ok(Arc::new(ProcText { text: text.into_owned().into(), status, _share: share }))
    }
}

impl File for ProcText {
    fn kind(&self) -> FileKind {
        FileKind::Regular
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(self.status)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.text.get(offset..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, _: &[u8], _: u64, _: bool) -> Result<Written, Errno> {
        Err(Errno::Ebadf)
    }
}
