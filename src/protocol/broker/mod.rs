//! The private channel between the supervisor and one worker: its messages.
//!
//! Frames and encoding are the wire's; descriptors travel beside frames ([`crate::descriptor`]). The interface is described in `wit/broker/broker.wit`; a test holds the two
//! together. The supervisor treats what a worker sends as hostile: whoever has taken over a worker can send anything.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;

use crate::wire::{ErrorData, code};

pub use message::{
    BrokerCall, BrokerReply, Claim, ClaimedMount, FromWorker, GUEST_PROGRAM_BYTES_MAX, ToWorker,
};

/// Broker calls that a worker may have under way at once; one more ends the worker.
pub const CALLS_MAX: usize = 256;

/// Of these, calls about host directories. A thread that would ask one more waits.
pub const HOST_FS_CALLS_MAX: usize = 16;

/// What a guest is told that starts a program which it has made, where `permissions.webAssembly` denies that.
pub fn guest_programs_denied() -> ErrorData {
    let text = "WebAssembly is off in this VM, for programs that were made in it as well: permissions.webAssembly is \"deny\"";
    ErrorData::new(code::CONFIG, text).field("permissions.webAssembly").hint(
        "to grant it: permissions: { webAssembly: \"allow\" } (wire, TypeScript), web_assembly: Access::Allow (Rust), \
         --allow-wasm (command line); commands of the embedder's own need no permission: commandDirectories",
    )
}
