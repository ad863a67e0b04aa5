//! The private channel between the supervisor and one worker: its messages.
//!
//! Frames and encoding are the wire's; descriptors travel beside frames ([`crate::descriptor`]). The interface is described in `wit/broker/broker.wit`; a test holds the two
//! together. The supervisor treats what a worker sends as hostile: whoever has taken over a worker can send anything.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;

pub use message::{BrokerCall, BrokerReply, Claim, ClaimedMount, FromWorker, ToWorker};

/// Broker calls that a worker may have under way at once; one more ends the worker.
pub const CALLS_MAX: usize = 256;

/// Of these, calls about host directories. A thread that would ask one more waits.
pub const HOST_FS_CALLS_MAX: usize = 16;
