//! Open file descriptions: what a descriptor refers to.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{DirectoryEntry, Errno, FileKind, FileStatus, Whence};

/// Something outside the filesystem that processes read from or write to: the VM's standard streams, a capture of
/// output. The implementer buffers within its own bound.
pub trait Stream: Send + Sync {
    /// Reads at least one byte, or none at the end.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Errno>>;
    /// Writes at least one byte of a non-empty buffer.
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>>;
    /// Ready once `poll_read` would be.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Ready once `poll_write` would be.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// Whether it is a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// An open file description: shared by every descriptor that was duplicated or inherited from the one that opened it.
pub struct OpenFile {
    _private: (),
}

impl OpenFile {
    /// A description of something that the kernel does not own.
    pub fn from_stream(stream: Arc<dyn Stream>, readable: bool, writable: bool) -> Arc<OpenFile> {
        let _ = (stream, readable, writable);
        Arc::new(OpenFile { _private: () })
    }

    /// Reads into `buffer` at the file offset; 0 is the end of the file.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Errno>> {
        let _ = (cx, buffer);
        Poll::Ready(Err(Errno::Enosys))
    }

    /// Writes some of `bytes` at the file offset. `EPIPE` sends no signal: that is [`Process::poll_write`]'s part.
    ///
    /// [`Process::poll_write`]: super::Process::poll_write
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        let _ = (cx, bytes);
        Poll::Ready(Err(Errno::Enosys))
    }

    /// Ready once a read would not wait.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Ready once a write would not wait.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Reads at `offset` and leaves the file offset alone. `ESPIPE` for pipes.
    pub fn pread(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let _ = (buffer, offset);
        Err(Errno::Enosys)
    }

    /// Writes at `offset` (at the end if opened for appending) and leaves the file offset alone.
    pub fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        let _ = (bytes, offset);
        Err(Errno::Enosys)
    }

    /// Moves the file offset and returns it.
    pub fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let _ = (offset, whence);
        Err(Errno::Enosys)
    }

    /// Sets the length of a regular file.
    pub fn truncate(&self, size: u64) -> Result<(), Errno> {
        let _ = size;
        Err(Errno::Enosys)
    }

    /// What is known of the open file.
    pub fn status(&self) -> Result<FileStatus, Errno> {
        Err(Errno::Enosys)
    }

    /// Writes through to what lies beneath; nothing to do for files in memory.
    pub fn sync(&self) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }

    /// All entries of an open directory, sorted by name, without `.` and `..`.
    pub fn read_directory(&self) -> Result<Vec<DirectoryEntry>, Errno> {
        Err(Errno::Enosys)
    }

    /// What is open.
    pub fn kind(&self) -> FileKind {
        FileKind::Regular
    }

    /// Whether this is a terminal.
    pub fn is_terminal(&self) -> bool {
        false
    }

    /// Whether it may be read from.
    pub fn is_readable(&self) -> bool {
        false
    }

    /// Whether it may be written to.
    pub fn is_writable(&self) -> bool {
        false
    }

    /// Whether writes go to the end.
    pub fn append(&self) -> bool {
        false
    }

    /// Sets whether writes go to the end.
    pub fn set_append(&self, on: bool) {
        let _ = on;
    }

    /// Whether waiting reads and writes fail with `EAGAIN` instead.
    pub fn nonblocking(&self) -> bool {
        false
    }

    /// Sets whether waiting reads and writes fail with `EAGAIN` instead.
    pub fn set_nonblocking(&self, on: bool) {
        let _ = on;
    }

    /// The absolute path under which it was opened, for a directory in memory the one it has now; none for pipes and
    /// nameless files.
    pub fn path(&self) -> Option<String> {
        None
    }
}
