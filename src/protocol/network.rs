//! The private socket between the supervisor and the network process: its packets.
//!
//! A socket of type `SOCK_SEQPACKET`; one message a packet, descriptors beside it ([`crate::descriptor`]). The network
//! process reads bytes of whoever it is connected with, so that what it says is bounded before it is believed. The
//! policy is not its affair: it does what it is asked to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::abi::{NetworkError, TlsRequest, TlsSession};
use crate::config::{NetworkScope, SecretPlace, SecretValue};
use crate::policy::{Host, HostPattern};
use crate::wire::{DecisionBatch, DecisionWatch};

/// Connections that one VM may have at once, whatever its configuration says.
pub const CONNECTIONS_MAX: u64 = 1024;

/// The longest packet, in bytes: less than what the system takes as one.
pub const PACKET_BYTES_MAX: usize = 192 * 1024;

/// Addresses of one name that are kept.
pub const ADDRESSES_MAX: usize = 32;

/// What the supervisor asks for. Ids are its own numbers, used once each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ToNetwork {
    /// The addresses of a name that is in its canonical form.
    LookUp {
        /// Its number.
        id: u64,
        /// The name.
        name: String,
    },
    /// A TCP connection, whose number is the question's.
    Connect {
        /// Its number.
        id: u64,
        /// The address and port, decided already.
        to: SocketAddr,
        /// How long the other end may take to answer, in milliseconds.
        connect_ms: u64,
        /// How long nothing may happen on it, in milliseconds.
        idle_ms: u64,
        /// What it may carry, where that is not whatever bytes.
        requests: Option<Requests>,
        /// Whose it is, and what is left to them.
        account: Account,
        /// The proxy that it goes through.
        proxy: Option<Proxy>,
    },
    /// Puts other rules in the place of those by which a connection's requests are decided.
    Decide {
        /// The connection.
        id: u64,
        /// The rules, and whether any request may go.
        scope: NetworkScope,
        /// As [`Requests::any`].
        any: bool,
        /// As [`Requests::watch`].
        watch: DecisionWatch,
    },
    /// What is left to somebody who has connections, or had.
    Left {
        /// Its number.
        id: u64,
        /// The number of the VM.
        owner: u64,
    },
    /// Speaks TLS on a connection from here on, as its client. What the guest has sent before goes as it is.
    StartTls {
        /// The connection.
        id: u64,
        /// How.
        request: TlsRequest,
    },
    /// Ends what has that number, question or connection, whatever state it is in.
    End {
        /// Its number.
        id: u64,
    },
}

/// That a connection carries requests of HTTP, and which: the one decision that is made where they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// The rules of the VM.
    pub scope: NetworkScope,
    /// The names for which it was given the address.
    pub names: Vec<Host>,
    /// Whether any request may go, since any bytes could.
    pub any: bool,
    /// Which decisions are told.
    pub watch: DecisionWatch,
    /// Certificates of authorities that are trusted beside the host's, in PEM.
    pub extra_ca_certs: String,
    /// The secrets of the VM.
    pub secrets: Vec<Placeholder>,
}

/// What stands for a secret in what the guest sends, and what is put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholder {
    /// What the guest has.
    pub text: String,
    /// The secret; none where the connection goes to no host that gets it.
    pub value: Option<SecretValue>,
    /// The hosts that get it.
    pub hosts: Vec<HostPattern>,
    /// Where it may stand.
    pub places: Vec<SecretPlace>,
}

/// A proxy of HTTP that is asked for a tunnel to where a connection goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The value of `Proxy-Authorization`, if it wants to know who asks. Nothing that formats this shows it.
    pub authorization: Option<SecretValue>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(proxy)")
    }
}

/// Bytes that whoever a connection belongs to may have over all their connections together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The number of the VM.
    pub owner: u64,
    /// Bytes that may come in, over the connections that are open and those to come.
    pub bytes_in: u64,
    /// Bytes that may go out.
    pub bytes_out: u64,
}

