//! Files, directories, symbolic links, devices and named pipes in memory.
//!
//! Owns what one inode holds. The shape of the tree (which directory lies where, that a name is there once) is kept
//! by [`Filesystem`](super::Filesystem), whose tree lock is held whenever a directory's state changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};

use super::Filesystem;
use super::mount::Mount;
use super::sparse::Sparse;
use crate::file::device::Device;
use crate::file::fifo::Fifo;
use crate::limits::Share;
use crate::{FileKind, FileStatus, FileTimes, Program};

/// The device number of the filesystem in memory.
pub(crate) const MEMORY_DEVICE: u64 = 1;

/// In the place of a time: that of the birth of the kernel, of what was laid out before there was one.
pub(crate) const LAID_OUT: u64 = u64::MAX;

/// A file of any kind.
pub(crate) struct Inode {
    pub(crate) id: u64,
    pub(crate) content: Content,
    meta: Mutex<Meta>,
    _share: Share,
}

/// What a file holds.
pub(crate) enum Content {
    File(File),
    Directory(Directory),
    Symlink { target: Box<str>, _share: Option<Share> },
    Device(Device),
    Fifo(Fifo),
}

/// A regular file.
pub(crate) struct File {
    pub(crate) data: RwLock<Sparse>,
    /// Set when the kernel installs the file and never after.
    pub(crate) program: Option<Program>,
}

/// A directory.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) state: RwLock<DirectoryState>,
    /// Nothing in it may be created, removed or renamed by guests: `/dev`.
    pub(crate) sealed: bool,
}

#[derive(Default)]
pub(crate) struct DirectoryState {
    pub(crate) entries: BTreeMap<Box<str>, Arc<Inode>>,
    /// Where it lies; none for the root and for a directory that was removed.
    pub(crate) place: Option<(Weak<Inode>, Box<str>)>,
    /// What covers it.
    pub(crate) mounted: Option<Mounted>,
    pub(crate) removed: bool,
}

/// What lies over a directory.
#[derive(Clone)]
pub(crate) enum Mounted {
    Proc,
    Host(Arc<Mount>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) mode: u32,
    pub(crate) links: u32,
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
    /// Whether somebody chose that time; else the clock gave it.
    accessed_is_set: bool,
    modified_is_set: bool,
}

impl Inode {
    pub(crate) fn new(id: u64, content: Content, mode: u32, now: u64, share: Share) -> Inode {
        let links = if matches!(content, Content::Directory(_)) { 2 } else { 1 };
        let meta = Meta {
            mode,
            links,
            accessed: now,
            modified: now,
            changed: now,
            accessed_is_set: false,
            modified_is_set: false,
        };
        Inode { id, content, meta: Mutex::new(meta), _share: share }
    }

    pub(crate) fn kind(&self) -> FileKind {
        match self.content {
            Content::File(_) => FileKind::Regular,
            Content::Directory(_) => FileKind::Directory,
            Content::Symlink { .. } => FileKind::Symlink,
            Content::Device(_) => FileKind::CharacterDevice,
            Content::Fifo(_) => FileKind::Fifo,
        }
    }

    pub(crate) fn directory(&self) -> Option<&Directory> {
        match &self.content {
            Content::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.directory().is_some()
    }

    pub(crate) fn file(&self) -> Option<&File> {
        match &self.content {
            Content::File(file) => Some(file),
            _ => None,
        }
    }

    /// As it is told in the filesystem that it belongs to.
    pub(crate) fn status(&self, fs: &Filesystem) -> FileStatus {
        let (size, allocated) = match &self.content {
            Content::File(file) => {
                let data = file.data.read();
                (data.size(), data.allocated())
            }
            Content::Symlink { target, .. } => (target.len() as u64, 0),
            Content::Directory(_) => (4096, 0),
            Content::Device(_) | Content::Fifo(_) => (0, 0),
        };
        let meta = *self.meta.lock();
        let time = |time, is_set| match time {
            LAID_OUT => fs.born,
            time if is_set => time,
            time => fs.clock.own_time(time),
        };
        FileStatus {
            device: MEMORY_DEVICE,
            inode: self.id,
            kind: self.kind(),
            mode: meta.mode,
            links: u64::from(meta.links),
            size,
            allocated,
            accessed: time(meta.accessed, meta.accessed_is_set),
            modified: time(meta.modified, meta.modified_is_set),
            changed: time(meta.changed, false),
        }
    }

    /// Whether the owner's bits of the mode hold all of `bits` (4 read, 2 write, 1 execute).
    pub(crate) fn permits(&self, bits: u32) -> bool {
        self.meta.lock().mode >> 6 & bits == bits
    }

    pub(crate) fn links(&self) -> u32 {
        self.meta.lock().links
    }

    /// Counts names that came or went.
    pub(crate) fn add_links(&self, change: i32, now: u64) {
        let mut meta = self.meta.lock();
        meta.links = meta.links.saturating_add_signed(change);
        meta.changed = now;
    }

    /// The contents changed.
    pub(crate) fn touch(&self, now: u64) {
        let mut meta = self.meta.lock();
        meta.modified = now;
        meta.modified_is_set = false;
        meta.changed = now;
    }

    pub(crate) fn set_mode(&self, mode: u32, now: u64) {
        let mut meta = self.meta.lock();
        meta.mode = mode & 0o7777;
        meta.changed = now;
    }

    pub(crate) fn set_times(&self, times: FileTimes, now: u64) {
        let mut meta = self.meta.lock();
        let time = |time: u64| time.min(LAID_OUT - 1);
        meta.accessed = times.accessed.map_or(meta.accessed, time);
        meta.modified = times.modified.map_or(meta.modified, time);
        meta.accessed_is_set |= times.accessed.is_some();
        meta.modified_is_set |= times.modified.is_some();
        meta.changed = now;
    }
}

impl Directory {
    pub(crate) fn lookup(&self, name: &str) -> Option<Arc<Inode>> {
        self.state.read().entries.get(name).cloned()
    }

    pub(crate) fn mounted(&self) -> Option<Mounted> {
        self.state.read().mounted.clone()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state.read().entries.is_empty()
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.state.read().removed
    }

    /// The directory it lies in and its name there.
    pub(crate) fn place(&self) -> Option<(Arc<Inode>, Box<str>)> {
        let state = self.state.read();
        let (parent, name) = state.place.as_ref()?;
        Some((parent.upgrade()?, name.clone()))
    }
}
