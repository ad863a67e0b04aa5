//! The kernel's errors in the words of `wasi:filesystem`.

use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

use kernel::Errno;

/// The nearest error that WASI has.
pub(super) fn code(errno: Errno) -> ErrorCode {
    match errno {
        Errno::Eacces => ErrorCode::Access,
        Errno::Eagain => ErrorCode::WouldBlock,
        Errno::Ebadf => ErrorCode::BadDescriptor,
        Errno::Ebusy => ErrorCode::Busy,
        Errno::Edquot => ErrorCode::Quota,
        Errno::Eexist => ErrorCode::Exist,
        Errno::Efbig => ErrorCode::FileTooLarge,
        Errno::Eintr => ErrorCode::Interrupted,
        Errno::E2big | Errno::Einval | Errno::Efault | Errno::Erange => ErrorCode::Invalid,
        Errno::Eisdir => ErrorCode::IsDirectory,
        Errno::Eloop => ErrorCode::Loop,
        // WASI 0.2 has no word for too many open files; this is the one that says "a resource ran out".
        Errno::Emfile | Errno::Enfile | Errno::Enomem => ErrorCode::InsufficientMemory,
        Errno::Emlink => ErrorCode::TooManyLinks,
        Errno::Enametoolong => ErrorCode::NameTooLong,
        Errno::Enodev => ErrorCode::NoDevice,
        Errno::Enoent => ErrorCode::NoEntry,
        Errno::Enospc => ErrorCode::InsufficientSpace,
        Errno::Enosys | Errno::Enotsup => ErrorCode::Unsupported,
        Errno::Enotdir => ErrorCode::NotDirectory,
        Errno::Enotempty => ErrorCode::NotEmpty,
        Errno::Enotty => ErrorCode::NoTty,
        Errno::Enxio => ErrorCode::NoSuchDevice,
        Errno::Eperm => ErrorCode::NotPermitted,
        Errno::Epipe => ErrorCode::Pipe,
        Errno::Erofs => ErrorCode::ReadOnly,
        Errno::Espipe => ErrorCode::InvalidSeek,
        Errno::Etxtbsy => ErrorCode::TextFileBusy,
        Errno::Exdev => ErrorCode::CrossDevice,
        Errno::Echild | Errno::Eio | Errno::Enoexec | Errno::Esrch | Errno::Etimedout => ErrorCode::Io,
    }
}

/// For `map_err`.
pub(super) fn failure(errno: Errno) -> FsError {
    code(errno).into()
}