/// What the network process answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FromNetwork {
    /// It is enclosed and can be asked.
    Ready {
        /// What encloses it.
        enclosure: crate::enclosure::EnclosureReport,
    },
    /// Of `LookUp`.
    LookedUp {
        /// Its number.
        id: u64,
        /// The addresses, at least one and at most [`ADDRESSES_MAX`].
        result: Result<Vec<IpAddr>, NetworkError>,
    },
    /// Of `Connect`: the address of this end; a descriptor of the connection's bytes is attached.
    Connected {
        /// Its number.
        id: u64,
        /// The address of the host's end.
        result: Result<SocketAddr, NetworkError>,
    },
    /// Of `StartTls`. A connection on which it failed is over.
    StartedTls {
        /// The connection.
        id: u64,
        /// What was agreed upon.
        result: Result<TlsSession, NetworkError>,
    },
    /// Decisions over requests of a connection, as they are watched.
    Decided {
        /// The connection.
        id: u64,
        /// They.
        batch: DecisionBatch,
    },
    /// Of `Left`: bytes in and out; none if there were no connections.
    Left {
        /// Its number.
        id: u64,
        /// As they are in [`Account`].
        bytes: Option<(u64, u64)>,
    },
    /// The other end of a connection has sent all it had to send.
    Ended {
        /// The connection.
        id: u64,
    },
    /// A connection is over. Nothing more is said of it.
    Closed {
        /// The connection.
        id: u64,
        /// Why, if that is not that both ends had ended it.
        error: Option<NetworkError>,
        /// Bytes that came in over it.
        bytes_in: u64,
        /// Bytes that went out.
        bytes_out: u64,
    },
}

/// A packet with a message.
///
/// # Errors
/// It is longer than [`PACKET_BYTES_MAX`], which no message of ours is.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, String> {
    let packet = rmp_serde::to_vec_named(message).map_err(|error| error.to_string())?;
    if packet.len() > PACKET_BYTES_MAX {
        return Err(format!("a packet of {} bytes; at most {PACKET_BYTES_MAX}", packet.len()));
    }
    Ok(packet)
}

/// The message of a packet.
///
/// # Errors
/// It is none.
pub fn decode<'a, T: Deserialize<'a>>(packet: &'a [u8]) -> Result<T, String> {
    rmp_serde::from_slice(packet).map_err(|error| error.to_string())
}

/// An entry for fuzzing packets: bytes in, properties checked.
#[cfg(any(test, fuzzing))]
pub mod fuzz {
    use super::{FromNetwork, ToNetwork, decode, encode};

    /// What is a message is written as a packet that says the same.
    pub fn packet(bytes: &[u8]) {
        if let Ok(message) = decode::<ToNetwork>(bytes) {
            let again = encode(&message).expect("it came from a packet");
            assert_eq!(decode::<ToNetwork>(&again), Ok(message));
        }
        if let Ok(message) = decode::<FromNetwork>(bytes) {
            let again = encode(&message).expect("it came from a packet");
            assert_eq!(decode::<FromNetwork>(&again), Ok(message));
        }
    }

