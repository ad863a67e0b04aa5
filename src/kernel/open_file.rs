//! Open file descriptions: what a descriptor refers to.
//!
//! Owns the file offset, the status flags and reading and writing of whatever is open. How things are opened and who
//! may is decided by `fs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use parking_lot::Mutex;

use super::device::Device;
use super::fs::Filesystem;
use super::fs::inode::Inode;
use super::fs::mount::{HostFile, HostPath};
use super::fs::sparse::FILE_SIZE_MAX;
use super::fs::walk::Node;
use super::limits::Share;
use super::pipe::{self, ReadEnd, WriteEnd};
use super::{Errno, FileKind, FileStatus, OpenFlags, Whence};

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
/// The last one who drops it closes it.
pub struct OpenFile {
    body: Body,
    readable: bool,
    writable: bool,
    append: AtomicBool,
    nonblocking: AtomicBool,
    /// Held while a read or write moves it, so that sharers of a description do not overwrite each other. This is the
    /// one lock that is held while the host is asked; only other users of this description wait for it.
    offset: Mutex<u64>,
    /// Where it was opened; none for what has no path.
    path: Option<String>,
    fs: Option<Arc<Filesystem>>,
    _share: Option<Share>,
}

/// What is open.
pub(crate) enum Body {
    File(Arc<Inode>),
    Directory(Node),
    Device(Device),
    PipeRead(ReadEnd),
    PipeWrite(WriteEnd),
    Text(Arc<Text>),
    Host(HostFile, HostPath),
    Stream(Arc<dyn Stream>),
}

/// A text of `/proc`, computed when it was opened.
pub(crate) struct Text {
    text: Box<str>,
    status: FileStatus,
    _share: Share,
}

impl Text {
    pub(crate) fn new(fs: &Filesystem, text: String, status: FileStatus) -> Result<Arc<Text>, Errno> {
        let share = Share::take(&fs.process_bytes, text.len() as u64).ok_or(Errno::Enomem)?;
        Ok(Arc::new(Text { text: text.into(), status, _share: share }))
    }
}

/// A place among the VM's open files, taken before something is opened that cannot be taken back.
pub(crate) struct Room(Share);

impl OpenFile {
    pub(crate) fn room(fs: &Filesystem) -> Result<Room, Errno> {
        Share::take(&fs.open_files, 1).map(Room).ok_or(Errno::Enfile)
    }

    pub(crate) fn new(
        fs: &Arc<Filesystem>,
        body: Body,
        flags: OpenFlags,
        path: Option<String>,
    ) -> Result<Arc<OpenFile>, Errno> {
        Ok(OpenFile::in_room(fs, OpenFile::room(fs)?, body, flags, path))
    }

    pub(crate) fn in_room(
        fs: &Arc<Filesystem>,
        room: Room,
        body: Body,
        flags: OpenFlags,
        path: Option<String>,
    ) -> Arc<OpenFile> {
        let Room(share) = room;
        Arc::new(OpenFile::make(body, flags, path, Some(fs.clone()), Some(share)))
    }

    fn make(
        body: Body,
        flags: OpenFlags,
        path: Option<String>,
        fs: Option<Arc<Filesystem>>,
        share: Option<Share>,
    ) -> OpenFile {
        OpenFile {
            body,
            readable: flags.contains(OpenFlags::READ),
            writable: flags.contains(OpenFlags::WRITE),
            append: AtomicBool::new(flags.contains(OpenFlags::APPEND)),
            nonblocking: AtomicBool::new(flags.contains(OpenFlags::NONBLOCK)),
            offset: Mutex::new(0),
            path,
            fs,
            _share: share,
        }
    }

    /// A description of something that the kernel does not own. Not counted among the VM's open files.
    pub fn from_stream(stream: Arc<dyn Stream>, readable: bool, writable: bool) -> Arc<OpenFile> {
        let mut flags = OpenFlags::empty();
        flags.set(OpenFlags::READ, readable);
        flags.set(OpenFlags::WRITE, writable);
        Arc::new(OpenFile::make(Body::Stream(stream), flags, None, None, None))
    }

