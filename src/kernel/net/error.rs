//! What goes wrong with sockets.

use crate::Errno;
use protocol::abi::{NetworkError, NetworkErrorCode};

/// Errors of sockets by their names on Linux. Commands know fewer errors than there are here: see [`SocketError::errno`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketError {
    /// Permission denied.
    Eacces,
    /// The address is in use.
    Eaddrinuse,
    /// The address is none of this VM's.
    Eaddrnotavail,
    /// Nobody listens there.
    Econnrefused,
    /// The peer has ended the connection without taking all that was sent.
    Econnreset,
    /// There is no room for the datagram.
    Emsgsize,
    /// The VM's sockets hold all that they may.
    Enobufs,
    /// Not connected.
    Enotconn,
    /// Nobody can read any more what is written.
    Epipe,
    /// Open files.
    Enfile,
    /// As many connections as there may be.
    Emfile,
    /// There is no way there.
    Enetunreach,
    /// Nothing has happened for too long.
    Etimedout,
    /// Something else, that is no matter of sockets.
    Other(Errno),
}

impl SocketError {
    /// The number that Linux gives it.
    pub fn code(self) -> i32 {
        match self {
            SocketError::Eacces => 13,
            SocketError::Eaddrinuse => 98,
            SocketError::Eaddrnotavail => 99,
            SocketError::Econnrefused => 111,
            SocketError::Econnreset => 104,
            SocketError::Emsgsize => 90,
            SocketError::Enobufs => 105,
            SocketError::Enotconn => 107,
            SocketError::Epipe => 32,
            SocketError::Enfile => 23,
            SocketError::Emfile => 24,
            SocketError::Enetunreach => 101,
            SocketError::Etimedout => 110,
            SocketError::Other(errno) => errno.code(),
        }
    }

    /// The nearest among the errors that every guest knows.
    pub fn errno(self) -> Errno {
        match self {
            SocketError::Eacces => Errno::Eacces,
            SocketError::Eaddrinuse => Errno::Ebusy,
            SocketError::Eaddrnotavail | SocketError::Econnrefused => Errno::Enxio,
            SocketError::Econnreset => Errno::Eio,
            SocketError::Emsgsize => Errno::Efbig,
            SocketError::Enobufs => Errno::Enomem,
            SocketError::Enotconn => Errno::Einval,
            SocketError::Epipe => Errno::Epipe,
            SocketError::Enfile => Errno::Enfile,
            SocketError::Emfile => Errno::Emfile,
            SocketError::Enetunreach => Errno::Enxio,
            SocketError::Etimedout => Errno::Etimedout,
            SocketError::Other(errno) => errno,
        }
    }
}

impl From<&NetworkError> for SocketError {
    fn from(error: &NetworkError) -> SocketError {
        match error.code {
            NetworkErrorCode::Denied => SocketError::Eacces,
            NetworkErrorCode::Refused => SocketError::Econnrefused,
            NetworkErrorCode::Unreachable => SocketError::Enetunreach,
            NetworkErrorCode::TimedOut => SocketError::Etimedout,
            NetworkErrorCode::Reset => SocketError::Econnreset,
            NetworkErrorCode::Limit => SocketError::Emfile,
            NetworkErrorCode::NotFound
            | NetworkErrorCode::NoAnswer
            | NetworkErrorCode::Handshake
            | NetworkErrorCode::Certificate
            | NetworkErrorCode::Failed => SocketError::Other(Errno::Eio),
        }
    }
}

impl From<Errno> for SocketError {
    fn from(errno: Errno) -> SocketError {
        SocketError::Other(errno)
    }
}
