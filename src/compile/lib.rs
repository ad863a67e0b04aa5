//! The supervisor's half of commands: turns modules into native code, and keeps that in a cache.
//!
//! It never runs what it makes, and compiles in this process only what is trusted; what guests have made is compiled by
//! one that is enclosed ([`guest`]). The worker's half is the crate `command`, which has no compiler; the two meet in
//! `artifact` alone.

pub mod cache;
pub mod compiler;
mod error;
pub mod guest;
mod key;
pub mod memory;
mod redirect;
mod sealed;
