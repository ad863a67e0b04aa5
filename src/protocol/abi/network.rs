//! Why something of the network failed: one list for guests, worker, supervisor and the network process.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What went wrong beyond the VM, as a guest can tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetworkErrorCode {
    /// The permission scope `network` denies it: `EACCES`.
    Denied,
    /// No such name, or it has no address: `ENOTFOUND`.
    NotFound,
    /// The servers of names gave no answer: `EAI_AGAIN`.
    NoAnswer,
    /// Nobody listens there: `ECONNREFUSED`.
    Refused,
    /// There is no way there: `ENETUNREACH`.
    Unreachable,
    /// It took too long: `ETIMEDOUT`.
    TimedOut,
    /// The other end, or what is between, has ended the connection: `ECONNRESET`.
    Reset,
    /// The VM, or the host, has as many as it may have: `EMFILE`.
    Limit,
    /// Something else: `EIO`.
    Failed,
}

/// Why a call of the network gave nothing. Guests may come to read the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(deny_unknown_fields)]
pub struct NetworkError {
    /// The kind.
    pub code: NetworkErrorCode,
    /// In words; of a denial, with the rule and the field.
    pub message: String,
}

/// Bytes of a message that are kept.
const MESSAGE_BYTES_MAX: usize = 1024;

impl NetworkError {
    /// An error in these words.
    pub fn new(code: NetworkErrorCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        NetworkError { code, message }
    }
}

/// A TCP connection that has been made beyond the VM. Its bytes are those of the descriptor beside the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connected {
    /// Its number in what is said of it later.
    pub connection: u64,
    /// The address of this end, without what it says of the host.
    pub local: SocketAddr,
}

/// What has become of a connection. That its bytes have ended is believed once it was said here: a descriptor that ends
/// by itself was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionEvent {
    /// The other end has sent all it had to send.
    Ended {},
    /// Both ends have ended it, or this end has let it go.
    Closed {},
    /// It is lost.
    Lost {
        /// Why.
        error: NetworkError,
    },
}
