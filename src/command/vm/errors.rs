//! `cordon:vm/types`: the kernel's words and those of the contract, which are the same.

use wasmtime::component::ResourceTableError;

use kernel::{Errno, FileKind, FileStatus, Symlinks};

use super::super::guest::Guest;
use super::bindings::cordon::vm::types;

/// Why a host function did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The program is told.
    #[error(transparent)]
    Errno(#[from] Errno),
    /// The program ends: it broke a rule that no correct program breaks, or it is being ended.
    #[error("{0}")]
    Trap(wasmtime::Error),
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Errno::Emfile.into(),
            broken => Failure::Trap(broken.into()),
        }
    }
}

impl types::Host for Guest {
    fn convert_errno(&mut self, failure: Failure) -> wasmtime::Result<types::Errno> {
        match failure {
            Failure::Errno(errno) => Ok(errno.into()),
            Failure::Trap(trap) => Err(trap),
        }
    }
}

macro_rules! same_names {
    ($($name:ident)*) => {
        impl From<Errno> for types::Errno {
            fn from(errno: Errno) -> types::Errno {
                match errno {
                    $(Errno::$name => types::Errno::$name,)*
                }
            }
        }
    };
}

same_names! {
    E2big Eacces Eagain Ebadf Ebusy Echild Edquot Eexist Efault Efbig Eintr Einval Eio Eisdir Eloop Emfile Emlink
    Enametoolong Enfile Enodev Enoent Enoexec Enomem Enospc Enosys Enotdir Enotempty Enotsup Enotty Enxio Eperm Epipe
    Erange Erofs Espipe Esrch Etimedout Etxtbsy Exdev
}

impl From<FileKind> for types::FileType {
    fn from(kind: FileKind) -> types::FileType {
        match kind {
            FileKind::Regular => types::FileType::RegularFile,
            FileKind::Directory => types::FileType::Directory,
            FileKind::Symlink => types::FileType::SymbolicLink,
            FileKind::CharacterDevice => types::FileType::CharacterDevice,
            FileKind::Fifo => types::FileType::Fifo,
        }
    }
}

impl From<FileStatus> for types::FileStatus {
    fn from(status: FileStatus) -> types::FileStatus {
        types::FileStatus {
            device: status.device,
            inode: status.inode,
            file_type: status.kind.into(),
            mode: status.mode,
            links: status.links,
            size: status.size,
            accessed: status.accessed,
            modified: status.modified,
            changed: status.changed,
        }
    }
}

impl From<types::Symlinks> for Symlinks {
    fn from(symlinks: types::Symlinks) -> Symlinks {
        match symlinks {
            types::Symlinks::Follow => Symlinks::Follow,
            types::Symlinks::NoFollow => Symlinks::NoFollow,
        }
    }
}
