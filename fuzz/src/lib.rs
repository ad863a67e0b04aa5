//! What is fuzzed, by name: each takes bytes and panics where a property does not hold. The properties are the `fuzz`
//! modules beside the code, which exist under this.
#![cfg(fuzzing)]

use protocol::broker::{FromWorker, ToWorker};
use protocol::wire::{ClientMessage, ServerMessage};

// The file alone, since the crate that it is of links V8.
#[cfg(feature = "typescript")]
#[path = "../../src/isolate/platform/source.rs"]
#[allow(dead_code, missing_docs)]
mod source;

// Likewise.
#[path = "../../src/node/http_parser/mod.rs"]
#[allow(dead_code, missing_docs, unused_imports)]
mod http_parser;

/// An HTTP message.
pub fn http(bytes: &[u8]) {
    http_parser::fuzz::parse(bytes);
}

/// What the file names of its crate.
#[cfg(feature = "typescript")]
#[allow(missing_docs)]
mod run {
    pub(crate) mod outcome {
        pub(crate) enum Language {
            JavaScript,
            TypeScript,
        }
    }
}

/// A TypeScript source.
#[cfg(feature = "typescript")]
pub fn typescript(bytes: &[u8]) {
    source::fuzz::strip(bytes);
}

/// The content of a frame of any peer, weighed before it is decoded.
pub fn weight(bytes: &[u8]) {
    protocol::wire::fuzz::weighed::<ClientMessage>(bytes);
    protocol::wire::fuzz::weighed::<ServerMessage>(bytes);
    protocol::wire::fuzz::weighed::<FromWorker>(bytes);
    protocol::wire::fuzz::weighed::<ToWorker>(bytes);
}

/// Every target of `fuzz_targets`.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("broker", protocol::broker::fuzz::messages),
    ("config", protocol::config::fuzz::text),
    ("descriptors", protocol::descriptor::fuzz::stream),
    ("frames", protocol::wire::fuzz::frames),
    ("glob", cordon_sh::fuzz::pattern),
    ("head", protocol::wire::fuzz::head),
    ("host", protocol::policy::fuzz::host),
    ("http", http),
    ("messages", protocol::wire::fuzz::messages),
    ("network", protocol::network::fuzz::packet),
    ("paths", kernel::fuzz::paths),
    ("pattern", protocol::policy::fuzz::pattern),
    ("script", cordon_sh::fuzz::script),
    ("template", protocol::fork::fuzz::answer),
    #[cfg(feature = "typescript")]
    ("typescript", typescript),
    ("weight", weight),
];
