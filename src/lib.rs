//! Cordon runs JavaScript that nobody trusts, together with a POSIX shell, in one enclosed process per VM.
//!
//! The map of the crate is `docs/architecture.md`.

pub mod broker;
#[cfg(feature = "supervisor")]
pub mod cli;
#[cfg(feature = "supervisor")]
pub mod client;
#[cfg(any(feature = "command", feature = "supervisor"))]
pub mod command;
pub mod config;
pub mod enclosure;
pub mod engine;
#[cfg(feature = "supervisor")]
pub mod host;
#[cfg(feature = "isolate")]
pub mod isolate;
pub mod kernel;
pub mod policy;
#[cfg(feature = "supervisor")]
pub mod sidecar;
#[cfg(feature = "supervisor")]
pub mod supervisor;
#[cfg(feature = "supervisor")]
mod unix_socket;
pub mod wire;
#[cfg(feature = "worker")]
pub mod worker;

/// Compiles the Rust in the documentation's pages.
#[cfg(all(doctest, feature = "supervisor"))]
mod pages {
    #[doc = include_str!("../docs/quickstart.md")]
    struct Quickstart;
    #[doc = include_str!("../docs/runtime-platform.md")]
    struct RuntimePlatform;
}
