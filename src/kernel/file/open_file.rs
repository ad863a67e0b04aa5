//! Open file descriptions: what a descriptor refers to.
//!
//! Owns the offset and the status flags, and what they mean for reading and writing. What is open is a [`File`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::device::Device;
use super::stream::StreamFile;
use super::{File, Stream, pipe};
use crate::fs::Filesystem;
use crate::fs::inode::Inode;
use crate::fs::walk::Node;
use crate::limits::Share;
use crate::net::Connection;
use crate::{Errno, FileKind, FileStatus, HOST_TRANSFER_MAX, OpenFlags, Terminal, Whence};

/// An open file description: shared by every descriptor that was duplicated or inherited from the one that opened it.
/// The last one who drops it closes it.
pub struct OpenFile {
    file: Arc<dyn File>,
    readable: bool,
    writable: bool,
    append: AtomicBool,
    nonblocking: AtomicBool,
    /// This is the one lock that is held while the host is asked; only other users of this description wait for it.
    offset: Mutex<u64>,
    /// Where it was opened; none for what has no path.
    path: Option<String>,
    _share: Option<Share>,
}

/// A place among the VM's open files, taken before something is opened that cannot be taken back.
pub(crate) struct Room(Share);

impl OpenFile {
    pub(crate) fn room(fs: &Filesystem) -> Result<Room, Errno> {
        Share::take(&fs.open_files, 1).map(Room).ok_or(Errno::Enfile)
    }

    pub(crate) fn new(
        fs: &Filesystem,
        file: Arc<dyn File>,
        flags: OpenFlags,
        path: Option<String>,
    ) -> Result<Arc<OpenFile>, Errno> {
        Ok(OpenFile::in_room(OpenFile::room(fs)?, file, flags, path))
    }

    pub(crate) fn in_room(
        room: Room,
        file: Arc<dyn File>,
        flags: OpenFlags,
        path: Option<String>,
    ) -> Arc<OpenFile> {
        let Room(share) = room;
        Arc::new(OpenFile::make(file, flags, path, Some(share)))
    }

    fn make(file: Arc<dyn File>, flags: OpenFlags, path: Option<String>, share: Option<Share>) -> OpenFile {
        OpenFile {
            file,
            readable: flags.contains(OpenFlags::READ),
            writable: flags.contains(OpenFlags::WRITE),
            append: AtomicBool::new(flags.contains(OpenFlags::APPEND)),
            nonblocking: AtomicBool::new(flags.contains(OpenFlags::NONBLOCK)),
            offset: Mutex::new(0),
            path,
            _share: share,
        }
    }

    /// A description of something that the kernel does not own. Not counted among the VM's open files.
    pub fn from_stream(stream: Arc<dyn Stream>, readable: bool, writable: bool) -> Arc<OpenFile> {
        let mut flags = OpenFlags::empty();
        flags.set(OpenFlags::READ, readable);
        flags.set(OpenFlags::WRITE, writable);
        Arc::new(OpenFile::make(StreamFile::new(stream), flags, None, None))
    }

    /// A description of something that is counted among the VM's open files already.
    pub(crate) fn uncounted(file: Arc<dyn File>, flags: OpenFlags) -> Arc<OpenFile> {
        Arc::new(OpenFile::make(file, flags, None, None))
    }

    /// `/dev/null`, open for reading and writing. Not counted among the VM's open files.
    pub(crate) fn null(fs: &Filesystem) -> Arc<OpenFile> {
        let path = Some("/dev/null".to_owned());
        let file = Arc::new(Device::null(fs.random));
        Arc::new(OpenFile::make(file, OpenFlags::READ | OpenFlags::WRITE, path, None))
    }

