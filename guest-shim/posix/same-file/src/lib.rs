//! Stands in for the crate `same-file`, which has nothing for WASI: whether two paths are of one file. Has of its
//! interface what crates in this workspace use.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::Path;

use cordon_vm::byte_text::ToText;
use cordon_vm::types::{Errno, FileStatus, Symlinks};
use cordon_vm::{descriptors, filesystem};

/// What tells a file from all others, and the file, which is open so that it stays one.
#[derive(Debug)]
pub struct Handle {
    device: u64,
    inode: u64,
    file: File,
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl Eq for Handle {}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.device, self.inode).hash(state);
    }
}

impl Handle {
    /// Of the file at a path, through symbolic links.
    pub fn from_path<P: AsRef<Path>>(path: P) -> io::Result<Handle> {
        let path = &*path.as_ref().to_text();
        handle(filesystem::status(path, Symlinks::Follow), path)
    }

    /// Of the file that is standard output.
    pub fn stdout() -> io::Result<Handle> {
        handle(descriptors::inherited(1).and_then(|descriptor| descriptor.status()), "/dev/stdout")
    }

    pub fn as_file(&self) -> &File {
        &self.file
    }
}

fn handle(status: Result<FileStatus, Errno>, path: &str) -> io::Result<Handle> {
    let status = status.map_err(|errno| match errno {
        Errno::Enoent => io::ErrorKind::NotFound.into(),
        Errno::Eacces => io::ErrorKind::PermissionDenied.into(),
        Errno::Enotdir => io::ErrorKind::NotADirectory.into(),
        other => io::Error::other(other.name()),
    })?;
    Ok(Handle { device: status.device, inode: status.inode, file: File::open(path)? })
}

/// Whether two paths lead to the same file.
pub fn is_same_file<P: AsRef<Path>, Q: AsRef<Path>>(one: P, other: Q) -> io::Result<bool> {
    Ok(Handle::from_path(one)? == Handle::from_path(other)?)
}
