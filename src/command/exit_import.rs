//! How an exit code reaches the runtime.
//!
//! The adapter for preview 1 programs knows only success and failure, since that is what `wasi:cli/exit` has that is
//! stable. Exit codes are the language of shells, so the compiler redirects the programs' `proc_exit` past the adapter
//! to an interface of our own. It is private to the two halves of this module and no part of the VM's contract.

/// The module that preview 1 programs import from.
pub const PREVIEW1_MODULE: &str = "wasi_snapshot_preview1";
/// Its function that ends the program.
pub const PREVIEW1_FUNCTION: &str = "proc_exit";

/// The interface that takes its place.
pub const INTERFACE: &str = "cordon:runtime/exit@0.1.0";
/// Its only function; the core signature is that of `proc_exit`.
pub const FUNCTION: &str = "exit-with";
/// Both as WIT, with a world that imports them.
pub const WIT: &str = "
    package cordon:runtime@0.1.0;
    interface exit {
        exit-with: func(code: u32);
    }
    world ends {
        import exit;
    }
";
/// The world's name.
pub const WORLD: &str = "ends";
