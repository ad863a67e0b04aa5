//! Errors of the virtual machine as wasi-libc tells them.

use std::ffi::c_int;

use cordon_vm::types::Errno;

/// Tells the calling thread why what it called failed.
pub fn set(errno: Errno) {
    // SAFETY: where this thread's errors are told.
    unsafe { *libc::__errno_location() = number(errno) };
}

fn number(errno: Errno) -> c_int {
    match errno {
        Errno::Eacces => libc::EACCES,
        Errno::Eagain => libc::EAGAIN,
        Errno::Ebadf => libc::EBADF,
        Errno::Edquot => libc::EDQUOT,
        Errno::Efbig => libc::EFBIG,
        Errno::Eintr => libc::EINTR,
        Errno::Einval => libc::EINVAL,
        Errno::Eisdir => libc::EISDIR,
        Errno::Eloop => libc::ELOOP,
        Errno::Enametoolong => libc::ENAMETOOLONG,
        Errno::Enoent => libc::ENOENT,
        Errno::Enospc => libc::ENOSPC,
        Errno::Enotdir => libc::ENOTDIR,
        Errno::Enotsup => libc::ENOTSUP,
        Errno::Enxio => libc::ENXIO,
        Errno::Eperm => libc::EPERM,
        Errno::Epipe => libc::EPIPE,
        Errno::Erofs => libc::EROFS,
        _ => libc::EIO,
    }
}
