//! The command runtime: WASI programs (`sh`, coreutils) of a VM, run by Wasmtime.
//!
//! It has two halves that never meet in one process. The supervisor's half ([`compile`], [`cache`]) owns the compiler
//! and turns modules into artifacts of native code; it never runs one. The worker's half ([`runtime`]) maps artifacts
//! and runs them as processes of the VM's kernel; it has no compiler. [`engine_config`] is what both must agree on.
//!
//! Nothing here knows JavaScript, its engine or any permission of it: commands behave and perform the same whatever
//! `webAssembly` and `jit` say.

pub mod applets;
#[cfg(feature = "command")]
mod begin_import;
#[cfg(feature = "supervisor")]
pub mod cache;
#[cfg(feature = "supervisor")]
pub mod compile;
pub mod engine_config;
mod exit_import;
#[cfg(feature = "supervisor")]
mod redirect;

#[cfg(feature = "command")]
mod ahead;
#[cfg(feature = "command")]
mod engine;
#[cfg(feature = "command")]
mod guest;
#[cfg(feature = "command")]
mod host;
#[cfg(feature = "command")]
mod mapping;
#[cfg(feature = "command")]
mod programs;
#[cfg(feature = "command")]
mod run;
#[cfg(feature = "command")]
pub mod runtime;
#[cfg(feature = "command")]
pub mod services;
#[cfg(feature = "command")]
mod stacks;
#[cfg(feature = "command")]
mod ticker;
#[cfg(feature = "command")]
mod wasi;

#[cfg(feature = "command")]
pub use engine::CommandLimits;
#[cfg(feature = "command")]
pub use runtime::{CommandRuntime, StartError};
#[cfg(feature = "command")]
pub use services::{ArtifactFile, HostCall, HostCallError, Services};
