//! The functions that take the place of wasi-libc's. `__real_` is what the linker calls the one that was replaced.

use std::ffi::{CStr, c_char, c_int};

use cordon_vm::filesystem;
use cordon_vm::types::{Errno, FileStatus, FileType, Symlinks};

use crate::{MODES, Modes, errno, umask};

unsafe extern "C" {
    fn __real_stat(path: *const c_char, into: *mut libc::stat) -> c_int;
    fn __real_lstat(path: *const c_char, into: *mut libc::stat) -> c_int;
    fn __real_fstatat(directory: c_int, path: *const c_char, into: *mut libc::stat, flags: c_int) -> c_int;
}

/// Permission bits of `st_mode`; those above tell the kind of file.
const PERMISSIONS: libc::mode_t = 0o7777;

/// # Safety
/// As `stat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_stat(path: *const c_char, into: *mut libc::stat) -> c_int {
    // SAFETY: the caller's arguments, as they are.
    let outcome = unsafe { __real_stat(path, into) };
    // SAFETY: as above; what succeeded has been filled in.
    unsafe { complete(outcome, path, into, Symlinks::Follow) }
}

/// # Safety
/// As `lstat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_lstat(path: *const c_char, into: *mut libc::stat) -> c_int {
    // SAFETY: as for `stat`.
    let outcome = unsafe { __real_lstat(path, into) };
    // SAFETY: as for `stat`.
    unsafe { complete(outcome, path, into, Symlinks::NoFollow) }
}

/// # Safety
/// As `fstatat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_fstatat(
    directory: c_int,
    path: *const c_char,
    into: *mut libc::stat,
    flags: c_int,
) -> c_int {
    // SAFETY: as for `stat`.
    let outcome = unsafe { __real_fstatat(directory, path, into, flags) };
    if directory != libc::AT_FDCWD {
        return outcome;
    }
    let symlinks = if flags & libc::AT_SYMLINK_NOFOLLOW == 0 { Symlinks::Follow } else { Symlinks::NoFollow };
    // SAFETY: as for `stat`.
    unsafe { complete(outcome, path, into, symlinks) }
}

/// Adds to what WASI told of a file, if it is the same that the virtual machine has at that path: the program may have
/// another current directory than its process.
unsafe fn complete(outcome: c_int, path: *const c_char, into: *mut libc::stat, symlinks: Symlinks) -> c_int {
    if outcome != 0 {
        return outcome;
    }
    // SAFETY: a path that was just looked at, and what was filled in about it.
    let (path, known) = unsafe { (CStr::from_ptr(path), &mut *into) };
    let Some(status) = filesystem::status(&byte_text::decoded(path.to_bytes()), symlinks).ok() else {
        return outcome;
    };
    if known.st_ino == number(&status) {
        known.st_mode = kind(status.file_type) | (status.mode & PERMISSIONS);
        known.st_nlink = status.links;
        known.st_uid = cordon_vm::USER_ID;
        known.st_gid = cordon_vm::USER_ID;
    }
    outcome
}

/// The inode number by which programs of WASI know a file: it has the device in it, as they know of none.
fn number(status: &FileStatus) -> u64 {
    status.inode ^ status.device.rotate_right(16)
}

fn kind(kind: FileType) -> libc::mode_t {
    match kind {
        FileType::RegularFile => libc::S_IFREG,
        FileType::Directory => libc::S_IFDIR,
        FileType::SymbolicLink => libc::S_IFLNK,
        FileType::CharacterDevice => libc::S_IFCHR,
        FileType::Fifo => libc::S_IFIFO,
    }
}

/// # Safety
/// As `chmod`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_chmod(path: *const c_char, mode: libc::mode_t) -> c_int {
    // SAFETY: the caller gives a path.
    let path = unsafe { CStr::from_ptr(path) };
    let outcome = change(&byte_text::decoded(path.to_bytes()), mode);
    let Err(errno) = outcome else { return 0 };
    errno::set(errno);
    -1
}

fn change(path: &str, mode: libc::mode_t) -> Result<(), Errno> {
    let wanted = mode & PERMISSIONS;
    let wanted = match MODES.get() {
        Modes::Exact => wanted,
        Modes::Kept => return Ok(()),
        Modes::Masked => {
            let status = filesystem::status(path, Symlinks::Follow)?;
            // Who gives a file the mode that it has wants to keep it.
            if status.mode & PERMISSIONS == wanted {
                return Ok(());
            }
            // What creating can make.
            let most = if status.file_type == FileType::Directory { 0o1777 } else { 0o777 };
            wanted & most & !umask()
        }
    };
    filesystem::set_mode(path, wanted)
}
