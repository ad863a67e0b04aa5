//! The private channel between the supervisor and one worker: the messages and how descriptors travel beside them.
//!
//! Frames and encoding are the wire's. The interface is described in `wit/broker/broker.wit`; a test holds the two
//! together. The supervisor treats what a worker sends as hostile: whoever has taken over a worker can send anything.

mod descriptor;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;

pub use descriptor::{ReceivedBytes, receive_with_descriptors, send_with_descriptor};
pub use message::{BrokerCall, BrokerReply, Claim, ClaimedMount, FromWorker, HostFunctionError, ToWorker};

/// Broker calls that a worker may have under way at once; one more ends the worker.
pub const CALLS_MAX: usize = 256;
