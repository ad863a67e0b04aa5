//! A filesystem before it is a VM's: the tree that the kernel lays out, and programs in it. Making it takes longer than
//! everything else of a kernel, and it is the same for all, so whoever has time makes it in advance.
//!
//! Nobody can reach it yet: it has no processes, no permissions, no limits, and no time. What lies in it is as old as
//! the kernel that it will belong to ([`LAID_OUT`]).

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use super::Filesystem;
use super::access::Access;
use super::inode::{Content, Directory, Inode, LAID_OUT};
use super::watch::Watches;
use crate::limits::{Meter, Share};
use crate::{AllowAll, Clock, Errno, Program};

/// A filesystem with the usual directories and devices and `/proc`, for one kernel.
pub struct Layout(Filesystem);

impl Default for Layout {
    fn default() -> Self {
        Layout::new()
    }
}

impl Layout {
    /// Lays it out, without programs.
    pub fn new() -> Layout {
        let inodes = Meter::new(u64::MAX);
        let root = Content::Directory(Directory::default());
        let root = Arc::new(Inode::new(1, root, 0o755, LAID_OUT, Share::force(&inodes, 1)));
        let fs = Filesystem {
            tree: RwLock::new(()),
            root,
            access: Access::new(Arc::new(AllowAll)),
            clock: Arc::new(NoTime),
            born: LAID_OUT,
            random: |_| {},
            bytes: Meter::new(u64::MAX),
            inodes,
            open_files: Meter::new(0),
            pipe_bytes: Meter::new(0),
            process_bytes: Meter::new(0),
            last_time: AtomicU64::new(0),
            next_inode: AtomicU64::new(2),
            processes: Weak::new(),
            watches: Watches::default(),
        };
        fs.lay_out();
        Layout(fs)
    }

    /// Puts a program at `path`; as [`Kernel::install_program`](crate::Kernel::install_program).
    ///
    /// # Errors
    /// The path is not absolute, or a directory lies there.
    pub fn install_program(&self, path: &str, program: Program) -> Result<(), Errno> {
        self.0.install_program(path, program)
    }

    /// Puts a symbolic link at `path`.
    ///
    /// # Errors
    /// The path is not absolute, a directory lies there, or the target is no path.
    pub fn install_symlink(&self, path: &str, target: &str) -> Result<(), Errno> {
        self.0.install_symlink(path, target)
    }

    pub(super) fn into_filesystem(self) -> Filesystem {
        self.0
    }
}

/// The clock of what belongs to no VM yet.
struct NoTime;

impl Clock for NoTime {
    fn realtime(&self) -> u64 {
        LAID_OUT
    }

    fn monotonic(&self) -> u64 {
        0
    }
}
