//! The filesystem of the VM: a tree in memory, with `/proc` and host directories mounted into it.
//!
//! Owns the shape of the tree and its quotas. Path operations lie in files by what they do (`open`, `names`,
//! `rename`, `attributes`); each resolves (`walk`), decides (`access`) and acts under the tree lock, so that no other
//! process can change a path between decision and deed. Host mounts are the exception: the lock is given up before
//! the host is asked.
//!
//! Lock order: the tree lock, then the process table, then the state of one process (never of two), then a directory's state, a
//! file's contents, an inode's status. Nothing calls out under any of them but [`FsPolicy`](super::FsPolicy).

pub(crate) mod access;
mod attributes;
pub(crate) mod inode;
mod layout;
pub(crate) mod mount;
mod names;
pub(crate) mod open;
mod recent;
mod rename;
mod setup;
pub(crate) mod sparse;
mod tree;
pub(crate) mod walk;
pub(crate) mod watch;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use self::access::{Access, FsOperation};
use self::inode::{Content, Directory, Inode};
pub use self::layout::Layout;
use self::walk::Node;
use self::watch::Watches;
use super::descriptors::DescriptorTable;
use super::limits::{Meter, Share};
use super::process::table::ProcessTable;
use super::{Clock, Errno, FilesystemUsage, KernelOptions, Pid};

/// Longest path, the terminating zero of C included.
pub(crate) const PATH_MAX: usize = 4096;
/// Longest name in a directory.
pub(crate) const NAME_MAX: usize = 255;
/// Most symbolic links that one resolution follows.
pub(crate) const LINKS_FOLLOWED_MAX: u32 = 40;
/// Longest absolute path of a directory, so that every current directory has a path that can be used. Linux has no
/// such limit; here every decision needs the absolute path and every open file keeps one.
pub(crate) const DIRECTORY_PATH_MAX: usize = PATH_MAX - 1;
/// Most names of one file.
const LINKS_MAX: u32 = 65_000;
/// What a directory entry takes from the byte quota besides its name.
const ENTRY_BYTES: u64 = 64;

/// Who asks for an operation.
pub(crate) struct Caller<'a> {
    pub(crate) pid: Pid,
    /// The kernel's own process, which stands for the embedder: the guest's permissions do not bind it.
    pub(crate) exempt: bool,
    pub(crate) umask: u32,
    pub(crate) fds: &'a DescriptorTable,
}

/// A path and where it starts if it is relative.
pub(crate) struct At<'a> {
    pub(crate) start: Node,
    pub(crate) path: &'a str,
}

/// The filesystem of one VM.
pub(crate) struct Filesystem {
    tree: RwLock<()>,
    root: Arc<Inode>,
    access: Access,
    pub(crate) clock: Arc<dyn Clock>,
    /// When this filesystem came to be, which is the time of everything that was laid out.
    pub(crate) born: u64,
    /// The last time that was given to a file.
    last_time: AtomicU64,
    pub(crate) random: fn(&mut [u8]),
    bytes: Arc<Meter>,
    inodes: Arc<Meter>,
    pub(crate) open_files: Arc<Meter>,
    pub(crate) pipe_bytes: Arc<Meter>,
    pub(crate) process_bytes: Arc<Meter>,
    next_inode: AtomicU64,
    pub(crate) processes: Weak<ProcessTable>,
    pub(crate) watches: Watches,
}

impl Filesystem {
    /// What was laid out becomes the filesystem of a VM.
    pub(crate) fn new(
        options: &KernelOptions,
        layout: Layout,
        processes: Weak<ProcessTable>,
    ) -> Arc<Filesystem> {
        let limits = &options.limits;
        let mut fs = layout.into_filesystem();
        fs.access = Access::new(options.fs_policy.clone());
        fs.clock = options.clock.clone();
        fs.born = options.clock.realtime();
        fs.random = options.random;
        fs.bytes.set_limit(limits.filesystem_bytes);
        fs.inodes.set_limit(limits.inodes);
        fs.open_files.set_limit(limits.open_files);
        fs.pipe_bytes.set_limit(limits.pipe_bytes);
        fs.process_bytes.set_limit(limits.process_bytes);
        fs.processes = processes;
        Arc::new(fs)
    }

    pub(crate) fn root(&self) -> Node {
        Node::Memory(self.root.clone())
    }

    pub(crate) fn usage(&self) -> FilesystemUsage {
        FilesystemUsage {
            bytes_used: self.bytes.used(),
            bytes_limit: self.bytes.limit(),
            inodes_used: self.inodes.used(),
            inodes_limit: self.inodes.limit(),
        }
    }

