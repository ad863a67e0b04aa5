//! The path operations of a process: what its system calls by path would be.
//!
//! Each is one call to the filesystem in the name of this process; nothing is decided here.

use std::sync::Arc;

use super::Process;
use crate::fs::At;
use crate::{
    DirectoryEntry, Errno, FileStatus, FileTimes, FsOperation, FsWatch, OpenFile, OpenFlags, Symlinks,
};

/// Where a relative path starts.
#[derive(Clone, Copy)]
pub enum Base<'a> {
    /// At the process's current directory.
    Cwd,
    /// At an open directory (`ENOTDIR` if it is none).
    Directory(&'a OpenFile),
}

impl Process {
    fn at<'p>(&self, base: Base<'_>, path: &'p str) -> Result<At<'p>, Errno> {
        let start = match base {
            _ if path.starts_with('/') => self.fs.root(),
            Base::Cwd => self.cwd_node(),
            Base::Directory(file) => file.directory()?,
        };
        Ok(At { start, path })
    }

    /// Wakes who watches what an operation has changed.
    fn told<T>(&self, outcome: T) -> T {
        self.fs.watches.wake();
        outcome
    }

    /// Begins to watch a file or directory of the VM's own filesystem. `ENOSYS` for one that is not, `ENOSPC` where there
    /// are too many watches.
    pub fn watch(&self, path: &str) -> Result<Arc<FsWatch>, Errno> {
        self.fs.watch(&self.caller(), &self.at(Base::Cwd, path)?)
    }

    /// Which of these operations the permissions do not allow at a path as it is written, the first of them: for words
    /// about an `EACCES`. Links on the way are not followed; nothing is told of what lies there.
    pub fn denied(&self, operations: &[FsOperation], path: &str) -> Option<FsOperation> {
        let cwd = if path.starts_with('/') { String::new() } else { self.cwd().ok()? };
        self.fs.denied(&self.caller(), operations, &format!("{cwd}/{path}"))
    }

    /// The absolute path of its current directory; `ENOENT` if that was removed.
    pub fn cwd(&self) -> Result<String, Errno> {
        self.fs.place_of(&self.cwd_node())
    }

    /// Changes its current directory.
    pub fn chdir(&self, path: &str) -> Result<(), Errno> {
        let directory = self.fs.directory(&self.caller(), &self.at(Base::Cwd, path)?)?;
        self.set_cwd_node(directory);
        Ok(())
    }

    /// Changes its current directory to an open one.
    pub fn fchdir(&self, directory: &OpenFile) -> Result<(), Errno> {
        self.set_cwd_node(directory.directory()?);
        Ok(())
    }

    /// The entries of an open directory without `.` and `..`, sorted by name.
    pub fn read_directory(&self, directory: &OpenFile) -> Result<Vec<DirectoryEntry>, Errno> {
        self.fs.entries(&self.caller(), &directory.directory()?)
    }

    /// Opens a file; `mode` is used, less the umask, where it is created. Not entered into the descriptor table.
    pub fn open(&self, path: &str, flags: OpenFlags, mode: u32) -> Result<Arc<OpenFile>, Errno> {
        self.open_at(Base::Cwd, path, flags, mode)
    }

    /// [`open`](Self::open) from `base`.
    pub fn open_at(
        &self,
        base: Base<'_>,
        path: &str,
        flags: OpenFlags,
        mode: u32,
    ) -> Result<Arc<OpenFile>, Errno> {
        self.told(self.fs.open(&self.caller(), &self.at(base, path)?, flags, mode))
    }

    /// The contents of a regular file of at most `limit` bytes (`EFBIG` if there are more).
    pub fn read_file(&self, path: &str, limit: u64) -> Result<Vec<u8>, Errno> {
        self.fs.read_file(&self.caller(), &self.at(Base::Cwd, path)?, limit)
    }

    /// What is known of a file.
    pub fn stat(&self, path: &str, symlinks: Symlinks) -> Result<FileStatus, Errno> {
        self.stat_at(Base::Cwd, path, symlinks)
    }

    /// [`stat`](Self::stat) from `base`.
    pub fn stat_at(&self, base: Base<'_>, path: &str, symlinks: Symlinks) -> Result<FileStatus, Errno> {
        self.fs.stat(&self.caller(), &self.at(base, path)?, symlinks)
    }

    /// The entries of a directory without `.` and `..`, sorted by name.
    pub fn read_dir(&self, path: &str) -> Result<Vec<DirectoryEntry>, Errno> {
        let directory = self.fs.directory(&self.caller(), &self.at(Base::Cwd, path)?)?;
        self.fs.entries(&self.caller(), &directory)
    }

    /// Creates a directory.
    pub fn mkdir(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.mkdir_at(Base::Cwd, path, mode)
    }

    /// [`mkdir`](Self::mkdir) from `base`.
    pub fn mkdir_at(&self, base: Base<'_>, path: &str, mode: u32) -> Result<(), Errno> {
        self.told(self.fs.mkdir(&self.caller(), &self.at(base, path)?, mode))
    }

    /// Creates a named pipe. `EPERM` on a mount: there would be nobody at the other end of one.
    pub fn mkfifo(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.told(self.fs.mkfifo(&self.caller(), &self.at(Base::Cwd, path)?, mode))
    }

