//! Cordon runs JavaScript that nobody trusts, together with a POSIX shell, in one enclosed process per VM.
//!
//! This crate is the supervisor's side: it starts workers, holds what reaches outside a VM, and serves clients. It links
//! no V8 and runs no guest code. The map of all crates is `docs/architecture.md`.

pub mod cli;
pub mod client;
pub mod sidecar;
pub mod supervisor;
mod unix_socket;

pub use protocol::{config, enclosure, engine, wire};

/// Compiles the Rust in the documentation's pages.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/quickstart.md")]
    struct Quickstart;
    #[doc = include_str!("../docs/runtime-platform.md")]
    struct RuntimePlatform;
    #[cfg(feature = "http")]
    #[doc = include_str!("../docs/serving.md")]
    struct Serving;
}
