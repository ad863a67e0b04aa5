//! Cordon runs JavaScript that nobody trusts, together with a POSIX shell, in one enclosed process per VM.
//!
//! The map of the crate is `docs/architecture.md`.

#[cfg(any(feature = "command", feature = "supervisor"))]
pub mod command;
pub mod config;
pub mod engine;
#[cfg(feature = "isolate")]
pub mod isolate;
pub mod kernel;
pub mod policy;
