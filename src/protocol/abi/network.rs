//! Connections beyond the VM, the TLS that is spoken for them, and why something failed: the same for guests, worker,
//! supervisor and the network process.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::wire::Bytes;

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
    /// TLS did not come about; the message has OpenSSL's words for the reason: Node's `ERR_SSL_...`.
    Handshake,
    /// The certificate of the other end is not to be trusted, and nobody may say otherwise. The message begins with
    /// OpenSSL's name of the reason, which is Node's code, and a colon.
    Certificate,
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

/// How TLS is to be spoken for a connection, as a client of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsRequest {
    /// The name that is asked for; without one, the address is meant.
    pub server_name: Option<String>,
    /// Protocols that the guest speaks (RFC 7301), the dearest first.
    pub protocols: Vec<Bytes>,
    /// Certificates in DER to trust in place of the host's, if there are any.
    pub authorities: Vec<Bytes>,
    /// What the guest shows of itself if it is asked.
    pub identity: Option<TlsIdentity>,
    /// The oldest version that will do, as TLS numbers it: [`TLS_1_2`].
    pub oldest: u16,
    /// The newest.
    pub newest: u16,
    /// Bytes that the guest has had of the connection. Others that have come in the clear are none of TLS's, and nobody
    /// may take them for its content.
    pub received: u64,
}

/// A certificate and its key, which are the guest's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsIdentity {
    /// Certificates in DER, its own first.
    pub chain: Vec<Bytes>,
    /// The key, in PKCS #8's DER.
    pub key: Bytes,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

impl TlsRequest {
    /// Names, protocols, certificates and key together, in bytes.
    pub const BYTES_MAX: usize = 96 * 1024;

    /// Whether it is no longer than that.
    pub fn fits(&self) -> bool {
        let identity = self.identity.iter().flat_map(|one| one.chain.iter().chain([&one.key]));
        let lists = self.protocols.iter().chain(&self.authorities).chain(identity);
        let name = self.server_name.as_ref().map_or(0, String::len);
        lists.map(|bytes| bytes.0.len() + 8).sum::<usize>() + name <= Self::BYTES_MAX
    }
}

/// What the two ends have agreed upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSession {
    /// The version, as TLS writes it.
    pub version: u16,
    /// The cipher suite's number, of IANA's registry.
    pub cipher: u16,
    /// The number of the group for the keys, of IANA's registry.
    pub group: Option<u16>,
    /// The protocol that the server has chosen, if it has.
    pub protocol: Option<Bytes>,
    /// The other end's certificates in DER, its own first.
    pub chain: Vec<Bytes>,
    /// Why the host does not trust them, if it does not: OpenSSL's name of the reason. That the certificate is one for the
    /// name is not part of it.
    pub distrusted: Option<String>,
}

/// TLS 1.2, as TLS numbers it.
pub const TLS_1_2: u16 = 0x0303;
/// TLS 1.3.
pub const TLS_1_3: u16 = 0x0304;

impl TlsSession {
    /// The name of the version, as OpenSSL writes it.
    pub fn version_name(&self) -> String {
        match self.version {
            TLS_1_2 => "TLSv1.2".to_owned(),
            TLS_1_3 => "TLSv1.3".to_owned(),
            other => format!("unknown (0x{other:04x})"),
        }
    }

    /// Certificates together, in bytes.
    pub const CHAIN_BYTES_MAX: usize = 96 * 1024;

    /// Whether there are no more than that, and at least one.
    pub fn fits(&self) -> bool {
        let bytes: usize = self.chain.iter().map(|one| one.0.len() + 8).sum();
        !self.chain.is_empty()
            && bytes <= Self::CHAIN_BYTES_MAX
            && self.protocol.as_ref().is_none_or(|one| one.0.len() < 256)
            && self.distrusted.as_ref().is_none_or(|one| one.len() < 128)
    }
}
