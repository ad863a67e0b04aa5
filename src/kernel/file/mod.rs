//! What can be open: one file here for each kind, behind the trait [`File`].
//!
//! A [`File`] is what several open file descriptions may share; what belongs to one description alone (the offset, the
//! flags, the path it was opened at) is [`OpenFile`]'s. How things are opened and who may is decided by `fs`. Sockets are in
//! `net`.

pub(crate) mod device;
pub(crate) mod directory;
pub(crate) mod fifo;
pub(crate) mod host;
mod open_file;
pub(crate) mod pipe;
pub(crate) mod proc;
pub(crate) mod regular;
mod stream;
pub(crate) mod terminal;

use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

pub use self::open_file::OpenFile;
pub use self::stream::Stream;
use super::fs::walk::Node;
use super::net::Connection;
use super::{Errno, FileKind, FileStatus, Terminal, Whence};

/// Something that can be open. What is said here by default is true of a file that is read and written at an offset,
/// never waits, and has no place in the filesystem.
pub(crate) trait File: Send + Sync {
    /// What it is.
    fn kind(&self) -> FileKind;

    /// What is known of it.
    fn status(&self) -> Result<FileStatus, Errno>;

    /// Reads at `offset`; 0 is the end. `ESPIPE` where there are no offsets.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno>;

    /// Writes at `offset`, or with `append` at the end. `ESPIPE` where there are no offsets.
    fn write_at(&self, bytes: &[u8], offset: u64, append: bool) -> Result<Written, Errno>;

    /// Reads at the offset of a description and moves that. The lock is held meanwhile, so that sharers of a description
    /// do not get the same bytes.
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        offset: &Mutex<u64>,
    ) -> Poll<Result<usize, Errno>> {
        let _ = cx;
        let mut offset = offset.lock();
        let outcome = self.read_at(buffer, *offset);
        if let Ok(length) = outcome {
            *offset += length as u64;
        }
        Poll::Ready(outcome)
    }

    /// Writes at the offset of a description (with `append` at the end) and moves that. The lock is held meanwhile, so
    /// that sharers of a description do not overwrite each other.
    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        offset: &Mutex<u64>,
        append: bool,
    ) -> Poll<Result<usize, Errno>> {
        let _ = cx;
        let mut offset = offset.lock();
        let outcome = self.write_at(bytes, *offset, append);
        Poll::Ready(outcome.map(|written| {
            *offset = written.end;
            written.length
        }))
    }

    /// Ready once whoever has opened it may go on.
    fn poll_opened(&self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Ready once `poll_read` would be.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Ready once `poll_write` would be.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Moves the offset of a description and returns it.
    fn seek(&self, position: &Mutex<u64>, by: i64, whence: Whence) -> Result<u64, Errno> {
        let mut position = position.lock();
        let from = match whence {
            Whence::Start => 0,
            Whence::Current => *position,
            Whence::End => self.status()?.size,
        };
        let target = from.checked_add_signed(by).filter(|&target| target <= i64::MAX as u64);
        *position = target.ok_or(Errno::Einval)?;
        Ok(*position)
    }

    /// Whether it has offsets.
    fn is_seekable(&self) -> bool {
        true
    }

    /// Sets its length; `EINVAL` for what has none.
    fn truncate(&self, size: u64) -> Result<(), Errno> {
        let _ = size;
        Err(Errno::Einval)
    }

    /// Ends the writing half of something that has two.
    fn shut_down(&self) -> Result<(), Errno> {
        Err(Errno::Enotsup)
    }

    /// Writes through to what lies beneath.
    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// Whether this is a terminal.
    fn is_terminal(&self) -> bool {
        false
    }

    /// The terminal that this is, if it is one of the kernel's.
    fn terminal(&self) -> Option<&Arc<Terminal>> {
        None
    }

    /// The connection that this is an end of, if it is one.
    fn connection(&self) -> Option<&Connection> {
        None
    }

    /// Whether a description may change later if its writes go to the end.
    fn can_set_append(&self) -> bool {
        true
    }

    /// Whether another description of the same may be made without asking anybody, for what is opened through
    /// `/proc/self/fd`.
    fn can_reopen(&self) -> bool {
        true
    }

    /// Its place in the filesystem.
    fn node(&self) -> Option<Node> {
        None
    }

    /// The absolute path it has now, if that is known better than by `opened`, where it was opened.
    fn path(&self, opened: Option<&str>) -> Option<String> {
        opened.map(str::to_owned)
    }

    /// What `/proc/self/fd` shows for it, where it has neither a place nor a path.
    fn description(&self) -> String {
        "memory:[0]".to_owned()
    }
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes that were written.
    pub(crate) length: usize,
    /// The offset behind them.
    pub(crate) end: u64,
}

/// What all files have in common that bytes go through in their order: nothing of them is at a place, or kept.
macro_rules! without_position {
    () => {
        fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize, $crate::Errno> {
            Err($crate::Errno::Espipe)
        }

        fn write_at(&self, _: &[u8], _: u64, _: bool) -> Result<$crate::file::Written, $crate::Errno> {
            Err($crate::Errno::Espipe)
        }

        fn seek(&self, _: &parking_lot::Mutex<u64>, _: i64, _: $crate::Whence) -> Result<u64, $crate::Errno> {
            Err($crate::Errno::Espipe)
        }

        fn is_seekable(&self) -> bool {
            false
        }

        fn sync(&self) -> Result<(), $crate::Errno> {
            Err($crate::Errno::Einval)
        }
    };
}
pub(crate) use without_position;

impl Written {
    pub(crate) fn at(offset: u64, length: usize) -> Written {
        Written { length, end: offset.saturating_add(length as u64) }
    }
}

/// The status of something that is in no filesystem.
pub(crate) fn anonymous(kind: FileKind, inode: u64, mode: u32) -> FileStatus {
    FileStatus {
        device: 3,
        inode,
        kind,
        mode,
        links: 1,
        size: 0,
        allocated: 0,
        accessed: 0,
        modified: 0,
        changed: 0,
    }
}