    /// Packets with some of what each side says, to begin with.
    pub fn samples() -> Vec<Vec<u8>> {
        use crate::abi::{NetworkError, NetworkErrorCode, TlsRequest, TlsSession};
        let address: std::net::SocketAddr = ([192, 0, 2, 1], 443).into();
        let error = NetworkError::new(NetworkErrorCode::Reset, "cut off");
        let account = super::Account { owner: 1, bytes_in: 1 << 50, bytes_out: 0 };
        let to = [
            ToNetwork::LookUp { id: 1, name: "example.org".to_owned() },
            ToNetwork::Connect {
                id: 2,
                to: address,
                connect_ms: 30_000,
                idle_ms: 300_000,
                requests: None,
                account,
                proxy: Some(super::Proxy {
                    host: "proxy.example".to_owned(),
                    port: 3128,
                    authorization: Some(super::SecretValue("Basic YTpi".to_owned())),
                }),
            },
            ToNetwork::Connect {
                id: 3,
                to: address,
                connect_ms: 30_000,
                idle_ms: 300_000,
                requests: Some(super::Requests {
                    scope: crate::config::NetworkScope::Access(crate::config::Access::Deny),
                    names: vec![crate::policy::Host::parse("example.org").expect("a name")],
                    any: false,
                    watch: super::DecisionWatch::On,
                    extra_ca_certs: String::new(),
                    secrets: vec![super::Placeholder {
                        text: "cordon-secret".to_owned(),
                        value: Some(super::SecretValue("12345678".to_owned())),
                        hosts: vec![super::HostPattern::parse("*.example.org").expect("a pattern")],
                        places: vec![super::SecretPlace::Header],
                    }],
                }),
                account,
                proxy: None,
            },
            ToNetwork::Decide {
                id: 3,
                scope: crate::config::NetworkScope::Access(crate::config::Access::Allow),
                any: true,
                watch: super::DecisionWatch::Off,
            },
            ToNetwork::Left { id: 4, owner: 1 },
            ToNetwork::StartTls {
                id: 2,
                request: TlsRequest {
                    server_name: Some("example.org".to_owned()),
                    protocols: vec![b"h2".to_vec().into()],
                    identity: Some(crate::abi::TlsIdentity {
                        chain: vec![vec![1].into()],
                        key: vec![2].into(),
                    }),
                    ..TlsRequest::default()
                },
            },
            ToNetwork::End { id: 2 },
        ];
        let from = [
            FromNetwork::Ready { enclosure: crate::enclosure::EnclosureReport { layers: Vec::new() } },
            FromNetwork::LookedUp { id: 1, result: Ok(vec![address.ip()]) },
            FromNetwork::Connected { id: 2, result: Ok(address) },
            FromNetwork::Connected { id: 2, result: Err(error.clone()) },
            FromNetwork::StartedTls {
                id: 2,
                result: Ok(TlsSession {
                    version: 0x0304,
                    cipher: 0x1301,
                    group: Some(29),
                    protocol: None,
                    chain: vec![vec![0x30, 0].into()],
                    distrusted: Some("CERT_HAS_EXPIRED".to_owned()),
                }),
            },
            FromNetwork::Decided {
                id: 3,
                batch: super::DecisionBatch {
                    decisions: vec![crate::wire::Decision {
                        time_ms: 1,
                        decision: crate::config::Access::Deny,
                        scope: crate::wire::DecisionScope::Network,
                        operation: "http".to_owned(),
                        target: "GET https://example.org/".to_owned(),
                        address: Some("192.0.2.1".to_owned()),
                        rule: "permissions.network.rules[0]".to_owned(),
                        count: 2,
                    }],
                    dropped: 1,
                },
            },
            FromNetwork::Left { id: 4, bytes: Some((1, 2)) },
            FromNetwork::Ended { id: 2 },
            FromNetwork::Closed { id: 2, error: Some(error), bytes_in: 1 << 40, bytes_out: 0 },
        ];
        let to = to.iter().map(|message| encode(message).expect("a sample fits"));
        to.chain(from.iter().map(|message| encode(message).expect("a sample fits"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_packet_is_a_message_or_an_error() {
        for packet in fuzz::samples() {
            fuzz::packet(&packet);
            for at in 0..packet.len() {
                fuzz::packet(&packet[..at]);
                for byte in [0, 1, 0x7f, 0x80, 0xc0, 0xdf, 0xff] {
                    let mut damaged = packet.clone();
                    damaged[at] = byte;
                    fuzz::packet(&damaged);
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            fuzz::packet(&bytes);
        }
    }
}
