//! What the supervisor and a worker say to each other.

#![allow(missing_docs, reason = "variants are documented; their fields are the parts of what they say")]

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::abi::{
    Connected, ConnectionEvent, Errno, HostCallError, HostFsReply, HostFsRequest, MountId, NetworkError,
    TlsRequest, TlsSession,
};
use crate::config::{CreateVmConfig, NetworkScope};
use crate::enclosure::EnclosureReport;
use crate::engine::EngineReport;
use crate::wire::{
    Bytes, ConnectionState, DecisionBatch, DecisionWatch, ErrorData, OutputStream, RequestUpdate, VmRequest,
    VmResponse,
};

/// Binds a worker to a VM.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The checked configuration.
    pub config: CreateVmConfig,
    /// Host directories that the supervisor has opened for it.
    pub mounts: Vec<ClaimedMount>,
    /// The names of the command modules that are installed.
    pub commands: Vec<String>,
    /// Whether npm is installed, and nothing of the configuration's lies in its place.
    pub npm: bool,
}

/// A host directory as a worker knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedMount {
    /// Its number in calls.
    pub mount: MountId,
    /// Its path in the VM.
    pub guest: String,
    /// Whether it may only be read; the supervisor holds to it by itself.
    pub read_only: bool,
}

/// What the supervisor sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ToWorker {
    /// The first message.
    Claim(Box<Claim>),
    /// A client's request.
    Request { id: u64, request: VmRequest },
    /// Reaches a request that is under way.
    Update { id: u64, update: RequestUpdate },
    /// Shows a host directory; answered like a request.
    Mount { id: u64, mount: ClaimedMount },
    /// Takes a mount away; answered like a request.
    Unmount { id: u64, guest: String },
    /// Answers a call.
    Reply { call: u64, reply: BrokerReply },
    /// Something has become of a connection beyond the VM.
    Outward { connection: u64, event: ConnectionEvent },
    /// Puts other rules in the place of `permissions.network`; answered like a request.
    SetNetwork { id: u64, scope: NetworkScope },
    /// Says which decisions over permissions are kept to be told.
    WatchDecisions { watch: DecisionWatch },
    /// Asks for those that are kept.
    TakeDecisions {},
    /// Asks for a sign of life.
    Ping {},
}

/// What a worker sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FromWorker {
    /// The engine runs and can be claimed.
    Ready { engine: EngineReport, enclosure: EnclosureReport },
    /// The claim is in force.
    Claimed {},
    /// The claim cannot be fulfilled; the worker ends.
    Refused { error: ErrorData },
    /// Answers a request.
    Response { id: u64, response: Result<VmResponse, ErrorData> },
    /// A request's program has started.
    Started { id: u64, pid: u32 },
    /// Output of a request that streams.
    Output { id: u64, stream: OutputStream, data: Bytes },
    /// A connection to a server in the VM has come so far.
    Connection { id: u64, state: ConnectionState },
    /// Standard input that a program has taken.
    InputTaken { id: u64, bytes: u64 },
    /// Asks the supervisor for something.
    Call { call: u64, body: BrokerCall },
    /// The enclosure refused system calls of these names to this process.
    RefusedCalls { calls: Vec<String> },
    /// Answers `TakeDecisions`: what the worker has decided itself.
    Decisions { batch: DecisionBatch },
    /// Answers a `Ping`, whatever else goes on.
    Pong {},
    /// The worker is about to end, for this reason.
    Dying { error: ErrorData },
}

/// What a worker can ask its supervisor for: the functions of `cordon:broker/supervisor`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BrokerCall {
    /// An operation in a host directory.
    HostFilesystem { mount: MountId, request: HostFsRequest },
    /// A host function of the client's.
    HostFunction { name: String, input: String },
    /// The descriptor of a command module's native code, sent beside the reply.
    CommandArtifact { module: String },
    /// The same of a module that the guest has made, of at most [`GUEST_PROGRAM_BYTES_MAX`]. Answered by the same reply.
    GuestProgram { module: Bytes },
    /// The addresses of a name beyond the VM.
    LookUp { name: String },
    /// A TCP connection beyond the VM, the descriptor of its bytes being sent beside the reply.
    Connect { to: SocketAddr },
    /// TLS on a connection beyond the VM, as its client.
    StartTls { connection: u64, request: TlsRequest },
}

/// The longest module that a guest may have compiled to run it as a program.
pub const GUEST_PROGRAM_BYTES_MAX: usize = 8 << 20;

/// The supervisor's answer to a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BrokerReply {
    /// Of `HostFilesystem`.
    HostFilesystem { result: Result<HostFsReply, Errno> },
    /// Of `HostFunction`.
    HostFunction { result: Result<String, HostCallError> },
    /// Of `CommandArtifact` and `GuestProgram`: its length in bytes, the descriptor being attached; or why there is none. Guests may come
    /// to read the message.
    CommandArtifact { result: Result<u64, ErrorData> },
    /// Of `LookUp`: at least one.
    LookUp { result: Result<Vec<IpAddr>, NetworkError> },
    /// Of `Connect`, the descriptor being attached if there is a connection.
    Connect { result: Result<Connected, NetworkError> },
    /// Of `StartTls`. A connection on which it failed is over.
    StartTls { result: Result<TlsSession, NetworkError> },
}

impl BrokerReply {
    /// Whether a descriptor comes beside it.
    pub fn has_descriptor(&self) -> bool {
        matches!(
            self,
            BrokerReply::CommandArtifact { result: Ok(_) } | BrokerReply::Connect { result: Ok(_) }
        )
    }
}
