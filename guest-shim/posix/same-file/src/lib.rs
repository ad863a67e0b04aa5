//! Stands in for the crate `same-file`, which has nothing for WASI: whether two paths are of one file. Has of its
//! interface what crates in this workspace use.

use std::io;
use std::path::Path;

use cordon_vm::types::{Errno, FileStatus, Symlinks};
use cordon_vm::{descriptors, filesystem};

/// What tells a file from all others.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    device: u64,
    inode: u64,
}

impl Handle {
    /// Of the file at a path, through symbolic links.
    pub fn from_path<P: AsRef<Path>>(path: P) -> io::Result<Handle> {
        let path = path.as_ref().to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        handle(filesystem::status(path, Symlinks::Follow))
    }

    /// Of the file that is standard output.
    pub fn stdout() -> io::Result<Handle> {
        handle(descriptors::inherited(1).and_then(|descriptor| descriptor.status()))
    }
}

fn handle(status: Result<FileStatus, Errno>) -> io::Result<Handle> {
    let status = status.map_err(|errno| match errno {
        Errno::Enoent => io::ErrorKind::NotFound.into(),
        Errno::Eacces => io::ErrorKind::PermissionDenied.into(),
        Errno::Enotdir => io::ErrorKind::NotADirectory.into(),
        other => io::Error::other(other.name()),
    })?;
    Ok(Handle { device: status.device, inode: status.inode })
}

/// Whether two paths lead to the same file.
pub fn is_same_file<P: AsRef<Path>, Q: AsRef<Path>>(one: P, other: Q) -> io::Result<bool> {
    Ok(Handle::from_path(one)? == Handle::from_path(other)?)
}
