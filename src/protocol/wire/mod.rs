//! The protocol between a client and a sidecar: the messages and their encoding.
//!
//! A connection carries frames in both directions: a length of four bytes (unsigned, big-endian) and as many bytes of
//! MessagePack, in which structs are maps with named fields. The client's first frame is `hello`, the sidecar's
//! answer `welcome`; after that every request has an id of the client's choice and gets exactly one `response` with
//! it. Both sides treat the other's bytes as hostile: a frame has a maximum, an unknown message or field is an error,
//! and an error in a frame ends that connection and nothing else.
//!
//! This module owns shapes and bytes. It knows no socket and no process.

mod codec;
mod decision;
mod execution;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod head;
mod message;
mod weight;

pub use codec::{DecodeError, FRAME_BYTES_MAX, FrameDecoder, decode, encode_frame};
pub use decision::{
    DECISION_BYTES_MAX, DECISION_TEXT_BYTES, DECISIONS_MAX, Decision, DecisionBatch, DecisionScope,
    DecisionWatch, NetworkUsage,
};
pub use execution::{
    Capture, ErrorData, EvaluateOptions, ExecutionOptions, ExecutionResult, Language, Outcome, OutputStream,
    Progress, SourceFormat, code,
};
pub use head::{RequestHead, request_head};
pub use message::{
    Bytes, ClientMessage, ConnectionState, DirectoryEntry, FileKind, FileStatus, HostCallOutcome,
    PROCESS_ARGUMENT_BYTES, ProcessState, ProcessStatus, Request, RequestUpdate, Response, ServerMessage,
    TerminalSize, VmRequest, VmResponse,
};
pub use weight::{ELEMENTS_MAX, weigh};

/// The version of the protocol; both sides must name the same.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest content of a frame, in bytes, before the client has said `hello`.
pub const HELLO_BYTES_MAX: usize = 4096;

/// What the `createVm` of a configuration may weigh ([`weigh`]), in bytes.
pub const CONFIG_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most bytes that a request reads of a file in a mount unless it says how many; a guest can make such a file look
/// as long as it likes.
pub const READ_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Output bytes per request that the sidecar may send before the client grants more with `credit`.
pub const INITIAL_CREDIT: u64 = 256 * 1024;

/// Bytes that are kept of what a terminal has shown, for whoever attaches to it later.
pub const TERMINAL_KEPT_BYTES: usize = 256 * 1024;

/// The longest that `connect` waits for somebody to listen.
pub const CONNECT_WAIT_MS_MAX: u64 = 10 * 60 * 1000;

/// How long `connect` waits for a server that listens and has too many connections to accept already, unless it waits
/// longer for one to listen.
pub const CONNECT_TIME_MS: u64 = 10_000;

/// Bytes of input per request that the client may have in flight before an `inputTaken` grants more.
pub const INPUT_WINDOW: u64 = 256 * 1024;