    /// `/dev/null`, open for reading and writing. Not counted among the VM's open files.
    pub(crate) fn null(fs: &Arc<Filesystem>) -> Arc<OpenFile> {
        let path = Some("/dev/null".to_owned());
        let body = Body::Device(Device::Null);
        Arc::new(OpenFile::make(body, OpenFlags::READ | OpenFlags::WRITE, path, Some(fs.clone()), None))
    }

    pub(crate) fn pipe(fs: &Arc<Filesystem>) -> Result<(Arc<OpenFile>, Arc<OpenFile>), Errno> {
        let rooms = (OpenFile::room(fs)?, OpenFile::room(fs)?);
        let (reader, writer) = pipe::pipe(&fs.pipe_bytes).ok_or(Errno::Enfile)?;
        let reader = OpenFile::in_room(fs, rooms.0, Body::PipeRead(reader), OpenFlags::READ, None);
        let writer = OpenFile::in_room(fs, rooms.1, Body::PipeWrite(writer), OpenFlags::WRITE, None);
        Ok((reader, writer))
    }

    /// Another description of the same thing, for what is opened through `/proc/self/fd` and has no path. It grants
    /// no more than this one does.
    pub(crate) fn reopen(&self, fs: &Arc<Filesystem>, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
        if flags.contains(OpenFlags::DIRECTORY) {
            return Err(Errno::Enotdir);
        }
        let reads = flags.contains(OpenFlags::READ);
        let writes = flags.intersects(OpenFlags::WRITE | OpenFlags::TRUNCATE);
        if (reads && !self.readable) || (writes && !self.writable) {
            return Err(Errno::Eacces);
        }
        let body = match &self.body {
            Body::PipeRead(end) => Body::PipeRead(end.clone()),
            Body::PipeWrite(end) => Body::PipeWrite(end.clone()),
            Body::Stream(stream) => Body::Stream(stream.clone()),
            Body::Text(text) => Body::Text(text.clone()),
            Body::Device(device) => Body::Device(*device),
            Body::File(inode) => Body::File(inode.clone()),
            Body::Directory(_) | Body::Host(..) => return Err(Errno::Enxio),
        };
        let opened = OpenFile::new(fs, body, flags, self.path.clone())?;
        if flags.contains(OpenFlags::TRUNCATE) && matches!(opened.body, Body::File(_)) {
            opened.truncate(0)?;
        }
        Ok(opened)
    }

