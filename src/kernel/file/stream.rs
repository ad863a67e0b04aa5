//! Streams that live outside the kernel: the VM's standard streams, a capture of output.

use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::{File, anonymous, without_position};
use crate::{Errno, FileKind, FileStatus};

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

/// A [`Stream`], open.
pub(super) struct StreamFile(Arc<dyn Stream>);

impl StreamFile {
    pub(super) fn new(stream: Arc<dyn Stream>) -> Arc<StreamFile> {
        Arc::new(StreamFile(stream))
    }
}

impl File for StreamFile {
    fn kind(&self) -> FileKind {
        if self.0.is_terminal() { FileKind::CharacterDevice } else { FileKind::Fifo }
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous(self.kind(), 0, 0o600))
    }

    without_position!();

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        _: &Mutex<u64>,
    ) -> Poll<Result<usize, Errno>> {
        self.0.poll_read(cx, buffer)
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        _: &Mutex<u64>,
        _: bool,
    ) -> Poll<Result<usize, Errno>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_writable(cx)
    }

    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    fn description(&self) -> String {
        "stream:[0]".to_owned()
    }
}
