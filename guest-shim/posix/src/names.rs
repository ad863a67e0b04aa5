//! Names that are bytes. WASI's are Unicode, the virtual machine's stand for bytes by way of `byte_text`: what wasi-libc
//! asks its host is decoded here, and what the host tells of names is encoded, so that above it every name is the bytes
//! that it is on Linux.
//!
//! These are the calls of wasi-libc to its host, under which all of it is: `__real_` is what the linker calls the one
//! that was replaced. Only `readdir` is taken above, since entries come in parts.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};
use std::slice;

use byte_text::{decoded, encode};

use crate::KEEPS_TEXT;

type Fd = u32;
type Wasi = u16;

/// `EINVAL`, as WASI numbers it.
const INVALID: Wasi = 28;
/// Bytes for the target of a link that may be longer than the caller has room for.
const TARGET_BYTES: usize = 4096;

/// A function of wasi-libc's that takes one path, its place among the parameters between what comes before and after it.
macro_rules! one_path {
    ($wrap:ident, $real:ident, ($($before:ident: $first:ty),*), ($($after:ident: $last:ty),*)) => {
        unsafe extern "C" {
            fn $real($($before: $first,)* path: *const c_char $(, $after: $last)*) -> Wasi;
        }

        /// # Safety
        /// As the function that it replaces.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $wrap($($before: $first,)* path: *const c_char $(, $after: $last)*) -> Wasi {
            // SAFETY: the caller gives a path, and everything else goes on as it is.
            unsafe { with_text(path, |path| $real($($before,)* path $(, $after)*)) }
        }
    };
}

one_path!(__wrap___wasi_path_create_directory, __real___wasi_path_create_directory, (fd: Fd), ());
one_path!(__wrap___wasi_path_remove_directory, __real___wasi_path_remove_directory, (fd: Fd), ());
one_path!(__wrap___wasi_path_unlink_file, __real___wasi_path_unlink_file, (fd: Fd), ());
one_path!(
    __wrap___wasi_path_filestat_get,
    __real___wasi_path_filestat_get,
    (fd: Fd, flags: u32),
    (into: *mut u8)
);
one_path!(
    __wrap___wasi_path_filestat_set_times,
    __real___wasi_path_filestat_set_times,
    (fd: Fd, flags: u32),
    (accessed: u64, modified: u64, which: u16)
);
one_path!(
    __wrap___wasi_path_open,
    __real___wasi_path_open,
    (fd: Fd, lookup: u32),
    (how: u16, rights: u64, inherited: u64, flags: u16, into: *mut Fd)
);

unsafe extern "C" {
    fn __real___wasi_path_link(
        fd: Fd,
        flags: u32,
        path: *const c_char,
        other: Fd,
        new: *const c_char,
    ) -> Wasi;
    fn __real___wasi_path_rename(fd: Fd, path: *const c_char, other: Fd, new: *const c_char) -> Wasi;
    fn __real___wasi_path_symlink(target: *const c_char, fd: Fd, path: *const c_char) -> Wasi;
    fn __real___wasi_path_readlink(
        fd: Fd,
        path: *const c_char,
        into: *mut u8,
        room: usize,
        length: *mut usize,
    ) -> Wasi;
    fn __real_readdir(directory: *mut libc::DIR) -> *mut libc::dirent;
}

/// # Safety
/// As the function that it replaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap___wasi_path_link(
    fd: Fd,
    flags: u32,
    path: *const c_char,
    other: Fd,
    new: *const c_char,
) -> Wasi {
    // SAFETY: the caller gives two paths.
    unsafe {
        with_text(path, |path| with_text(new, |new| __real___wasi_path_link(fd, flags, path, other, new)))
    }
}

/// # Safety
/// As the function that it replaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap___wasi_path_rename(
    fd: Fd,
    path: *const c_char,
    other: Fd,
    new: *const c_char,
) -> Wasi {
    // SAFETY: the caller gives two paths.
    unsafe { with_text(path, |path| with_text(new, |new| __real___wasi_path_rename(fd, path, other, new))) }
}

/// # Safety
/// As the function that it replaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap___wasi_path_symlink(
    target: *const c_char,
    fd: Fd,
    path: *const c_char,
) -> Wasi {
    // SAFETY: the caller gives two texts.
    unsafe {
        with_text(target, |target| with_text(path, |path| __real___wasi_path_symlink(target, fd, path)))
    }
}

/// # Safety
/// As the function that it replaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap___wasi_path_readlink(
    fd: Fd,
    path: *const c_char,
    into: *mut u8,
    room: usize,
    length: *mut usize,
) -> Wasi {
    let mut target = vec![0; room.max(TARGET_BYTES)];
    loop {
        let mut told = 0;
        // SAFETY: the caller gives a path; the buffer is as long as is said.
        let outcome = unsafe {
            with_text(path, |path| {
                __real___wasi_path_readlink(fd, path, target.as_mut_ptr(), target.len(), &raw mut told)
            })
        };
        if outcome != 0 {
            return outcome;
        }
        // What fills it may have been cut.
        if told == target.len() {
            target.resize(target.len() * 2, 0);
            continue;
        }
        target.truncate(told);
        // WASI's text is Unicode.
        let text = String::from_utf8(target).unwrap_or_default();
        let bytes = if KEEPS_TEXT.get() { text.as_bytes().into() } else { encode(&text) };
        let fits = bytes.len().min(room);
        // SAFETY: the caller has room for so many bytes, and for the number.
        unsafe {
            into.copy_from_nonoverlapping(bytes.as_ptr(), fits);
            *length = fits;
        }
        return 0;
    }
}

/// # Safety
/// As `readdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_readdir(directory: *mut libc::DIR) -> *mut libc::dirent {
    // SAFETY: the caller's argument, as it is.
    let entry = unsafe { __real_readdir(directory) };
    if entry.is_null() || KEEPS_TEXT.get() {
        return entry;
    }
    // SAFETY: an entry's name follows it in the same allocation and ends with a NUL; it is the caller's until it asks for
    // the next one.
    unsafe {
        let name = (&raw mut (*entry).d_name).cast::<u8>();
        let length = CStr::from_ptr(name.cast()).count_bytes();
        let found = slice::from_raw_parts_mut(name, length);
        let shorter = str::from_utf8(found).ok().map(encode).and_then(|bytes| match bytes {
            Cow::Owned(bytes) => Some(bytes),
            Cow::Borrowed(_) => None,
        });
        if let Some(bytes) = shorter {
            // Bytes are never more than what stands for them, so that there is room for the NUL.
            found[..bytes.len()].copy_from_slice(&bytes);
            found[bytes.len()] = 0;
        }
    }
    entry
}

/// Calls on with the path as text. Programs that keep their names as text have it already; what they have cannot be told
/// from bytes that are the UTF-8 of such characters, which nobody names files by.
///
/// # Safety
/// A path, as C has them.
unsafe fn with_text(path: *const c_char, call: impl FnOnce(*const c_char) -> Wasi) -> Wasi {
    // SAFETY: the caller's.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    if str::from_utf8(bytes).is_ok() {
        return call(path);
    }
    // There is no NUL in it, since there was none before.
    CString::new(&*decoded(bytes)).map_or(INVALID, |text| call(text.as_ptr()))
}