    pub(crate) fn pipe(fs: &Filesystem) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
        let rooms = (OpenFile::room(fs)?, OpenFile::room(fs)?);
        let (reader, writer) = pipe::pipe(&fs.pipe_bytes).ok_or(Errno::Enfile)?;
        let reader = OpenFile::in_room(rooms.0, reader, OpenFlags::READ, None);
        let writer = OpenFile::in_room(rooms.1, writer, OpenFlags::WRITE, None);
        Ok((reader, writer))
    }

    /// Another description of the same thing, for what is opened through `/proc/self/fd` and has no path. It grants
    /// no more than this one does.
    pub(crate) fn reopen(&self, fs: &Filesystem, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        if flags.contains(OpenFlags::DIRECTORY) {
            return Err(Errno::Enotdir);
        }
        let reads = flags.contains(OpenFlags::READ);
        let writes = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
        if (reads && !self.readable) || (writes && !self.writable) {
            return Err(Errno::Eacces);
        }
        if !self.file.can_reopen() {
            return Err(Errno::Enxio);
        }
        let opened = OpenFile::new(fs, self.file.clone(), flags, self.path.clone())?;
        if flags.contains(OpenFlags::TRUNCATE) && self.kind() == FileKind::Regular {
            opened.truncate(0)?;
        }
        Ok(opened)
    }

    /// Ready once whoever has opened it may go on: for a named pipe, once there is the other end.
    pub fn poll_opened(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.file.poll_opened(cx)
    }

    /// Reads into `buffer` at the file offset; 0 is the end of the file.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Errno>> {
        if !self.readable {
            return Poll::Ready(Err(Errno::Ebadf));
        }
        let outcome = self.file.poll_read(cx, buffer, &self.offset);
        self.or_again(outcome)
    }

    /// Writes some of `bytes` at the file offset. `EPIPE` sends no signal: that is [`Process::poll_write`]'s part.
    ///
    /// [`Process::poll_write`]: crate::Process::poll_write
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        if !self.writable {
            return Poll::Ready(Err(Errno::Ebadf));
        }
        let outcome = self.file.poll_write(cx, bytes, &self.offset, self.append());
        self.or_again(outcome)
    }

    fn or_again(&self, outcome: Poll<Result<usize, Errno>>) -> Poll<Result<usize, Errno>> {
        match outcome {
            Poll::Pending if self.nonblocking() => Poll::Ready(Err(Errno::Eagain)),
            outcome => outcome,
        }
    }

    /// Ready once a read would not wait.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.file.poll_readable(cx)
    }

    /// Ready once a write would not wait.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.file.poll_writable(cx)
    }

    /// Reads at `offset` and leaves the file offset alone. `ESPIPE` for pipes.
    pub fn pread(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        if self.readable { self.file.read_at(buffer, offset) } else { Err(Errno::Ebadf) }
    }

    /// The contents of a regular file of at most `limit` bytes (`EFBIG`).
    pub(crate) fn read_whole(&self, limit: u64) -> Result<Vec<u8>, Errno> {
        let status = self.status()?;
        match status.kind {
            FileKind::Regular => {}
            FileKind::Directory => return Err(Errno::Eisdir),
            _ => return Err(Errno::Einval),
        }
        if status.size > limit {
            return Err(Errno::Efbig);
        }
        let mut bytes = Vec::new();
        let mut chunk = vec![0; (status.size as usize).saturating_add(1).clamp(512, HOST_TRANSFER_MAX)];
        loop {
            let count = self.pread(&mut chunk, bytes.len() as u64)?;
            if count == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&chunk[..count]);
            if bytes.len() as u64 > limit {
                return Err(Errno::Efbig);
            }
        }
    }

    /// Writes at `offset` (at the end if opened for appending) and leaves the file offset alone.
    pub fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        if !self.writable {
            return Err(Errno::Ebadf);
        }
        self.file.write_at(bytes, offset, self.append()).map(|written| written.length)
    }

    /// Moves the file offset and returns it.
    pub fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        self.file.seek(&self.offset, offset, whence)
    }

    /// Sets the length of a regular file.
    pub fn truncate(&self, size: u64) -> Result<(), Errno> {
        if self.writable { self.file.truncate(size) } else { Err(Errno::Einval) }
    }

    /// What is known of the open file.
    pub fn status(&self) -> Result<FileStatus, Errno> {
        self.file.status()
    }

    /// Ends the writing half of a socket; `ENOTSUP` for what has no halves.
    pub fn shut_down(&self) -> Result<(), Errno> {
        self.file.shut_down()
    }

    /// Writes through to what lies beneath; nothing to do for files in memory.
    pub fn sync(&self) -> Result<(), Errno> {
        self.file.sync()
    }

    /// What is open.
    pub fn kind(&self) -> FileKind {
        self.file.kind()
    }

    /// Whether this is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    /// The terminal that this is, if it is one of the kernel's.
    pub fn terminal(&self) -> Option<&Arc<Terminal>> {
        self.file.terminal()
    }

    /// The connection that this is an end of, if it is one.
    pub fn connection(&self) -> Option<&Connection> {
        self.file.connection()
    }

    /// Whether it can be read and written at an offset: neither a pipe nor a stream.
    pub fn is_seekable(&self) -> bool {
        self.file.is_seekable()
    }

    /// Whether it may be read from.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether it may be written to.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Whether writes go to the end.
    pub fn append(&self) -> bool {
        self.append.load(Relaxed)
    }

    /// Sets whether writes go to the end. For a file on the host that is settled when it is opened.
    pub fn set_append(&self, on: bool) {
        if self.file.can_set_append() {
            self.append.store(on, Relaxed);
        }
    }

    /// Whether waiting reads and writes fail with `EAGAIN` instead.
    pub fn nonblocking(&self) -> bool {
        self.nonblocking.load(Relaxed)
    }

    /// Sets whether waiting reads and writes fail with `EAGAIN` instead.
    pub fn set_nonblocking(&self, on: bool) {
        self.nonblocking.store(on, Relaxed);
    }

    /// The absolute path under which it was opened, for a directory the one it has now; none for pipes and nameless
    /// files, and once a directory was removed.
    pub fn path(&self) -> Option<String> {
        self.file.path(self.path.as_deref())
    }

    /// The directory that is open, to start relative paths at.
    pub(crate) fn directory(&self) -> Result<Node, Errno> {
        if self.kind() != FileKind::Directory {
            return Err(Errno::Enotdir);
        }
        self.file.node().ok_or(Errno::Enotdir)
    }

    /// The inode of a file in memory.
    pub(crate) fn inode(&self) -> Option<Arc<Inode>> {
        match self.file.node() {
            Some(Node::Memory(inode)) if !inode.is_directory() => Some(inode),
            _ => None,
        }
    }

    /// The place in the filesystem that is open, and the path that access to it is decided on; none for what has no
    /// path.
    pub(crate) fn place(&self, fs: &Filesystem) -> Result<Option<(Node, String)>, Errno> {
        let Some(node) = self.file.node() else { return Ok(None) };
        let path = match (&node, &self.path) {
            // It may have many names or none by now; decisions stay with the one it was opened by.
            (Node::Memory(inode), Some(path)) if !inode.is_directory() => path.clone(),
            (Node::Memory(inode), None) if !inode.is_directory() => return Ok(None),
            _ => fs.path_of_node(&node)?,
        };
        Ok(Some((node, path)))
    }

    /// What `/proc/self/fd` shows for something without a place in the filesystem.
    pub(crate) fn description(&self) -> String {
        self.path.clone().unwrap_or_else(|| self.file.description())
    }
}