    /// Creates a directory and those above it that are not there.
    pub fn make_tree(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.told(self.fs.make_tree(&self.caller(), &self.at(Base::Cwd, path)?, mode))
    }

    /// Removes whatever has that name, a directory with all that is in it. Links are never followed; `EBUSY` where a
    /// mount lies, of which nothing is removed.
    pub fn remove_tree(&self, path: &str) -> Result<(), Errno> {
        self.told(self.fs.remove_tree(&self.caller(), &self.at(Base::Cwd, path)?))
    }

    /// Removes an empty directory.
    pub fn rmdir(&self, path: &str) -> Result<(), Errno> {
        self.rmdir_at(Base::Cwd, path)
    }

    /// [`rmdir`](Self::rmdir) from `base`.
    pub fn rmdir_at(&self, base: Base<'_>, path: &str) -> Result<(), Errno> {
        self.told(self.fs.rmdir(&self.caller(), &self.at(base, path)?))
    }

    /// Removes a name that is not a directory.
    pub fn unlink(&self, path: &str) -> Result<(), Errno> {
        self.unlink_at(Base::Cwd, path)
    }

    /// [`unlink`](Self::unlink) from `base`.
    pub fn unlink_at(&self, base: Base<'_>, path: &str) -> Result<(), Errno> {
        self.told(self.fs.unlink(&self.caller(), &self.at(base, path)?))
    }

    /// Renames a file or directory.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        self.rename_at(Base::Cwd, from, Base::Cwd, to)
    }

    /// [`rename`](Self::rename) between two bases.
    pub fn rename_at(
        &self,
        from_base: Base<'_>,
        from: &str,
        to_base: Base<'_>,
        to: &str,
    ) -> Result<(), Errno> {
        self.told(self.fs.rename(&self.caller(), &self.at(from_base, from)?, &self.at(to_base, to)?))
    }

    /// Creates a symbolic link at `path` that holds `target`.
    pub fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        self.symlink_at(target, Base::Cwd, path)
    }

    /// [`symlink`](Self::symlink) with `path` from `base`.
    pub fn symlink_at(&self, target: &str, base: Base<'_>, path: &str) -> Result<(), Errno> {
        self.told(self.fs.symlink(&self.caller(), target, &self.at(base, path)?))
    }

    /// What a symbolic link holds.
    pub fn readlink(&self, path: &str) -> Result<String, Errno> {
        self.readlink_at(Base::Cwd, path)
    }

    /// [`readlink`](Self::readlink) from `base`.
    pub fn readlink_at(&self, base: Base<'_>, path: &str) -> Result<String, Errno> {
        self.fs.readlink(&self.caller(), &self.at(base, path)?)
    }

    /// Creates another name, `new`, for the file at `existing`.
    pub fn link(&self, existing: &str, new: &str) -> Result<(), Errno> {
        self.link_at(Base::Cwd, existing, Symlinks::NoFollow, Base::Cwd, new)
    }

    /// [`link`](Self::link) between two bases.
    pub fn link_at(
        &self,
        existing_base: Base<'_>,
        existing: &str,
        symlinks: Symlinks,
        new_base: Base<'_>,
        new: &str,
    ) -> Result<(), Errno> {
        let (existing, new) = (self.at(existing_base, existing)?, self.at(new_base, new)?);
        self.told(self.fs.link(&self.caller(), &existing, symlinks, &new))
    }

    /// Sets permission bits.
    pub fn chmod(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.chmod_at(Base::Cwd, path, mode)
    }

    /// [`chmod`](Self::chmod) from `base`.
    pub fn chmod_at(&self, base: Base<'_>, path: &str, mode: u32) -> Result<(), Errno> {
        self.told(self.fs.chmod(&self.caller(), &self.at(base, path)?, mode))
    }

    /// [`chmod`](Self::chmod) of an open file.
    pub fn fchmod(&self, file: &OpenFile, mode: u32) -> Result<(), Errno> {
        self.told(self.fs.fchmod(&self.caller(), file, mode))
    }

    /// Sets times.
    pub fn utimens(&self, path: &str, times: FileTimes, symlinks: Symlinks) -> Result<(), Errno> {
        self.utimens_at(Base::Cwd, path, times, symlinks)
    }

    /// [`utimens`](Self::utimens) from `base`.
    pub fn utimens_at(
        &self,
        base: Base<'_>,
        path: &str,
        times: FileTimes,
        symlinks: Symlinks,
    ) -> Result<(), Errno> {
        self.told(self.fs.utimens(&self.caller(), &self.at(base, path)?, times, symlinks))
    }

    /// [`utimens`](Self::utimens) of an open file.
    pub fn futimens(&self, file: &OpenFile, times: FileTimes) -> Result<(), Errno> {
        self.told(self.fs.futimens(&self.caller(), file, times))
    }

    /// Sets the length of a file.
    pub fn truncate(&self, path: &str, size: u64) -> Result<(), Errno> {
        self.told(self.fs.truncate(&self.caller(), &self.at(Base::Cwd, path)?, size))
    }

    /// The absolute path without symbolic links, `.` and `..`.
    pub fn realpath(&self, path: &str) -> Result<String, Errno> {
        self.fs.realpath(&self.caller(), &self.at(Base::Cwd, path)?)
    }
}
