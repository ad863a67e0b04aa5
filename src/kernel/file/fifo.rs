//! Named pipes: a pipe that is there while somebody has it open, and what is open of it.
//!
//! Who opens an end is to wait until there is the other ([`File::poll_opened`]); who does not wait then waits when it reads
//! or writes. See POSIX.1-2024, `open`.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::pipe::{Pipe, ReadEnd, WriteEnd};
use super::{File, without_position};
use crate::fs::Filesystem;
use crate::fs::inode::Inode;
use crate::fs::walk::Node;
use crate::limits::Meter;
use crate::{Errno, FileKind, FileStatus, OpenFlags};

/// What the inode of a named pipe holds: the pipe, while it is open anywhere.
#[derive(Default)]
pub(crate) struct Fifo(Mutex<Weak<Pipe>>);

impl Fifo {
    /// The ends that `flags` ask for. `ENXIO` where one would write, not wait, and nobody could read; `ENFILE` where the
    /// buffer does not fit into the VM's limit.
    fn open(
        &self,
        bytes: &Arc<Meter>,
        flags: OpenFlags,
    ) -> Result<(Option<ReadEnd>, Option<WriteEnd>), Errno> {
        let mut known = self.0.lock();
        let pipe = known.upgrade();
        let (reads, writes) = (flags.contains(OpenFlags::READ), flags.contains(OpenFlags::WRITE));
        let waits = !flags.contains(OpenFlags::NONBLOCK);
        if writes && !reads && !waits && !pipe.as_ref().is_some_and(|pipe| pipe.has_readers()) {
            return Err(Errno::Enxio);
        }
        let pipe = match pipe {
            Some(pipe) => pipe,
            None => {
                let pipe = Pipe::new(bytes, true).ok_or(Errno::Enfile)?;
                *known = Arc::downgrade(&pipe);
                pipe
            }
        };
        // Who has both ends waits for nobody.
        let waits = waits && !(reads && writes);
        Ok((reads.then(|| pipe.open_reader(waits)), writes.then(|| pipe.open_writer(waits))))
    }
}

/// A named pipe, open.
pub(crate) struct NamedPipe {
    reader: Option<ReadEnd>,
    writer: Option<WriteEnd>,
    inode: Arc<Inode>,
    fs: Arc<Filesystem>,
}

impl NamedPipe {
    pub(crate) fn open(
        fs: &Arc<Filesystem>,
        inode: &Arc<Inode>,
        fifo: &Fifo,
        flags: OpenFlags,
    ) -> Result<Arc<NamedPipe>, Errno> {
        let (reader, writer) = fifo.open(&fs.pipe_bytes, flags)?;
        Ok(Arc::new(NamedPipe { reader, writer, inode: inode.clone(), fs: fs.clone() }))
    }
}

impl File for NamedPipe {
    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(self.inode.status(&self.fs))
    }

    without_position!();

    fn poll_opened(&self, cx: &mut Context<'_>) -> Poll<()> {
        match (&self.reader, &self.writer) {
            (Some(reader), None) => reader.opened(cx),
            (None, Some(writer)) => writer.opened(cx),
            _ => Poll::Ready(()),
        }
    }

    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        _: &Mutex<u64>,
    ) -> Poll<Result<usize, Errno>> {
        match &self.reader {
            Some(reader) => reader.read(cx, buffer).map(Ok),
            None => Poll::Ready(Err(Errno::Ebadf)),
        }
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        _: &Mutex<u64>,
        _: bool,
    ) -> Poll<Result<usize, Errno>> {
        match &self.writer {
            Some(writer) => writer.write(cx, bytes),
            None => Poll::Ready(Err(Errno::Ebadf)),
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.as_ref().map_or(Poll::Ready(()), |reader| reader.readable(cx))
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.as_ref().map_or(Poll::Ready(()), |writer| writer.writable(cx))
    }

    fn node(&self) -> Option<Node> {
        Some(Node::Memory(self.inode.clone()))
    }
}
