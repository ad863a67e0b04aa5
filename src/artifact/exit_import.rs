//! How an exit code reaches the runtime.
//!
//! The adapter for preview 1 programs knows only success and failure, since that is what `wasi:cli/exit` has that is
//! stable. Exit codes are the language of shells, so the compiler redirects the programs' `proc_exit` past the adapter
//! to an interface of our own. It is private to the two halves of this module and no part of the VM's contract.

/// The interface that takes the place of `proc_exit`.
pub const INTERFACE: &str = "cordon:runtime/exit@0.1.0";
/// Its only function, from an unsigned 32-bit number to nothing: in core WebAssembly, the signature of `proc_exit`.
pub const FUNCTION: &str = "exit-with";
