//! Why an operation of the kernel failed, as POSIX error numbers.
//!
//! Owns the one list of errors that guests may see; it mirrors `wit/types.wit`. Knows nothing of who failed or why.

use serde::{Deserialize, Serialize};

macro_rules! errnos {
    ($($variant:ident $name:literal $code:literal $message:literal,)*) => {
        /// An error of the virtual kernel; names and meanings are those of POSIX `<errno.h>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Errno {
            $(#[doc = $message] $variant,)*
        }

        impl Errno {
            /// Every error, in the order of `wit/types.wit`.
            pub const ALL: &[Errno] = &[$(Errno::$variant,)*];

            /// The symbolic name, for example `ENOENT`.
            pub fn name(self) -> &'static str {
                match self { $(Errno::$variant => $name,)* }
            }

            /// What it means, in lower case and without a full stop.
            pub fn message(self) -> &'static str {
                match self { $(Errno::$variant => $message,)* }
            }

            /// The number that Linux gives it.
            pub fn code(self) -> i32 {
                match self { $(Errno::$variant => $code,)* }
            }

            /// The error that Linux numbers `code`, if guests may see it.
            pub fn from_code(code: i32) -> Option<Errno> {
                match code { $($code => Some(Errno::$variant),)* _ => None }
            }
        }
    };
}

errnos! {
    E2big "E2BIG" 7 "argument list too long",
    Eacces "EACCES" 13 "permission denied",
    Eagain "EAGAIN" 11 "resource temporarily unavailable",
    Ebadf "EBADF" 9 "bad file descriptor",
    Ebusy "EBUSY" 16 "resource busy or locked",
    Echild "ECHILD" 10 "no child processes",
    Edquot "EDQUOT" 122 "disk quota exceeded",
    Eexist "EEXIST" 17 "file already exists",
    Efault "EFAULT" 14 "bad address",
    Efbig "EFBIG" 27 "file too large",
    Eintr "EINTR" 4 "interrupted system call",
    Einval "EINVAL" 22 "invalid argument",
    Eio "EIO" 5 "i/o error",
    Eisdir "EISDIR" 21 "illegal operation on a directory",
    Eloop "ELOOP" 40 "too many symbolic links encountered",
    Emfile "EMFILE" 24 "too many open files",
    Emlink "EMLINK" 31 "too many links",
    Enametoolong "ENAMETOOLONG" 36 "name too long",
    Enfile "ENFILE" 23 "too many open files in system",
    Enodev "ENODEV" 19 "no such device",
    Enoent "ENOENT" 2 "no such file or directory",
    Enoexec "ENOEXEC" 8 "exec format error",
    Enomem "ENOMEM" 12 "not enough memory",
    Enospc "ENOSPC" 28 "no space left on device",
    Enosys "ENOSYS" 38 "function not implemented",
    Enotdir "ENOTDIR" 20 "not a directory",
    Enotempty "ENOTEMPTY" 39 "directory not empty",
    Enotsup "ENOTSUP" 95 "operation not supported",
    Enotty "ENOTTY" 25 "inappropriate ioctl for device",
    Enxio "ENXIO" 6 "no such device or address",
    Eperm "EPERM" 1 "operation not permitted",
    Epipe "EPIPE" 32 "broken pipe",
    Erange "ERANGE" 34 "result too large",
    Erofs "EROFS" 30 "read-only file system",
    Espipe "ESPIPE" 29 "invalid seek",
    Esrch "ESRCH" 3 "no such process",
    Etimedout "ETIMEDOUT" 110 "connection timed out",
    Etxtbsy "ETXTBSY" 26 "text file is busy",
    Exdev "EXDEV" 18 "cross-device link not permitted",
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name(), self.message())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn codes_are_distinct_and_lead_back_to_their_error() {
        for &errno in Errno::ALL {
            assert_eq!(Errno::from_code(errno.code()), Some(errno));
        }
        assert_eq!(Errno::from_code(0), None);
    }
}