    /// The time of what changes now. It is later than every time that was given before, by a nanosecond where the clock
    /// has not moved: which of two files is the newer one is known even if both were made while the clock stood still,
    /// as it does for whole milliseconds where it is frozen.
    pub(crate) fn file_time(&self) -> u64 {
        let now = self.clock.realtime();
        if now == inode::LAID_OUT {
            return now;
        }
        let later = |last: u64| now.max(last.saturating_add(1)).min(inode::LAID_OUT - 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.last_time.fetch_update(set, fetch, |last| Some(later(last))).map_or(now, later)
    }

    fn new_inode(&self, content: Content, mode: u32) -> Result<Arc<Inode>, Errno> {
        let share = Share::take(&self.inodes, 1).ok_or(Errno::Enospc)?;
        Ok(self.make_inode(content, mode, share))
    }

    fn make_inode(&self, content: Content, mode: u32, share: Share) -> Arc<Inode> {
        let id = self.next_inode.fetch_add(1, Ordering::Relaxed);
        Arc::new(Inode::new(id, content, mode, self.file_time(), share))
    }

    /// A regular file without a name.
    pub(crate) fn nameless_file(&self) -> Result<Arc<Inode>, Errno> {
        let inode = self.new_inode(self.empty_file(None), 0o600)?;
        inode.add_links(-1, self.file_time());
        Ok(inode)
    }

    fn empty_file(&self, program: Option<super::Program>) -> Content {
        let data = RwLock::new(sparse::Sparse::new(self.bytes.clone()));
        Content::File(inode::File { data, program })
    }

    /// Enters `inode` into a directory that has no such name; the entry takes from the byte quota.
    fn attach(&self, directory: &Arc<Inode>, name: &str, inode: Arc<Inode>) -> Result<(), Errno> {
        if !self.bytes.take(entry_cost(name)) {
            return Err(Errno::Enospc);
        }
        self.attach_paid(directory, name, inode);
        Ok(())
    }

    /// [`attach`](Self::attach) of an entry that is paid for.
    fn attach_paid(&self, directory: &Arc<Inode>, name: &str, inode: Arc<Inode>) {
        let now = self.file_time();
        if let Some(child) = inode.directory() {
            child.state.write().place = Some((Arc::downgrade(directory), name.into()));
            directory.add_links(1, now);
        }
        if let Some(content) = directory.directory() {
            content.state.write().entries.insert(name.into(), inode.clone());
        }
        directory.touch(now);
        self.watches.renamed(directory, name, &inode);
    }

    /// Takes a name out of a directory and gives its cost back. Drop the result without the tree lock: it may be
    /// large.
    fn detach(&self, directory: &Arc<Inode>, name: &str) -> Option<Arc<Inode>> {
        let inode = directory.directory()?.state.write().entries.remove(name)?;
        self.bytes.give(entry_cost(name));
        let now = self.file_time();
        if let Some(child) = inode.directory() {
            child.state.write().place = None;
            directory.add_links(-1, now);
        }
        directory.touch(now);
        self.watches.renamed(directory, name, &inode);
        Some(inode)
    }

    /// The first of these operations that is not allowed at an absolute path as it is written.
    pub(crate) fn denied(
        &self,
        caller: &Caller<'_>,
        operations: &[FsOperation],
        path: &str,
    ) -> Option<FsOperation> {
        let mut plain = "/".to_owned();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => pop(&mut plain),
                part => push(&mut plain, part),
            }
        }
        operations
            .iter()
            .copied()
            .find(|operation| self.access.decide(caller, &[*operation], &plain).is_err())
    }

    /// The absolute path of a process's current directory.
    pub(crate) fn place_of(&self, directory: &Node) -> Result<String, Errno> {
        let _tree = self.tree.read();
        self.path_of_node(directory)
    }

    /// The absolute path of a directory; `ENOENT` once it was removed.
    pub(crate) fn path_of(&self, directory: &Arc<Inode>) -> Result<String, Errno> {
        let mut names = Vec::new();
        let mut current = directory.clone();
        while !Arc::ptr_eq(&current, &self.root) {
            let (parent, name) = current.directory().and_then(Directory::place).ok_or(Errno::Enoent)?;
            names.push(name);
            current = parent;
        }
        if names.is_empty() {
            return Ok("/".to_owned());
        }
        let mut path = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names.iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        Ok(path)
    }
}

impl Drop for Filesystem {
    fn drop(&mut self) {
        // One level after the other: dropping the root alone would recurse as deep as the tree is.
        let mut pending = vec![self.root.clone()];
        while let Some(inode) = pending.pop() {
            if let Some(directory) = inode.directory() {
                let mut state = directory.state.write();
                state.mounted = None;
                pending.extend(std::mem::take(&mut state.entries).into_values());
            }
        }
    }
}

fn entry_cost(name: &str) -> u64 {
    ENTRY_BYTES + name.len() as u64
}

/// `path` with one more part.
pub(crate) fn join(path: &str, name: &str) -> String {
    let mut joined = String::with_capacity(path.len() + 1 + name.len());
    joined.push_str(path);
    push(&mut joined, name);
    joined
}

/// Adds one part to an absolute path.
fn push(path: &mut String, name: &str) {
    if !path.ends_with('/') {
        path.push('/');
    }
    path.push_str(name);
}

/// Takes the last part off an absolute path; the root stays the root.
fn pop(path: &mut String) {
    path.truncate(path.rfind('/').unwrap_or(0).max(1));
}
