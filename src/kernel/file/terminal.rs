//! A terminal, open in a process. What goes through it, and who may when, is [`Terminal`]'s and its process's part.

use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::{File, anonymous, without_position};
use crate::fs::Filesystem;
use crate::{Errno, FileKind, FileStatus, OpenFile, OpenFlags, Terminal};

/// See the module.
pub(crate) struct TerminalFile(Arc<Terminal>);

impl TerminalFile {
    pub(crate) fn new(terminal: Arc<Terminal>) -> Arc<TerminalFile> {
        Arc::new(TerminalFile(terminal))
    }

    /// Opens it for reading and writing. It has no path: whoever is given it may use it, and `/dev/tty` is another way to it
    /// for the processes of its session alone.
    pub(crate) fn open(fs: &Filesystem, terminal: &Arc<Terminal>) -> Result<Arc<OpenFile>, Errno> {
        let flags = OpenFlags::READ | OpenFlags::WRITE;
        OpenFile::new(fs, TerminalFile::new(terminal.clone()), flags, None)
    }
}

impl File for TerminalFile {
    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous(FileKind::CharacterDevice, self.0.id(), 0o620))
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
        true
    }

    fn terminal(&self) -> Option<&Arc<Terminal>> {
        Some(&self.0)
    }

    fn description(&self) -> String {
        "/dev/tty".to_owned()
    }
}
