//! How a program is begun before there is a process for it.
//!
//! A program that imports this calls it first of all, before it asks for anything that a process has: arguments,
//! environment, descriptors, paths. The runtime may then have begun it ahead, and lets it wait there. It is private to
//! the runtime and the project's own programs, and no part of the VM's contract.

/// The interface that such programs import.
pub const INTERFACE: &str = "cordon:runtime/begin@0.1.0";
/// Its only function, from nothing to nothing: returns once the program has its process.
pub const FUNCTION: &str = "wait";