    /// Reads into `buffer` at the file offset; 0 is the end of the file.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Errno>> {
        if !self.readable {
            return Poll::Ready(Err(Errno::Ebadf));
        }
        let outcome = match &self.body {
            Body::PipeRead(end) => end.poll_read(cx, buffer).map(Ok),
            Body::Stream(stream) => stream.poll_read(cx, buffer),
            _ => {
                let mut offset = self.offset.lock();
                let outcome = self.read_at(buffer, *offset);
                if let Ok(length) = outcome {
                    *offset += length as u64;
                }
                Poll::Ready(outcome)
            }
        };
        self.or_again(outcome)
    }

    /// Writes some of `bytes` at the file offset. `EPIPE` sends no signal: that is [`Process::poll_write`]'s part.
    ///
    /// [`Process::poll_write`]: super::Process::poll_write
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Errno>> {
        if !self.writable {
            return Poll::Ready(Err(Errno::Ebadf));
        }
        let outcome = match &self.body {
            Body::PipeWrite(end) => end.poll_write(cx, bytes),
            Body::Stream(stream) => stream.poll_write(cx, bytes),
            _ => {
                let mut offset = self.offset.lock();
                let outcome = self.write_at(bytes, *offset);
                if let Ok((length, end)) = outcome {
                    *offset = end.unwrap_or(*offset + length as u64);
                }
                Poll::Ready(outcome.map(|(length, _)| length))
            }
        };
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
        match &self.body {
            Body::PipeRead(end) => end.poll_ready(cx),
            Body::Stream(stream) => stream.poll_readable(cx),
            _ => Poll::Ready(()),
        }
    }

    /// Ready once a write would not wait.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.body {
            Body::PipeWrite(end) => end.poll_ready(cx),
            Body::Stream(stream) => stream.poll_writable(cx),
            _ => Poll::Ready(()),
        }
    }

    /// Reads at `offset` and leaves the file offset alone. `ESPIPE` for pipes.
    pub fn pread(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        if !self.readable {
            return Err(Errno::Ebadf);
        }
        self.read_at(buffer, offset)
    }

    /// Writes at `offset` (at the end if opened for appending) and leaves the file offset alone.
    pub fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        if !self.writable {
            return Err(Errno::Ebadf);
        }
        self.write_at(bytes, offset).map(|(length, _)| length)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        match &self.body {
            Body::File(inode) => {
                let file = inode.file().ok_or(Errno::Einval)?;
                Ok(file.data.read().read(offset, buffer))
            }
            Body::Device(device) => device.read(buffer, self.fs.as_ref().ok_or(Errno::Enxio)?.random),
            Body::Text(text) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = text.text.as_bytes().get(offset..).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            }
            Body::Host(file, _) => file.read(offset, buffer),
            Body::Directory(_) => Err(Errno::Eisdir),
            Body::PipeRead(_) | Body::PipeWrite(_) | Body::Stream(_) => Err(Errno::Espipe),
        }
    }

    /// How much was written and, where that is known, the offset after it.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(usize, Option<u64>), Errno> {
        match &self.body {
            Body::File(inode) => {
                let file = inode.file().ok_or(Errno::Einval)?;
                let mut data = file.data.write();
                let outcome = if self.append() {
                    data.append(bytes).map(|length| (length, Some(data.size())))
                } else {
                    data.write(offset, bytes).map(|length| (length, None))
                };
                drop(data);
                if let (Ok((1.., _)), Some(fs)) = (&outcome, &self.fs) {
                    inode.touch(fs.clock.realtime());
                }
                outcome
            }
            Body::Device(device) => device.write(bytes).map(|length| (length, None)),
            Body::Host(file, _) if self.append() => {
                let length = file.write(None, bytes)?;
                Ok((length, file.status().ok().map(|status| status.size)))
            }
            Body::Host(file, _) => Ok((file.write(Some(offset), bytes)?, None)),
            Body::Directory(_) | Body::Text(..) => Err(Errno::Ebadf),
            Body::PipeRead(_) | Body::PipeWrite(_) | Body::Stream(_) => Err(Errno::Espipe),
        }
    }

    /// Moves the file offset and returns it.
    pub fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        match &self.body {
            Body::PipeRead(_) | Body::PipeWrite(_) | Body::Stream(_) => return Err(Errno::Espipe),
            Body::Device(_) => return Ok(0),
            _ => {}
        }
        let mut position = self.offset.lock();
        let from = match whence {
            Whence::Start => 0,
            Whence::Current => *position,
            Whence::End => self.status()?.size,
        };
        let target = from.checked_add_signed(offset).filter(|&target| target <= i64::MAX as u64);
        *position = target.ok_or(Errno::Einval)?;
        Ok(*position)
    }

    /// Sets the length of a regular file.
    pub fn truncate(&self, size: u64) -> Result<(), Errno> {
        if !self.writable {
            return Err(Errno::Einval);
        }
        match &self.body {
            Body::File(inode) => {
                let file = inode.file().ok_or(Errno::Einval)?;
                file.data.write().truncate(size)?;
                if let Some(fs) = &self.fs {
                    inode.touch(fs.clock.realtime());
                }
                Ok(())
            }
            Body::Host(..) if size > FILE_SIZE_MAX => Err(Errno::Efbig),
            Body::Host(file, _) => file.truncate(size),
            _ => Err(Errno::Einval),
        }
    }

    /// What is known of the open file.
    pub fn status(&self) -> Result<FileStatus, Errno> {
        match &self.body {
            Body::File(inode) | Body::Directory(Node::Memory(inode)) => Ok(inode.status()),
            Body::Directory(Node::Host(host)) => host.status(true),
            Body::Directory(Node::Proc(node)) => Ok(node.status(self.fs.as_ref().ok_or(Errno::Enoent)?)),
            Body::Directory(Node::Open(_)) => Err(Errno::Enotdir),
            Body::Host(file, _) => file.status(),
            Body::Text(text) => Ok(text.status),
            Body::Device(_) => Ok(anonymous(FileKind::CharacterDevice, 0, 0o666)),
            Body::PipeRead(end) => Ok(anonymous(FileKind::Fifo, end.id(), 0o600)),
            Body::PipeWrite(end) => Ok(anonymous(FileKind::Fifo, end.id(), 0o600)),
            Body::Stream(stream) if stream.is_terminal() => {
                Ok(anonymous(FileKind::CharacterDevice, 0, 0o600))
            }
            Body::Stream(_) => Ok(anonymous(FileKind::Fifo, 0, 0o600)),
        }
    }

    /// Writes through to what lies beneath; nothing to do for files in memory.
    pub fn sync(&self) -> Result<(), Errno> {
        match &self.body {
            Body::Host(file, _) => file.sync(),
            Body::PipeRead(_) | Body::PipeWrite(_) | Body::Stream(_) => Err(Errno::Einval),
            _ => Ok(()),
        }
    }

    /// What is open.
    pub fn kind(&self) -> FileKind {
        match &self.body {
            Body::File(_) | Body::Host(..) | Body::Text(..) => FileKind::Regular,
            Body::Directory(_) => FileKind::Directory,
            Body::Device(_) => FileKind::CharacterDevice,
            Body::PipeRead(_) | Body::PipeWrite(_) => FileKind::Fifo,
            Body::Stream(stream) if stream.is_terminal() => FileKind::CharacterDevice,
            Body::Stream(_) => FileKind::Fifo,
        }
    }

    /// Whether this is a terminal.
    pub fn is_terminal(&self) -> bool {
        matches!(&self.body, Body::Stream(stream) if stream.is_terminal())
    }

    /// Whether it can be read and written at an offset: neither a pipe nor a stream.
    pub fn is_seekable(&self) -> bool {
        !matches!(self.body, Body::PipeRead(_) | Body::PipeWrite(_) | Body::Stream(_))
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
        if !matches!(self.body, Body::Host(..)) {
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

    /// The absolute path under which it was opened, for a directory in memory the one it has now; none for pipes and
    /// nameless files, and once a directory was removed.
    pub fn path(&self) -> Option<String> {
        match (&self.body, &self.fs) {
            (Body::Directory(node), Some(fs)) => fs.path_of_node(node).ok(),
            _ => self.path.clone(),
        }
    }

    /// The directory that is open, to start relative paths at.
    pub(crate) fn directory(&self) -> Result<Node, Errno> {
        match &self.body {
            Body::Directory(node) => Ok(node.clone()),
            _ => Err(Errno::Enotdir),
        }
    }

    /// The inode of a file in memory.
    pub(crate) fn inode(&self) -> Option<Arc<Inode>> {
        match &self.body {
            Body::File(inode) => Some(inode.clone()),
            _ => None,
        }
    }

    /// The place in the filesystem that is open, and the path that access to it is decided on; none for what has no
    /// path.
    pub(crate) fn place(&self, fs: &Filesystem) -> Result<Option<(Node, String)>, Errno> {
        Ok(match (&self.body, &self.path) {
            (Body::Directory(node), _) => Some((node.clone(), fs.path_of_node(node)?)),
            (Body::File(inode), Some(path)) => Some((Node::Memory(inode.clone()), path.clone())),
            (Body::Host(_, host), Some(_)) => {
                let node = Node::Host(host.clone());
                let path = fs.path_of_node(&node)?;
                Some((node, path))
            }
            _ => None,
        })
    }

    /// What `/proc/self/fd` shows for something without a place in the filesystem.
    pub(crate) fn description(&self) -> String {
        match &self.body {
            Body::PipeRead(end) => format!("pipe:[{}]", end.id()),
            Body::PipeWrite(end) => format!("pipe:[{}]", end.id()),
            Body::Stream(_) => "stream:[0]".to_owned(),
            _ => self.path.clone().unwrap_or_else(|| "memory:[0]".to_owned()),
        }
    }
}

fn anonymous(kind: FileKind, inode: u64, mode: u32) -> FileStatus {
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
