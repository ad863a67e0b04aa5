//! What the compiler of commands and the runtime of commands agree on: an engine configuration that gives the same code
//! on both sides, the private imports of the project's own programs, and which module answers to which name.
//!
//! Data and settings only; it compiles nothing and runs nothing.

pub mod applets;
pub mod begin_import;
pub mod engine_config;
pub mod exit_import;
pub mod interfaces;
