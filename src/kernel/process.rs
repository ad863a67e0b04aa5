//! One process: its identity, its descriptors, its signals and its end.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{
    DescriptorTable, DirectoryEntry, Errno, ExitStatus, FileStatus, FileTimes, OpenFile, OpenFlags, Pid,
    Signal, Symlinks,
};

/// Where a relative path starts.
#[derive(Clone, Copy)]
pub enum Base<'a> {
    /// At the process's current directory.
    Cwd,
    /// At an open directory (`ENOTDIR` if it is none).
    Directory(&'a OpenFile),
}

/// A process of the VM, running or ended.
pub struct Process {
    fds: DescriptorTable,
}

#[allow(unused_variables)]
impl Process {
    /// Its id.
    pub fn pid(&self) -> Pid {
        0
    }
    /// Its parent's id; 1 once the parent has ended.
    pub fn ppid(&self) -> Pid {
        0
    }
    /// Its arguments, the first being its own name.
    pub fn argv(&self) -> &[String] {
        &[]
    }
    /// The environment it was started with.
    pub fn env(&self) -> &[(String, String)] {
        &[]
    }
    /// The value of one variable of the environment.
    pub fn env_var(&self, name: &str) -> Option<&str> {
        None
    }
    /// The path of its program; empty for processes that run none.
    pub fn exe(&self) -> &str {
        ""
    }
    /// Its descriptors.
    pub fn fds(&self) -> &DescriptorTable {
        &self.fds
    }
    /// The absolute path of its current directory; `ENOENT` if that was removed.
    pub fn cwd(&self) -> Result<String, Errno> {
        Err(Errno::Enosys)
    }
    /// Changes its current directory.
    pub fn chdir(&self, path: &str) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Changes its current directory to an open one.
    pub fn fchdir(&self, directory: &OpenFile) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Its file creation mask.
    pub fn umask(&self) -> u32 {
        0o022
    }
    /// Sets its file creation mask and returns the one before.
    pub fn set_umask(&self, mask: u32) -> u32 {
        0o022
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
        Err(Errno::Enosys)
    }
    /// What is known of a file.
    pub fn stat(&self, path: &str, symlinks: Symlinks) -> Result<FileStatus, Errno> {
        self.stat_at(Base::Cwd, path, symlinks)
    }
    /// [`stat`](Self::stat) from `base`.
    pub fn stat_at(&self, base: Base<'_>, path: &str, symlinks: Symlinks) -> Result<FileStatus, Errno> {
        Err(Errno::Enosys)
    }
    /// The entries of a directory without `.` and `..`, sorted by name.
    pub fn read_dir(&self, path: &str) -> Result<Vec<DirectoryEntry>, Errno> {
        Err(Errno::Enosys)
    }
    /// Creates a directory.
    pub fn mkdir(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.mkdir_at(Base::Cwd, path, mode)
    }
    /// [`mkdir`](Self::mkdir) from `base`.
    pub fn mkdir_at(&self, base: Base<'_>, path: &str, mode: u32) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Removes an empty directory.
    pub fn rmdir(&self, path: &str) -> Result<(), Errno> {
        self.rmdir_at(Base::Cwd, path)
    }
    /// [`rmdir`](Self::rmdir) from `base`.
    pub fn rmdir_at(&self, base: Base<'_>, path: &str) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Removes a name that is not a directory.
    pub fn unlink(&self, path: &str) -> Result<(), Errno> {
        self.unlink_at(Base::Cwd, path)
    }
    /// [`unlink`](Self::unlink) from `base`.
    pub fn unlink_at(&self, base: Base<'_>, path: &str) -> Result<(), Errno> {
        Err(Errno::Enosys)
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
        Err(Errno::Enosys)
    }
    /// Creates a symbolic link at `path` that holds `target`.
    pub fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        self.symlink_at(target, Base::Cwd, path)
    }
    /// [`symlink`](Self::symlink) with `path` from `base`.
    pub fn symlink_at(&self, target: &str, base: Base<'_>, path: &str) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// What a symbolic link holds.
    pub fn readlink(&self, path: &str) -> Result<String, Errno> {
        self.readlink_at(Base::Cwd, path)
    }
    /// [`readlink`](Self::readlink) from `base`.
    pub fn readlink_at(&self, base: Base<'_>, path: &str) -> Result<String, Errno> {
        Err(Errno::Enosys)
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
        Err(Errno::Enosys)
    }
    /// Sets permission bits.
    pub fn chmod(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.chmod_at(Base::Cwd, path, mode)
    }
    /// [`chmod`](Self::chmod) from `base`.
    pub fn chmod_at(&self, base: Base<'_>, path: &str, mode: u32) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// [`chmod`](Self::chmod) of an open file.
    pub fn fchmod(&self, file: &OpenFile, mode: u32) -> Result<(), Errno> {
        Err(Errno::Enosys)
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
        Err(Errno::Enosys)
    }
    /// [`utimens`](Self::utimens) of an open file.
    pub fn futimens(&self, file: &OpenFile, times: FileTimes) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// Sets the length of a file.
    pub fn truncate(&self, path: &str, size: u64) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }
    /// The absolute path without symbolic links, `.` and `..`.
    pub fn realpath(&self, path: &str) -> Result<String, Errno> {
        Err(Errno::Enosys)
    }

    /// Reads from `file` on behalf of this process: `EINTR` once a signal has ended it.
    pub fn poll_read(
        &self,
        cx: &mut Context<'_>,
        file: &OpenFile,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Errno>> {
        file.poll_read(cx, buffer)
    }
    /// Writes to `file` on behalf of this process: `EINTR` once a signal has ended it. A pipe that nobody can read
    /// answers `EPIPE` and sends the process `SIGPIPE`.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        file: &OpenFile,
        bytes: &[u8],
    ) -> Poll<Result<usize, Errno>> {
        file.poll_write(cx, bytes)
    }

    /// Sends this process a signal.
    pub fn signal(&self, signal: Signal) {}
    /// The signal that ended it, while whoever executes it has not called [`exit`](Self::exit) yet.
    pub fn killed(&self) -> Option<Signal> {
        None
    }
    /// Ready once a signal has ended it. The executor then stops the guest and calls [`exit`](Self::exit).
    pub fn poll_killed(&self, cx: &Context<'_>) -> Poll<Signal> {
        Poll::Pending
    }
    /// Whether it ignores a signal.
    pub fn ignores(&self, signal: Signal) -> bool {
        false
    }
    /// Replaces the default action of a signal by ignoring it, or restores it. `EINVAL` for `SIGKILL`, `SIGSTOP`.
    pub fn set_ignored(&self, signal: Signal, ignored: bool) -> Result<(), Errno> {
        Err(Errno::Enosys)
    }

    /// Ends the process: closes its descriptors, hands its children to init and tells whoever waits. Whoever
    /// executes it calls this exactly when the guest runs no more; later calls change nothing.
    pub fn exit(&self, status: ExitStatus) {}
    /// How it ended, if it did. Leaves it to be waited for.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        None
    }
    /// Ready once it has ended; takes it out of the process table.
    pub fn poll_wait(&self, cx: &Context<'_>) -> Poll<ExitStatus> {
        Poll::Pending
    }
    /// Nobody will wait for it: it leaves the process table by itself when it ends.
    pub fn detach(&self) {}
}
